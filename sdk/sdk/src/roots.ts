// The root at which a member proves in a live scope: docs/protocol.md, "Accepted roots".

import type { Registry } from "@bauta/program";

/** A shorter interval between two changes keeps no root in the short ring, in seconds. */
const SHORT_INTERVAL = 2n;
const SHORT_TTL = 64n;
const LONG_RING = 16n;

/**
 * Returns the newest root with the member's leaf that the program accepts for at least half of the
 * registry's time, or else the one that it accepts longest.
 *
 * The choice follows from the account, so one node can't choose a root by which it would recognise
 * the proof.
 *
 * @param since When the leaf was written, in Unix seconds. If it is unknown, only the current root
 * is sure to have the leaf.
 */
export function rootToProve(registry: Registry, since: bigint | undefined, now: bigint): Registry["root"] {
  if (since === undefined) return registry.root;
  const { rootTtl, root, kept, recent } = registry;
  const ring = (entries: Registry["kept"], ttl: bigint) =>
    entries.map((entry) => ({ root: entry.root, lasts: entry.expiresAt - now, replacedAt: entry.expiresAt - ttl }));
  const earlier = [...ring(kept, rootTtl), ...ring(recent, shortTtl(rootTtl))]
    // A root that was replaced after the change has the leaf.
    .filter(({ lasts, replacedAt }) => lasts > 0n && replacedAt > since)
    .sort((a, b) => Number(b.replacedAt - a.replacedAt));
  const candidates = [{ root, lasts: currentLasts(registry, now) }, ...earlier];
  const lasting = candidates.find(({ lasts }) => lasts >= rootTtl / 2n);
  return (lasting ?? candidates.reduce((longest, other) => (other.lasts > longest.lasts ? other : longest))).root;
}

/** Returns for how long the program accepts the current root at least, if it is replaced now. */
function currentLasts({ rootTtl, keptCount, lastKeptAt, recentCount, lastRecentAt }: Registry, now: bigint): bigint {
  const passed = (count: bigint, last: bigint, interval: bigint) => count === 0n || now - last >= interval;
  if (passed(keptCount, lastKeptAt, (rootTtl + LONG_RING - 1n) / LONG_RING)) return rootTtl;
  return passed(recentCount, lastRecentAt, SHORT_INTERVAL) ? shortTtl(rootTtl) : 0n;
}

function shortTtl(rootTtl: bigint): bigint {
  return rootTtl < SHORT_TTL ? rootTtl : SHORT_TTL;
}
