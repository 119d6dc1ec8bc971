// A tree of depth 10 whose tiles have one leaf each, and the tiles of an API. poseidon-lite hashes
// it.

import { poseidon4 } from "poseidon-lite";

import { field, fieldToBytes, fieldToHex, type Field } from "../src/index.ts";

const empties = [0n];
for (let level = 1; level <= 10; level++) empties.push(poseidon4(Array(4).fill(empties[level - 1]!)));

export class SparseTree {
  readonly root: Field;
  /** The tiles by their hashes. */
  readonly tiles = new Map<string, Uint8Array>();
  readonly #numbers = new Map<string, number>();

  /** Creates a tree with this number of tiles of 256 leaves, each with the leaf 3. */
  constructor(count: number) {
    let row = new Map(Array.from({ length: count }, (_, tile) => [256 * tile + 3, 1_000n + BigInt(tile)] as const));
    const rows = [row];
    for (let level = 1; level <= 10; level++) {
      const below = row;
      const parents = new Set([...below.keys()].map((at) => at >> 2));
      const child = (at: number) => below.get(at) ?? empties[level - 1]!;
      row = new Map([...parents].map((at) => [at, poseidon4([0, 1, 2, 3].map((number) => child(4 * at + number)))] as const));
      rows.push(row);
    }
    for (const [level, below] of [[10, 8], [8, 4], [4, 0]] as const) {
      const width = 4 ** (level - below);
      for (const [at, hash] of rows[level]!) {
        const entries = Array.from({ length: width }, (_, number) => rows[below]!.get(width * at + number) ?? empties[below]!);
        while (entries.at(-1) === empties[below]) entries.pop();
        const name = fieldToHex(field(hash));
        this.tiles.set(name, Uint8Array.from([level, ...entries.flatMap((entry) => [...fieldToBytes(field(entry))])]));
        if (level === 4) this.#numbers.set(name, at);
      }
    }
    this.root = field(rows[10]!.get(0)!);
  }

  /** Returns a leaf. */
  leaf(index: bigint): Field {
    const tile = Number(index / 256n);
    return field(index % 256n === 3n && tile < this.#numbers.size ? 1_000n + BigInt(tile) : 0n);
  }

  /** Returns the numbers of the tiles of 256 leaves among tiles, in order. */
  numbersOf(names: readonly string[]): number[] {
    return names.flatMap((name) => this.#numbers.get(name) ?? []).sort((a, b) => a - b);
  }
}
