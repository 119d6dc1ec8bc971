import { field, type Field } from "./field.js";
import { poseidon } from "./poseidon.js";

/** The number of levels of a registry tree: 4^10 or 4^16 leaves. */
export type Depth = 10 | 16;

/** The three siblings of one node on a path, in the order of their positions. */
export type Siblings = readonly [Field, Field, Field];

const emptySubtrees: Field[] = [field(0n)];

/**
 * Returns the root of a subtree without leaves. `level` counts the levels from the leaves, at most
 * 16.
 */
export function emptySubtree(level: number): Field {
  if (!Number.isInteger(level) || level < 0 || level > 16) throw new RangeError(`a level is 0 to 16, got ${level}`);
  for (let next = emptySubtrees.length; next <= level; next++) {
    emptySubtrees.push(parentOf(Array<Field>(4).fill(emptySubtrees[next - 1]!)));
  }
  return emptySubtrees[level]!;
}

/** Hashes the four children of a node. */
export function parentOf(children: readonly Field[]): Field {
  if (children.length !== 4) throw new RangeError(`a node has 4 children, got ${children.length}`);
  return poseidon(...children);
}

/**
 * Returns the position of a node among its siblings. `level` counts the levels from the leaves.
 */
export function positionAt(index: bigint, level: number): number {
  return Number((index >> BigInt(2 * level)) & 3n);
}

/**
 * Checks that an index is that of a leaf.
 *
 * @throws `RangeError` if the tree has no such leaf.
 */
export function checkIndex(index: bigint, depth: Depth): void {
  const leaves = 1n << BigInt(2 * depth);
  if (index < 0n || index >= leaves) throw new RangeError(`a tree of depth ${depth} has ${leaves} leaves, from index 0`);
}

/**
 * Computes the root from a leaf, its index and its path, which has the siblings of each level from
 * the leaf on.
 */
export function rootOfPath(leaf: Field, index: bigint, path: readonly Siblings[]): Field {
  return path.reduce<Field>((node, siblings, level) => {
    const children: Field[] = [...siblings];
    children.splice(positionAt(index, level), 0, node);
    return parentOf(children);
  }, leaf);
}
