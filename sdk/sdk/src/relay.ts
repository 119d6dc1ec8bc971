import { isSignature, type Address, type Signature } from "@solana/kit";
import { decodeNullifier, findNullifierPda } from "@bauta/program";

import { equal, toHex } from "./bytes.js";
import { decoded, elementOf, falseAccount, type Chain, type Scope } from "./chain.js";
import { BautaError, type BautaCode } from "./error.js";
import { verificationsOf } from "./event.js";
import { fieldToBytes, fieldToHex, type Field } from "./field.js";
import { isTransient, type Service } from "./http.js";
import type { ScopedProof } from "./bauta.js";
import type { Send } from "./nodes.js";
import { Pauses } from "./pauses.js";
import { duringRollout } from "./rollout.js";
import type { Vault } from "./vault.js";

/** An accepted verification, from the chain. */
export interface Use {
  readonly claim: Field;
  readonly nullifier: Field;
  readonly recipient: Address;
  readonly signature: Signature;
  readonly slot: bigint;
}

/** The state of a relay, according to the API. */
export interface RelayState {
  readonly state: "queued" | "sent" | "confirmed" | "finalized" | "refused" | "failed" | "expired";
  /** The signature of the last transaction. */
  readonly signature: Signature | null;
  /** Why the relay ended without a verification. */
  readonly reason: string | null;
}

/** A relayed verification. */
export interface Relayed {
  /** The id of the relay at the API. */
  readonly id: string;
  /** Returns the state, according to the API. */
  state(): Promise<RelayState>;
  /**
   * Waits until the chain has confirmed the verification. The wait ends at the latest when the
   * proof has expired.
   */
  confirmed(): Promise<Use>;
  /** Waits until no fork can undo the verification. It ends as `confirmed` does. */
  finalized(): Promise<Use>;
}

const STATES = ["queued", "sent", "confirmed", "finalized", "refused", "failed", "expired"] as const;
/** The longest pause between two requests for a state, by the last state. */
const LONGEST_PAUSE_MS = { queued: 5_000, other: 2_000 } as const;
/** The limits of a search for the transaction that used a nullifier. */
const [PAGE, MAX_PAGES, MAX_TRANSACTIONS] = [1_000, 50, 100] as const;

/** Sends a proof to the relay. */
export async function relayProof(
  api: Service,
  chain: Chain,
  vault: Vault,
  proof: ScopedProof,
  options: { readonly maxDelaySeconds?: number; readonly signal?: AbortSignal; readonly maxLagMs: number },
): Promise<Relayed> {
  if (!proof.relayer) {
    throw new BautaError("no-relayer", "the proof names no relayer", "Prove again with the relayer of this API.");
  }
  const { signal } = options;
  const answer = await duringRollout(api, vault, {
    path: "/v1/relay",
    route: "/v1/relay",
    shows: ["scope", "nullifier", "recipient and payload"],
    signal,
    body: {
      scope: proof.scope.address,
      proof: `0x${toHex(proof.proof)}`,
      root: fieldToHex(proof.root),
      nullifier: fieldToHex(proof.nullifier),
      claim: fieldToHex(proof.claim),
      recipient: proof.recipient,
      relayer: proof.relayer,
      expiry: Number(proof.expiry),
      payload: `0x${toHex(proof.payload)}`,
      fee: "sponsored",
      max_delay_seconds: options.maxDelaySeconds ?? 0,
    },
  });
  const id = answer.value("id", (text) => {
    if (!/^[0-9a-f]{32}$/.test(text)) throw new RangeError("it must be 32 hexadecimal digits");
    return text;
  });
  const state = () => readState(api, id, signal);
  const wait = (level: "confirmed" | "finalized") => waitFor(chain, proof, state, level, options);
  return { id, state, confirmed: () => wait("confirmed"), finalized: () => wait("finalized") };
}

async function readState(api: Service, id: string, signal: AbortSignal | undefined): Promise<RelayState> {
  const answer = await api.json({ path: `/v1/relay/${id}`, route: "/v1/relay/{relay}", shows: ["relay"], signal });
  const state = answer.value("state", (text) => {
    const found = STATES.find((name) => name === text);
    if (!found) throw new RangeError("the state is unknown");
    return found;
  });
  const text = answer.optional("signature");
  return { state, signature: text !== null && isSignature(text) ? text : null, reason: answer.optional("reason") };
}

/**
 * Waits until the API says that a verification is on chain, and then for the chain itself. Reads
 * the chain as well if the API does not answer for `maxLagMs`, or if the proof has expired.
 */
