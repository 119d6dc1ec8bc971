// Proofs by the prover service, for statements that are too large for a device. The secret is
// sealed to the prover service, which learns it: the member trusts its operator.

import type { Address } from "@solana/kit";
import { ProverError, type EntrySecret, type Prover } from "@bauta/prover";

import { fromHex, toHex } from "./bytes.js";
import { BautaError } from "./error.js";
import { fieldFromHex, fieldToBytes, fieldToHex, type Field } from "./field.js";
import { concat, type Service } from "./http.js";
import { falseProof, PROOF_BYTES } from "./inputs.js";
import type { PublicInputs } from "./protocol.js";
import { duringRollout } from "./rollout.js";
import type { Vault } from "./vault.js";

/** Who makes the proof instead of this device. */
export interface Delegation {
  /** An API key with the permission `prove`. */
  readonly apiKey: string;
  /**
   * The prover service, from which the key to seal to is read. Without it, the key comes from the
   * API, which could name a key of its own and then read the secret.
   */
  readonly prover?: string | URL;
}

/** What is proved. */
export interface DelegatedProof {
  readonly registry: Address;
  readonly asset: Address;
  readonly entryId: Field;
  readonly scope: Field;
  readonly claim: Field;
  readonly context: Field;
}

const ALGORITHMS = { kem: "DHKEM(X25519, HKDF-SHA256)", kdf: "HKDF-SHA256", aead: "ChaCha20Poly1305" };
const INFO = "bauta private inputs v1";
const STATEMENT = "ownership";
const KEY_BYTES = 32;

/** Has a proof made. Returns it with its root. The caller checks the root. */
export async function delegate(
  api: Service,
  keys: Service,
  apiKey: string,
  prover: Prover,
  vault: Vault,
  secret: EntrySecret,
  what: DelegatedProof,
  expected: Omit<PublicInputs, "root">,
  signal?: AbortSignal,
): Promise<{ readonly proof: Uint8Array; readonly root: Field }> {
  const sealed = await sealSecret(keys, prover, secret, what, signal);
  const route = "/v1/zkp/generate";
  const answer = await duringRollout(api, vault, {
    path: route,
    route,
    shows: ["API key", "registry", "token", "scope", "sealed secret"],
    key: apiKey,
    signal,
    body: {
      pid: what.asset,
      pattern: "membership",
      registry: what.registry,
      scope: fieldToHex(what.scope),
      context: fieldToHex(what.context),
      private: sealed,
    },
  });
  const found = answer.object("public");
  for (const name of ["nullifier", "scope", "claim", "context"] as const) {
    if (found.value(name, fieldFromHex) !== expected[name]) throw falseProof("the prover service");
  }
  const proof = answer.value("proof", fromHex);
  if (proof.length !== PROOF_BYTES) throw falseProof("the prover service");
  return { proof, root: found.value("root", fieldFromHex) };
}

/** Seals the secret in the worker, bound to scope, claim and context. */
async function sealSecret(
  keys: Service,
  prover: Prover,
  secret: EntrySecret,
  what: DelegatedProof,
  signal: AbortSignal | undefined,
) {
  const route = keys.isProver ? "/sealing-key" : "/v1/zkp/sealing-key";
  const key = await keys.json({ path: route, route, shows: [], signal });
  for (const [name, expected] of Object.entries({ ...ALGORITHMS, info: INFO })) {
    if (key.text(name) !== expected) throw falseKey(`${name} is ${key.text(name)} and must be ${expected}`);
  }
  const publicKey = key.value("public_key", fromHex);
  if (publicKey.length !== KEY_BYTES) throw falseKey(`it has ${publicKey.length} bytes and must have ${KEY_BYTES}`);
  const text = new TextEncoder();
  const { entryId, scope, claim, context } = what;
  const request = {
    publicKey,
    info: text.encode(INFO),
    associated: concat([...[scope, claim, context].map(fieldToBytes), text.encode(STATEMENT)]),
    // The worker writes the secret between the two.
    before: text.encode('{"secret":"0x'),
    after: text.encode(`","entry_id":"${fieldToHex(entryId)}","attributes":"${fieldToHex(claim)}"}`),
  };
  try {
    const sealed = await prover.seal(secret, request);
    return {
      key_id: key.text("key_id"),
      encapsulated_key: `0x${toHex(sealed.subarray(0, KEY_BYTES))}`,
      ciphertext: `0x${toHex(sealed.subarray(KEY_BYTES))}`,
    };
  } catch (cause) {
    throw cause instanceof ProverError ? falseKey(cause.message) : cause;
  }
}

function falseKey(reason: string): BautaError {
  return new BautaError("false-sealing-key", `the key to seal the secret to is not usable: ${reason}`, "Prove on this device.");
}
