// The collection of a registry that an asset belongs to, read from the chain.

import { address, type Address } from "@solana/kit";
import { CollectionKind, decodeCollection, findCollectionPda, findEditionPda } from "@bauta/program";

import { decoded, falseAccount, type Chain } from "./chain.js";
import { BautaError } from "./error.js";
import { malformed, type Reader, type Service } from "./http.js";

/** What an asset names of a collection that it can belong to. */
export interface Named {
  readonly kind: CollectionKind;
  /** The key of the collection. For prints, the edition account of their master. */
  readonly name: Address | undefined;
}

/** A registry can have a thousand collections of prints. */
const MAX_PAGES = 64;

/**
 * Returns the account of the first collection that an asset belongs to. Only the collections of
 * prints are read from the API: a print does not name the mint of its master.
 */
export async function collectionOf(api: Service, chain: Chain, registry: Address, names: readonly Named[]): Promise<Address> {
  for (const { kind, name } of names) {
    if (name === undefined) continue;
    const key = kind === CollectionKind.Prints ? await masterWith(api, registry, name) : name;
    if (key === undefined) continue;
    const [found] = await findCollectionPda({ registry, key });
    const account = await chain.nodes.account(found, ["registry", "token"]);
    if (account === undefined) continue;
    const collection = decoded(account, decodeCollection);
    if (collection.registry !== registry || collection.key !== key) {
      throw falseAccount(found, "its registry and key have another address");
    }
    if (collection.kind === kind) return found;
  }
  throw new BautaError(
    "not-in-collection",
    `the asset belongs to no collection of the registry ${registry}`,
    "Register an asset of one of the registry's collections.",
  );
}

/** Finds the master with this edition account among the registry's collections of prints. */
async function masterWith(api: Service, registry: Address, edition: Address): Promise<Address | undefined> {
  let next: string | null = null;
  for (let number = 0; number < MAX_PAGES; number++) {
    const page: Reader = await api.json({
      path: `/v1/registries/${registry}/collections${next === null ? "" : `?${new URLSearchParams({ cursor: next })}`}`,
      route: "/v1/registries/{registry}/collections",
      shows: ["registry"],
    });
    for (const row of page.list("data")) {
      if (row.text("kind") !== "prints") continue;
      const key = row.value("key", address);
      if ((await findEditionPda({ mint: key }))[0] === edition) return key;
    }
    next = page.optional("next");
    if (next === null) return undefined;
  }
  throw malformed(`the list of collections has more than ${MAX_PAGES} pages`);
}
