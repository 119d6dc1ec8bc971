// The path of a member, read so that the API does not learn which leaf it is.

import type { Address } from "@solana/kit";

import { BautaError } from "./error.js";
import { fieldFromBytes, fieldToHex, type Field } from "./field.js";
import { malformed, type Service } from "./http.js";
import { countTiles, MAX_TILE_BYTES, pathIn, tileReader, type TreePath } from "./tiles.js";
import { checkIndex, emptySubtree, parentOf, positionAt, type Depth, type Siblings } from "./tree.js";
import type { Vault } from "./vault.js";

/** How a path is read. */
export type TreeReading =
  /** All leaves of trees with up to 4,096, and else tiles. */
  | "auto"
  /** All leaves. The API learns nothing about the leaf. */
  | "whole"
  /** A group of tiles. The API learns that the leaf is in one of them. */
  | "tiles";

/** A leaf in a tree of the API. */
export interface LeafOfTree {
  readonly registry: Address;
  readonly root: Field;
  readonly depth: Depth;
  readonly index: bigint;
  /** The number of leaves, or 0 if it is unknown. */
  readonly leaves: bigint;
}

/** Larger trees are read in tiles. */
const MAX_WHOLE = 4_096n;
/** Hashing more leaves takes minutes. */
const MAX_LEAVES = 65_536;
const TILE_LEAVES = 256n;
/** The tiles of a group. */
const GROUP = 4;

/** Reads the path of a leaf, and checks it against the root. */
export async function readMemberPath(
  api: Service,
  vault: Vault,
  tree: LeafOfTree,
  how: TreeReading,
  signal?: AbortSignal,
): Promise<TreePath> {
  checkIndex(tree.index, tree.depth);
  const isSmall = tree.leaves > 0n && tree.leaves <= MAX_WHOLE;
  if (how === "whole" || (how === "auto" && isSmall)) return readWhole(api, tree, signal);
  return readTiles(api, vault, tree, signal);
}

async function readWhole(api: Service, tree: LeafOfTree, signal: AbortSignal | undefined): Promise<TreePath> {
  const { registry, root, depth, index } = tree;
  const bytes = await api.bytes({
    path: `/v1/registries/${registry}/roots/${fieldToHex(root)}/leaves`,
    route: "/v1/registries/{registry}/roots/{root}/leaves",
    shows: ["registry", "all leaves or none"],
    limit: MAX_LEAVES * 32,
    signal,
  });
  if (bytes.length % 32 !== 0) throw malformed("the list of leaves has a part of a leaf");
  const path = pathInLeaves(readLeaves(bytes), depth, index);
  if (path.root !== root) {
    throw new BautaError(
      "false-leaves",
      `the leaves of the API have the root ${fieldToHex(path.root)}, and the registry has ${fieldToHex(root)}`,
      "Use another API, and report this one.",
    );
  }
  return path;
}

function readLeaves(bytes: Uint8Array): Field[] {
  try {
    return Array.from({ length: bytes.length / 32 }, (_, at) => fieldFromBytes(bytes.subarray(32 * at, 32 * at + 32)));
  } catch {
    throw malformed("a leaf of the API is not a field element");
  }
}

/** Computes the root of leaves, and the path of one of them. */
export function pathInLeaves(leaves: readonly Field[], depth: Depth, index: bigint): TreePath & { readonly root: Field } {
  if (BigInt(leaves.length) > 4n ** BigInt(depth)) throw malformed("the API has more leaves than the tree");
  const path: Siblings[] = [];
  let row: readonly Field[] = leaves;
  for (let level = 0; level < depth; level++) {
    const empty = emptySubtree(level);
    const own = Number(index >> BigInt(2 * level));
    const first = own - positionAt(index, level);
    const [a, b, c] = [0, 1, 2, 3].map((child) => first + child).filter((at) => at !== own);
    path.push([row[a!] ?? empty, row[b!] ?? empty, row[c!] ?? empty]);
    const current = row;
    row = Array.from({ length: Math.ceil(row.length / 4) }, (_, at) =>
      parentOf([0, 1, 2, 3].map((child) => current[4 * at + child] ?? empty)),
    );
  }
  return { leaf: leaves[Number(index)] ?? emptySubtree(0), path, root: row[0] ?? emptySubtree(depth) };
}

async function readTiles(api: Service, vault: Vault, tree: LeafOfTree, signal: AbortSignal | undefined): Promise<TreePath> {
  const { root, depth, index } = tree;
  const reported = (url: string | URL | Request, options: RequestInit = {}) => {
    const path = String(url).slice(api.url.length);
    const shows = ["one of 256 leaves"] as const;
    return api.answer({ path, route: "/v1/tiles/{hash}", shows, limit: MAX_TILE_BYTES, signal }, options.signal!);
  };
  // Tiles that several paths share are read once, so the requests do not show which path is real.
  const reader = tileReader(api.url, { signal, fetch: reported });
  const own = index / TILE_LEAVES;
  const others = await othersOf(vault, tree, own, await countTiles(reader, root, depth));
  let path: TreePath | undefined;
  for (const tile of [...others, own].sort((a, b) => (a < b ? -1 : 1))) {
    const read = await pathIn(reader, { root, depth, index: tile === own ? index : tile * TILE_LEAVES });
    if (tile === own) path = read;
  }
  return path!;
}

/**
 * Returns the other tiles that are read with a leaf's own. They are kept in the vault, because the
 * own tile could be the only one that two sets have in common. A kept tile that the tree does not
 * have, because it is an earlier tree, is replaced by those of the group.
 */
async function othersOf(vault: Vault, tree: LeafOfTree, own: bigint, tiles: bigint): Promise<bigint[]> {
  const name = `decoys ${tree.registry} ${tree.index}`;
  const kept = ((await vault.get(name)) as bigint[] | undefined) ?? [];
  const usable = kept.filter((tile) => tile < tiles);
  if (usable.length >= GROUP - 1) return usable;
  const others = new Set([...usable, ...groupOf(own, tiles)]);
  others.delete(own);
  await vault.set(name, [...new Set([...kept, ...others])]);
  return [...others];
}

/**
 * Returns the group of a tile in a tree with this number of tiles. A group is four tiles in a row,
 * and the last group has up to seven. All members of a group read the same tiles, and the group
 * does not change when the tree grows, except the last one.
 */
function groupOf(tile: bigint, tiles: bigint): bigint[] {
  const size = BigInt(GROUP);
  const last = tiles < size ? 0n : tiles / size - 1n;
  const number = tile / size < last ? tile / size : last;
  const end = number === last ? tiles : (number + 1n) * size;
  return Array.from({ length: Number(end - number * size) }, (_, at) => number * size + BigInt(at));
}

/** Creates the error for a leaf that is not the member's. */
export function falseMembership(reason: string): BautaError {
  return new BautaError(
    "false-membership",
    `the leaf of the membership is not the member's: ${reason}`,
    "Read the memberships again. If it remains so, the API gives false data: use another one.",
  );
}
