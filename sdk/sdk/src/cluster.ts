import { BAUTA_PROGRAM_ADDRESS } from "@bauta/program";
import { getBase58Encoder } from "@solana/kit";

import { equal, toHex } from "./bytes.js";

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

/**
 * Returns the genesis hash that every node of the cluster has, if it is known. The tag of a public
 * cluster is its genesis hash, so it is also known if the cluster is pinned by that tag.
 */
export function genesisOf(cluster: Cluster): string | undefined {
  const tag = tagOf(cluster);
  return Object.values(GENESIS).find((genesis) => equal(getBase58Encoder().encode(genesis), tag));
}

/** Returns whether a cluster is mainnet, by its name or by its tag. */
export function isMainnet(cluster: Cluster): boolean {
  return genesisOf(cluster) === GENESIS.mainnet;
}

/** Returns the tag of a cluster. */
export function tagOf(cluster: Cluster): Uint8Array {
  const tag = typeof cluster === "string" ? getBase58Encoder().encode(GENESIS[cluster]) : cluster.tag;
  if (tag.length !== 32) throw new RangeError(`a cluster tag has 32 bytes, got ${tag.length}`);
  return Uint8Array.from(tag);
}

/**
 * Names the program and the cluster for a person who signs in with a wallet. No two programs or
 * clusters have the same name, so a signature for one opens no identity of another.
 */
export function nameOf(cluster: Cluster): string {
  const name = typeof cluster === "string" ? cluster : `the cluster with the tag ${toHex(tagOf(cluster))}`;
  return `the program ${BAUTA_PROGRAM_ADDRESS} on ${name}`;
}
