// Which tokens can register, and which memberships an identity has, according to the API. What the
// API says of a membership is checked when its path is read: only the right leaf leads to the root.

import { address, getAddressEncoder, type Address } from "@solana/kit";

import { toHex } from "./bytes.js";
import { fieldFromHex, type Field } from "./field.js";
import { malformed, unsigned, type Reader, type Service } from "./http.js";
import type { Registration, SecretEntry } from "./identity.js";
import { falseMembership } from "./paths.js";
import { entryIdOf } from "./protocol.js";

/** A token of a wallet that belongs to a collection of a registry, according to the API. */
export interface Token {
  readonly asset: Address;
  /** The track that the token registers in. */
  readonly track: bigint;
  readonly eligible: boolean;
  /** The program's error in snake case, or `null` if the token is eligible. */
  readonly reason: string | null;
  readonly message: string | null;
}

/** A registered token of an identity. */
export interface Membership {
  readonly registry: Address;
  readonly asset: Address;
  readonly entryId: Field;
  /** The position of the leaf. */
  readonly index: bigint;
  readonly track: bigint;
  /** The counter of the entry's secret. */
  readonly counter: number;
  /**
   * When the leaf was written, in Unix seconds. With it, a proof can use a root that is accepted
   * for longer than the current one.
   */
  readonly since?: bigint;
}

/** A row of the API's list of holdings. */
interface Holding {
  readonly index: bigint;
  readonly commitment: Field;
  readonly track: bigint;
  readonly live: boolean;
}

/** A list has at most this many pages. A prefix has about 256 keys, and a page 1,024. */
const MAX_PAGES = 64;
/** How many later counters are tried: another device may have registered the token again. */
const LATER_COUNTERS = 4;
/** How many earlier counters are tried: a registration may never have been executed. */
const EARLIER_COUNTERS = 32;

/** Returns the tokens of a wallet that belong to a registry. Shows the wallet to the API. */
export async function eligibleTokens(api: Service, registry: Address, owner: Address): Promise<Token[]> {
  const answer = await api.json({
    path: `/v1/registries/${registry}/eligibility`,
    route: "/v1/registries/{registry}/eligibility",
    shows: ["registry", "wallet"],
    body: { owner },
  });
  return answer.list("assets").map((row) => ({
    asset: row.value("asset", address),
    track: row.value("track", unsigned),
    eligible: row.boolean("eligible"),
    reason: row.optional("reason"),
    message: row.optional("message"),
  }));
}

/**
 * Returns the membership of a registration, or `undefined` if it has no leaf now. `leaves` is the
 * number of leaves of the registry, from the chain.
 *
 * The index of the registration comes from the nodes. With an index of its own, the API could
 * choose the tile that is read next, and recognise the token by it.
 */
export async function findMembership(
  api: Service,
  commitmentOf: (entry: SecretEntry) => Promise<Field>,
  { registry, asset, counter, index, since }: Registration & { readonly index: bigint },
  leaves: bigint,
): Promise<Membership | undefined> {
  const holding = await findHolding(api, registry, asset, leaves);
  if (!holding?.live) return undefined;
  if (holding.index !== index) throw falseMembership(`the API gives it the index ${holding.index}, and the chain ${index}`);
  const entryId = await entryIdOf(asset);
  for (const tried of countersNear(counter)) {
    const entry = { registry, entryId, counter: tried };
    if ((await commitmentOf(entry)) === holding.commitment) {
      const membership = { registry, asset, entryId, index, track: holding.track, counter: tried };
      // With another counter, the leaf was written later.
      return since === undefined || tried !== counter ? membership : { ...membership, since };
    }
  }
  // Another party has registered the token since.
  return undefined;
}

/** Returns the counters that a leaf can have, the stored one first. */
function countersNear(counter: number): number[] {
  const first = Math.max(0, counter - EARLIER_COUNTERS);
  const near = Array.from({ length: counter + LATER_COUNTERS - first }, (_, number) => first + number);
  return [counter, ...near.filter((other) => other !== counter).reverse()];
}

/** Finds a holding among about 256 whose assets begin with the same bits. */
async function findHolding(api: Service, registry: Address, asset: Address, leaves: bigint): Promise<Holding | undefined> {
  const description = await api.json({
    path: `/v1/registries/${registry}`,
    route: "/v1/registries/{registry}",
    shows: ["registry"],
  });
  // The largest prefix that about 256 leaves share. An API that names a longer one learns no more.
  const largest = (leaves / 256n).toString(2).length - 1;
  const bits = Math.min(description.count("prefix_bits"), largest);
  const rows: Reader[] = [];
  let page = await holdings(api, registry, prefixOf(asset, bits), null);
  // All pages are read: the page after which the client stops would show where its token is.
  for (let number = 1; ; number++) {
    rows.push(...page.list("data"));
    const next = page.optional("next");
    if (next === null) break;
    if (number === MAX_PAGES) throw malformed(`the list of holdings has more than ${MAX_PAGES} pages`);
    page = await holdings(api, registry, prefixOf(asset, bits), next);
  }
  const found = rows.find((row) => row.text("asset") === asset);
  return found && readHolding(found);
}

function holdings(api: Service, registry: Address, prefix: string, cursor: string | null): Promise<Reader> {
  const query = new URLSearchParams({ prefix, ...(cursor === null ? {} : { cursor }) });
  return api.json({
    path: `/v1/registries/${registry}/holdings?${query}`,
    route: "/v1/registries/{registry}/holdings",
    shows: ["registry", "one of about 256 tokens"],
  });
}

function readHolding(row: Reader): Holding {
  return {
    index: row.value("index", unsigned),
    commitment: row.value("commitment", fieldFromHex),
    track: row.value("track", unsigned),
    live: row.boolean("live"),
  };
}

/**
 * Returns the first bits of an asset as the API writes them: hexadecimal digits and the number of
 * bits.
 */
export function prefixOf(asset: Address, bits: number): string {
  const digits = toHex(getAddressEncoder().encode(asset)).slice(0, Math.ceil(bits / 4));
  const unused = 4 * digits.length - bits;
  const last = (parseInt(digits.slice(-1) || "0", 16) >> unused) << unused;
  return `${digits.slice(0, -1)}${digits === "" ? "" : last.toString(16)}/${bits}`;
}
