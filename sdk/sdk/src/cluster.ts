import { getBase58Encoder } from "@solana/kit";

/**
 * A cluster. A public cluster is known by its genesis hash. The tag of another one is that of its
 * `Config` account. It is pinned by the dApp, and never read from a node.
 */
export type Cluster = "mainnet" | "devnet" | { readonly tag: Uint8Array };

/** The genesis hashes of the public clusters. */
const GENESIS: Readonly<Record<"mainnet" | "devnet", string>> = {
  mainnet: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
  devnet: "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
};

/** Returns the genesis hash that every node of the cluster has, if it is pinned. */
export function genesisOf(cluster: Cluster): string | undefined {
  return typeof cluster === "string" ? GENESIS[cluster] : undefined;
}

/** Returns the tag of a cluster. */
export function tagOf(cluster: Cluster): Uint8Array {
  const genesis = genesisOf(cluster);
  const tag = genesis === undefined ? (cluster as { tag: Uint8Array }).tag : getBase58Encoder().encode(genesis);
  if (tag.length !== 32) throw new RangeError(`a cluster tag has 32 bytes, got ${tag.length}`);
  return Uint8Array.from(tag);
}
