import type { Bauta, Identity, Membership, Scope } from "@bauta/sdk";
import type { Address } from "@solana/kit";

import { loaded, type Reloadable } from "./loaded.js";

/** Creates a store with a checked scope. */
export function useScope(bauta: Bauta, address: Address): Reloadable<Scope> {
  return loaded(() => bauta.scope(address));
}

/**
 * Creates a store with the first membership of an identity in a registry, or `null` if it has none.
 */
export function useMembership(bauta: Bauta, identity: Identity, registry: Address): Reloadable<Membership | null> {
  return loaded(async () => (await bauta.memberships(identity, registry))[0] ?? null);
}
