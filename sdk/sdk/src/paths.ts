// The path of a member, read so that the API does not learn which leaf it is.

import type { Address } from "@solana/kit";

import { BautaError } from "./error.js";
import { fieldFromBytes, fieldToHex, type Field } from "./field.js";
import { malformed, type Service } from "./http.js";
import { readPath, type TreePath } from "./tiles.js";
import { checkIndex, emptySubtree, parentOf, positionAt, type Depth, type Siblings } from "./tree.js";
import type { Vault } from "./vault.js";

/** How a path is read. */
export type TreeReading =
  /** All leaves of trees with up to 4,096, and else tiles. */
  | "auto"
  /** All leaves. The API learns nothing about the leaf. */
  | "whole"
  /**
   * The tile of the leaf and three others, always the same. The API learns that it is one of these.
   */
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
const DECOYS = 3;

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
  const own = tree.index / TILE_LEAVES;
  // Tiles that several paths share are read once, so the requests do not show which path is real.
  const known = new Map<string, Promise<Response>>();
  const once = async (url: string | URL | Request): Promise<Response> => {
    const name = String(url);
    if (!known.has(name)) {
      api.disclose("GET /v1/tiles/{hash}", ["one of 256 leaves"]);
      known.set(name, fetch(name, { signal: signal ?? null, credentials: "omit" }));
    }
    return (await known.get(name)!).clone();
  };
  let path: TreePath | undefined;
  for (const tile of [...(await decoysOf(vault, tree, own)), own].sort((a, b) => (a < b ? -1 : 1))) {
    const index = tile === own ? tree.index : tile * TILE_LEAVES;
    const read = await readPath(api.url, { root: tree.root, depth: tree.depth, index }, { signal, fetch: once as typeof fetch });
    if (tile === own) path = read;
  }
  return path!;
}

/**
 * Returns the other tiles that are read with a leaf's own. They are drawn once and kept: the own
 * tile would be the only one that new ones have in common.
 */
async function decoysOf(vault: Vault, tree: LeafOfTree, own: bigint): Promise<bigint[]> {
  const tiles = (tree.leaves + TILE_LEAVES - 1n) / TILE_LEAVES;
  const name = `decoys ${tree.registry} ${tree.index}`;
  const kept = ((await vault.get(name)) as bigint[] | undefined) ?? [];
  const wanted = Math.min(DECOYS, Math.max(0, Number(tiles) - 1));
  if (kept.length >= wanted) return kept;
  const decoys = new Set(kept);
  while (decoys.size < wanted) {
    const drawn = randomBelow(tiles);
    if (drawn !== own) decoys.add(drawn);
  }
  await vault.set(name, [...decoys]);
  return [...decoys];
}

function randomBelow(limit: bigint): bigint {
  // The remainder of 64 random bits is uniform enough for a number of tiles below 2^24.
  return crypto.getRandomValues(new BigUint64Array(1))[0]! % limit;
}
