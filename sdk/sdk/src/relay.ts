import { isSignature, type Address, type Signature } from "@solana/kit";
import { decodeNullifier, findNullifierPda } from "@bauta/program";

import { equal, toHex } from "./bytes.js";
import { decoded, elementOf, falseAccount, type Chain, type Scope } from "./chain.js";
import { BautaError } from "./error.js";
import { verificationsOf } from "./event.js";
import { fieldToBytes, fieldToHex, type Field } from "./field.js";
import type { Service } from "./http.js";
import type { ScopedProof } from "./bauta.js";
import { Pauses } from "./pauses.js";

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
  /** Waits until the chain has confirmed the verification. */
  confirmed(): Promise<Use>;
  /** Waits until no fork can undo the verification. */
  finalized(): Promise<Use>;
}

const STATES = ["queued", "sent", "confirmed", "finalized", "refused", "failed", "expired"] as const;
const MAX_SIGNATURES = 20;

/** Sends a proof to the relay. */
export async function relayProof(
  api: Service,
  chain: Chain,
  proof: ScopedProof,
  options: { readonly maxDelaySeconds?: number; readonly signal?: AbortSignal; readonly maxLagMs: number },
): Promise<Relayed> {
  if (!proof.relayer) {
    throw new BautaError("no-relayer", "the proof names no relayer", "Prove again with the relayer of this API.");
  }
  const { signal } = options;
  const answer = await api.json({
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

/** Waits until the API says that a verification is on chain, and then for the chain itself. */
async function waitFor(
  chain: Chain,
  proof: ScopedProof,
  state: () => Promise<RelayState>,
  level: "confirmed" | "finalized",
  { signal, maxLagMs }: { readonly signal?: AbortSignal; readonly maxLagMs: number },
): Promise<Use> {
  const pauses = new Pauses();
  for (let since: number | undefined; ; ) {
    signal?.throwIfAborted();
    const found = await state();
    const ended = ["refused", "failed", "expired"].includes(found.state);
    if (ended || found.state === level || found.state === "finalized") {
      // Only now, so that no node sees which client waits for a nullifier.
      const use = await findUse(chain, proof, level);
      if (use) return checkedUse(use, proof);
      if (ended) {
        throw new BautaError(
          "relay-ended",
          `the relay ended without a verification: ${found.state}, ${found.reason ?? "without a reason"}`,
          "Prove again, with another relayer or with a later expiry.",
        );
      }
      since ??= Date.now();
      if (Date.now() - since > maxLagMs) {
        throw new BautaError(
          "false-relay-state",
          `the API says that the verification is ${found.state}, and the nodes don't have it`,
          "Look the nullifier up later. If it is not used, relay the proof through another API.",
        );
      }
    }
    await pauses.next();
  }
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
 * Returns the verification that used the nullifier from the chain, or `null` if it was not used, or
 * if its account was reclaimed after the scope had ended.
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
  const uses = await chain.nodes.request("getSignaturesForAddress", ["nullifier"], async (rpc, report) => {
    const options = { commitment: level, limit: MAX_SIGNATURES } as const;
    const signatures = await rpc.getSignaturesForAddress(record, options).send();
    for (const { signature } of signatures) {
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
  });
  return chain.nodes.choose("getTransaction", uses, (found) =>
    found ? [found.claim, found.recipient, found.signature].join() : "none",
  );
}