async function waitFor(
  chain: Chain,
  proof: ScopedProof,
  state: () => Promise<RelayState>,
  level: "confirmed" | "finalized",
  { signal, maxLagMs }: { readonly signal?: AbortSignal; readonly maxLagMs: number },
): Promise<Use> {
  const ends = Number(proof.expiry) * 1000 + maxLagMs;
  let pauses = new Pauses(LONGEST_PAUSE_MS.queued);
  let last: RelayState["state"] = "queued";
  let [failing, lagging]: (number | undefined)[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const found = await state().catch((error: unknown) => {
      if (!isTransient(error)) throw error;
      return error;
    });
    const now = Date.now();
    const isOver = now > ends;
    if (isTransient(found)) {
      failing ??= now;
      // Only now, so that no node sees which client waits for a nullifier.
      const use = isOver || now - failing > maxLagMs ? await findUse(chain, proof, level) : undefined;
      if (use) return checkedUse(use, proof);
      if (use === null) throw found;
    } else {
      failing = undefined;
      const hasEnded = ["refused", "failed", "expired"].includes(found.state);
      const isThere = found.state === level || found.state === "finalized";
      if (hasEnded || isThere || isOver) {
        lagging ??= now;
        const isLast = hasEnded || isOver || now - lagging > maxLagMs;
        const use = await findUse(chain, proof, level).catch((error: unknown) => {
          if (isLast || !(error instanceof BautaError && CATCHING_UP.includes(error.code))) throw error;
          return null;
        });
        if (use) return checkedUse(use, proof);
        if (isLast) throw isThere ? falseState(found) : ended(found);
      }
      if (found.state !== last) pauses = new Pauses(LONGEST_PAUSE_MS[found.state === "queued" ? "queued" : "other"]);
      last = found.state;
    }
    await pauses.next(signal);
  }
}

/** What nodes report that have an account and not yet its transaction. */
const CATCHING_UP: readonly BautaCode[] = ["unknown-event", "nodes-disagree", "node-unreachable"];

function ended({ state, reason }: RelayState): BautaError {
  return new BautaError(
    "relay-ended",
    `the relay ended without a verification, or the proof expired: ${state}, ${reason ?? "without a reason"}`,
    "Prove again, with another relayer or with a later expiry.",
  );
}

function falseState({ state }: RelayState): BautaError {
  return new BautaError(
    "false-relay-state",
    `the API says that the verification is ${state}, and the nodes don't have it`,
    "Look the nullifier up later. If it is not used, relay the proof through another API.",
  );
}

function checkedUse(use: Use, proof: ScopedProof): Use {
  if (use.recipient === proof.recipient && use.claim === proof.claim) return use;
  throw new BautaError(
    "false-event",
    `the event of the verification has the recipient ${use.recipient} and the claim ${use.claim}, and the proof has others`,
    "Use another node: this one serves an event that the program did not emit.",
  );
}

/**
 * Returns the verification that used the nullifier from the chain, or `null` if the nullifier has
 * no account: it was not used, or its account was reclaimed after the scope had ended.
 *
 * @throws {@link BautaError} with the code `unknown-event` if the nullifier was used, and the nodes
 * do not have the event.
 */
export async function findUse(
  chain: Chain,
  { scope, nullifier }: { readonly scope: Scope; readonly nullifier: Field },
  level: "confirmed" | "finalized" = "confirmed",
): Promise<Use | null> {
  const bytes = fieldToBytes(nullifier);
  const [record] = await findNullifierPda({ scope: scope.address, nullifier: bytes });
  const account = await chain.nodes.account(record, ["nullifier"], level);
  if (!account) return null;
  const data = decoded(account, decodeNullifier);
  if (!equal(data.nullifierPrefix, bytes.subarray(0, 16))) throw falseAccount(record, "it records another nullifier");
  const find: Send<Use | null> = async (rpc, report) => {
    for (const signature of await successful(rpc, report, record, level)) {
      const how = { commitment: level, encoding: "json", maxSupportedTransactionVersion: 0 } as const;
      report("getTransaction");
      const transaction = await rpc.getTransaction(signature, how).send();
      for (const event of transaction ? await verificationsOf(transaction) : []) {
        if (event.scope !== scope.address || !equal(event.nullifier, bytes)) continue;
        const claim = elementOf(event.claim, record);
        return { claim, nullifier, recipient: event.recipient, signature, slot: transaction!.slot };
      }
    }
    return null;
  };
  const name = (found: Use | null) => (found ? [found.claim, found.recipient, found.signature].join() : "none");
  const use = await chain.nodes.agreed("getSignaturesForAddress", ["nullifier"], find, name);
  if (use) return use;
  throw new BautaError(
    "unknown-event",
    `the nullifier ${fieldToHex(nullifier)} was used, and the nodes do not have the event of its verification`,
    "Use nodes that keep old transactions. Treat the nullifier as used.",
  );
}

/**
 * Returns the successful transactions of an account, oldest first. Anyone can add later ones, and
 * the one that created the account comes before them.
 */
async function successful(
  rpc: Parameters<Send<unknown>>[0],
  report: Parameters<Send<unknown>>[1],
  account: Address,
  commitment: "confirmed" | "finalized",
): Promise<Signature[]> {
  let found: Signature[] = [];
  let before: Signature | undefined;
  for (let number = 0; number < MAX_PAGES; number++) {
    if (number > 0) report("getSignaturesForAddress");
    const options = { commitment, limit: PAGE, ...(before === undefined ? {} : { before }) };
    const page = await rpc.getSignaturesForAddress(account, options).send();
    found = [...found, ...page.filter(({ err }) => err === null).map(({ signature }) => signature)].slice(-MAX_TRANSACTIONS);
    if (page.length < PAGE) break;
    before = page.at(-1)!.signature;
  }
  return found.reverse();
}
