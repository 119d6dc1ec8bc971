import { BautaError } from "./error.js";
import { fieldFromBytes, fieldToHex, type Field } from "./field.js";
import { boundedBody, Refusal, send, timeLimited } from "./http.js";
import { checkIndex, emptySubtree, parentOf, positionAt, type Depth, type Siblings } from "./tree.js";

/** A leaf and its path to a root. */
export interface TreePath {
  /** The leaf. Zero if the position is empty. */
  readonly leaf: Field;
  /** The siblings of each level, from the leaf on. */
  readonly path: readonly Siblings[];
}

const MAX_ENTRIES = 256;
const ENTRY_BYTES = 32;
/** The largest tile. */
export const MAX_TILE_BYTES = 1 + MAX_ENTRIES * ENTRY_BYTES;
/** The time within which a tile must be complete. */
const ANSWER_MS = 60_000;

/**
 * Reads a leaf and its path from the tiles of the API.
 *
 * Each tile is hashed and compared with the entry above it, up to the root, so the API can't forge
 * a path. The API sees which tiles are read: that the client needs one of 256 leaves.
 *
 * @param tree.root A root from the registry's account. It must not come from the API.
 * @throws {@link BautaError} if the API does not answer, lacks a tile, or serves a false one.
 */
export async function readPath(
  api: string,
  tree: { readonly root: Field; readonly depth: Depth; readonly index: bigint },
  options: { readonly signal?: AbortSignal | undefined; readonly fetch?: typeof fetch | undefined } = {},
): Promise<TreePath> {
  return pathIn(tileReader(api, options), tree);
}

/** Returns the rows of the tile with a hash, from its entries to its root. They are checked. */
export type TileReader = (hash: Field, level: number) => Promise<readonly (readonly Field[])[]>;

/** Creates a reader that requests and hashes each tile once. */
export function tileReader(
  api: string,
  options: { readonly signal?: AbortSignal | undefined; readonly fetch?: typeof fetch | undefined },
): TileReader {
  const known = new Map<Field, ReturnType<TileReader>>();
  const read: TileReader = async (hash, level) => {
    const entries = hash === emptySubtree(level) ? [] : await readTile(api, hash, level, options);
    const { nodes, top } = subtree(entries, level, entriesLevel(level));
    if (top === hash) return nodes;
    throw new BautaError(
      "false-tile",
      `the tile ${fieldToHex(hash)} of the API has another hash: ${fieldToHex(top)}`,
      "Use another API, and report this one.",
    );
  };
  return (hash, level) => {
    const found = known.get(hash) ?? read(hash, level);
    known.set(hash, found);
    return found;
  };
}

/** Reads a leaf and its path. */
export async function pathIn(
  read: TileReader,
  { root, depth, index }: { readonly root: Field; readonly depth: Depth; readonly index: bigint },
): Promise<TreePath> {
  checkIndex(index, depth);
  let node = root;
  let level: number = depth;
  const levels: Siblings[][] = [];
  while (level > 0) {
    const below = entriesLevel(level);
    const nodes = await read(node, level);
    levels.unshift(nodes.slice(0, -1).map((row, height) => siblingsOf(row, index, below + height, level)));
    node = nodes[0]![offsetIn(index, below, level)]!;
    level = below;
  }
  return { leaf: node, path: levels.flat() };
}

/**
 * Returns the number of tiles of 256 leaves, up to the last one that is not empty. It follows from
 * the hashes of the tree, and shows the API only the root.
 */
export async function countTiles(read: TileReader, root: Field, depth: Depth): Promise<bigint> {
  let node = root;
  let position = 0n;
  for (let level: number = depth; level > 4; ) {
    const below = entriesLevel(level);
    const [entries] = await read(node, level);
    let last = entries!.length - 1;
    while (last >= 0 && entries![last] === emptySubtree(below)) last--;
    if (last < 0) return 0n;
    position = position * BigInt(entries!.length) + BigInt(last);
    node = entries![last]!;
    level = below;
  }
  return position + 1n;
}

/** Returns the level of the entries of a tile. */
function entriesLevel(level: number): number {
  return level === 10 ? 8 : level - 4;
}

/** Returns the position of the leaf's ancestor in a row of a tile. */
function offsetIn(index: bigint, row: number, level: number): number {
  return Number((index >> BigInt(2 * row)) & ((1n << BigInt(2 * (level - row))) - 1n));
}

/** Computes the rows of a tile, from its entries to its root. */
function subtree(entries: readonly Field[], level: number, below: number): { nodes: Field[][]; top: Field } {
  const width = 4 ** (level - below);
  const nodes: Field[][] = [Array.from({ length: width }, (_, index) => entries[index] ?? emptySubtree(below))];
  for (let height = below; height < level; height++) {
    const row = nodes.at(-1)!;
    const empty = emptySubtree(height);
    nodes.push(
      Array.from({ length: row.length / 4 }, (_, index) => {
        const children = row.slice(4 * index, 4 * index + 4);
        return children.every((child) => child === empty) ? emptySubtree(height + 1) : parentOf(children);
      }),
    );
  }
  return { nodes, top: nodes.at(-1)![0]! };
}

function siblingsOf(row: readonly Field[], index: bigint, height: number, level: number): Siblings {
  const own = offsetIn(index, height, level);
  const first = own - positionAt(index, height);
  const [a, b, c] = row.slice(first, first + 4).filter((_, position) => first + position !== own);
  return [a!, b!, c!];
}

async function readTile(
  api: string,
  hash: Field,
  level: number,
  options: { readonly signal?: AbortSignal | undefined; readonly fetch?: typeof fetch | undefined },
): Promise<Field[]> {
  const name = fieldToHex(hash);
  const url = `${api.replace(/\/+$/, "")}/v1/tiles/${name}`;
  const request = options.fetch ?? send;
  const bytes = await timeLimited(options.signal, ANSWER_MS, async (signal) => {
    const failed = (cause: unknown) => {
      if (options.signal?.aborted || cause instanceof BautaError) throw cause;
      throw new BautaError("api-unreachable", `the API does not answer: ${String(cause)}`, "Retry later.", { cause });
    };
    const response = await request(url, { signal }).catch(failed);
    if (response.status === 404) {
      throw new BautaError("unknown-tile", `the API has no tile ${name}`, "Read the registry's root again.");
    }
    if (!response.ok) throw new Refusal(response.status, "error", "it refused a tile");
    return boundedBody(response, MAX_TILE_BYTES).catch(failed);
  });
  const entries = bytes && parseTile(bytes, level);
  if (!entries) throw new BautaError("false-tile", `the tile ${name} of the API is malformed`, "Use another API.");
  return entries;
}

/** Decodes a tile: the level of its root, then its entries without the empty ones at the end. */
function parseTile(bytes: Uint8Array, level: number): Field[] | undefined {
  const limit = 4 ** (level - entriesLevel(level));
  const count = (bytes.length - 1) / ENTRY_BYTES;
  if (bytes[0] !== level || !Number.isInteger(count) || count < 1 || count > limit) return undefined;
  try {
    return Array.from({ length: count }, (_, index) => {
      const start = 1 + index * ENTRY_BYTES;
      return fieldFromBytes(bytes.subarray(start, start + ENTRY_BYTES));
    });
  } catch {
    // An entry is not below the modulus.
    return undefined;
  }
}
