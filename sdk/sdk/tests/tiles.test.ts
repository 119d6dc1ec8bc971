// Tests paths from tiles, with an API that gives false data.

import assert from "node:assert/strict";
import { test } from "node:test";

import { poseidon4 } from "poseidon-lite";

import { BautaError, field, fieldToHex, MODULUS, readPath, rootOfPath, type Depth, type Field } from "../src/index.ts";

const API = "https://api.example/";

/** An API with the tiles of a tree with these leaves. poseidon-lite hashes the tree. */
class Api {
  readonly tiles = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  readonly root: Field;

  constructor(leaves: readonly bigint[], depth: Depth) {
    let empty = 0n;
    let row = [...leaves];
    const rows = [row];
    const empties = [empty];
    for (let level = 1; level <= depth; level++) {
      row = Array.from({ length: Math.max(1, Math.ceil(row.length / 4)) }, (_, index) =>
        poseidon4([0, 1, 2, 3].map((child) => row[4 * index + child] ?? empty)),
      );
      empty = poseidon4(Array(4).fill(empty));
      rows.push(row);
      empties.push(empty);
    }
    const levels = depth === 10 ? [10, 8, 4] : [16, 12, 8, 4];
    for (const level of levels) {
      const below = level === 10 ? 8 : level - 4;
      const width = 4 ** (level - below);
      for (const [index, hash] of rows[level]!.entries()) {
        const entries = rows[below]!.slice(width * index, width * (index + 1));
        while (entries.at(-1) === empties[below]) entries.pop();
        this.tiles.set(this.name(hash), tile(level, entries));
      }
    }
    this.root = field(rows[depth]![0]!);
  }

  name(hash: bigint): string {
    return fieldToHex(field(hash));
  }

  readonly fetch = async (url: string | URL | Request): Promise<Response> => {
    this.requests.push(String(url));
    const found = this.tiles.get(String(url).split("/").at(-1)!);
    return found ? new Response(Buffer.from(found)) : new Response(null, { status: 404 });
  };
}

function tile(level: number, entries: readonly bigint[]): Uint8Array {
  const digits = entries.map((entry) => entry.toString(16).padStart(64, "0")).join("");
  return Uint8Array.from([level, ...Buffer.from(digits, "hex")]);
}

const leaves = Array.from({ length: 700 }, (_, index) => 1000n + BigInt(index));
const read = (api: Api, index: bigint, depth: Depth = 10) =>
  readPath(API, { root: api.root, depth, index }, { fetch: api.fetch as typeof fetch });
const refusal = (code: string) => (error: unknown) => error instanceof BautaError && error.code === code && error.remedy !== "";

for (const depth of [10, 16] as const) {
  test(`the path of each kind of position leads to the root in a tree of depth ${depth}`, async () => {
    const api = new Api(leaves, depth);
    for (const index of [0n, 1n, 255n, 256n, 600n, 699n]) {
      const { leaf, path } = await read(api, index, depth);
      assert.equal(leaf, leaves[Number(index)]);
      assert.equal(path.length, depth);
      assert.equal(rootOfPath(leaf, index, path), api.root);
    }
    for (const index of [700n, 1023n, 100_000n, 4n ** BigInt(depth) - 1n]) {
      const { leaf, path } = await read(api, index, depth);
      assert.equal(leaf, 0n);
      assert.equal(rootOfPath(leaf, index, path), api.root);
    }
  });
}

test("an empty tree needs no request", async () => {
  const api = new Api([], 10);
  const { leaf, path } = await read(api, 5n);
  assert.equal(rootOfPath(leaf, 5n, path), api.root);
  assert.deepEqual(api.requests, []);
});

test("the API sees one tile of each level, and no index", async () => {
  const api = new Api(leaves, 10);
  await read(api, 600n);
  assert.equal(api.requests.length, 3);
  const [top] = api.requests;
  assert.equal(top, `https://api.example/v1/tiles/${fieldToHex(api.root)}`);
  const others = new Api(leaves, 10);
  await read(others, 513n);
  assert.deepEqual(others.requests, api.requests);
});

test("a forged leaf or node in any tile of the path is refused", async () => {
  const honest = new Api(leaves, 10);
  await read(honest, 0n);
  for (const request of honest.requests) {
    const name = request.split("/").at(-1)!;
    const good = honest.tiles.get(name)!;
    for (const end of [good.length, 33]) {
      const api = new Api(leaves, 10);
      const forged = Uint8Array.from(good);
      forged[end - 1]! ^= 1;
      api.tiles.set(name, forged);
      await assert.rejects(read(api, 0n), refusal("false-tile"), name);
    }
  }
});

test("a tile of another level, of another length or with an entry above the modulus is refused", async () => {
  const api = new Api(leaves, 10);
  const name = fieldToHex(api.root);
  const good = api.tiles.get(name)!;
  const wrong = [
    new Uint8Array(),
    good.slice(0, 1),
    good.slice(0, -1),
    Uint8Array.from([...good, 0]),
    Uint8Array.from([8, ...good.slice(1)]),
    tile(10, [MODULUS]),
    tile(10, Array(17).fill(0n)),
    tile(10, Array(257).fill(0n)),
    new Uint8Array(1_000_000),
  ];
  for (const bytes of wrong) {
    api.tiles.set(name, bytes);
    await assert.rejects(read(api, 0n), refusal("false-tile"), `${bytes.length} bytes`);
  }
});

test("a body without an end is not read to its end", async () => {
  const api = new Api(leaves, 10);
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 1024;
      controller.enqueue(new Uint8Array(1024));
    },
  });
  const endless = (async () => new Response(body)) as typeof fetch;
  const reading = readPath(API, { root: api.root, depth: 10, index: 0n }, { fetch: endless });
  await assert.rejects(reading, refusal("false-tile"));
  assert.ok(sent < 20_000, `${sent} bytes`);
});

test("a missing tile, an error of the API and an unreachable API have their own codes", async () => {
  const api = new Api(leaves, 10);
  const tree = { root: api.root, depth: 10 as const, index: 0n };
  const readFrom = (answer: () => Promise<Response>) => readPath(API, tree, { fetch: answer as typeof fetch });
  await assert.rejects(readFrom(async () => new Response(null, { status: 404 })), refusal("unknown-tile"));
  await assert.rejects(readFrom(async () => new Response(null, { status: 503 })), refusal("api-refused"));
  await assert.rejects(readFrom(() => Promise.reject(new TypeError("offline"))), refusal("api-unreachable"));
});

test("an aborted request rejects with the reason of its signal", async () => {
  const api = new Api(leaves, 10);
  const signal = AbortSignal.abort(new Error("enough"));
  const aborting = (async (_: unknown, options: RequestInit) => {
    options.signal?.throwIfAborted();
    return new Response();
  }) as typeof fetch;
  const reading = readPath(API, { root: api.root, depth: 10, index: 0n }, { fetch: aborting, signal });
  await assert.rejects(reading, /enough/);
});

test("an index past the last leaf is refused before any request", async () => {
  const api = new Api(leaves, 10);
  for (const index of [-1n, 4n ** 10n]) await assert.rejects(read(api, index), RangeError);
  assert.deepEqual(api.requests, []);
});
