"use client";

import type { Identity, Membership, Scope } from "@bauta/sdk";
import type { Address } from "@solana/kit";

import { useBauta } from "./context.js";
import { useLoaded, type Reloadable } from "./loaded.js";

/** Returns a checked scope. */
export function useScope(address: Address | undefined): Reloadable<Scope> {
  const bauta = useBauta();
  return useLoaded(address && (() => bauta.scope(address)), [bauta, address]);
}

/** Returns the first membership of an identity in a registry, or `null` if it has none. */
export function useMembership(identity: Identity | undefined, registry: Address | undefined): Reloadable<Membership | null> {
  const bauta = useBauta();
  const load = identity && registry && (async () => (await bauta.memberships(identity, registry))[0] ?? null);
  return useLoaded(load, [bauta, identity, registry]);
}
