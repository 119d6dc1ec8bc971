// Proofs by the prover service, for statements that are too large for a device. The secret is
// sealed to the prover service, which learns it: the member trusts its operator.

import type { Address } from "@solana/kit";

import { fromHex, toHex } from "./bytes.js";
import { BautaError } from "./error.js";
import { fieldFromHex, fieldToBytes, fieldToHex, type Field } from "./field.js";
import { concat, type Service } from "./http.js";
import { falseProof, PROOF_BYTES } from "./inputs.js";
import type { PublicInputs } from "./protocol.js";

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

/** Has a proof made. Returns it with its root. The caller checks the root. */
export async function delegate(
  api: Service,
  keys: Service,
  apiKey: string,
  secret: Uint8Array,
  what: DelegatedProof,
  expected: Omit<PublicInputs, "root">,
  signal?: AbortSignal,
): Promise<{ readonly proof: Uint8Array; readonly root: Field }> {
  const sealed = await sealSecret(keys, secret, what, signal);
  const route = "/v1/zkp/generate";
  const answer = await api.json({
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

/** Seals the secret, bound to scope, claim and context. */
async function sealSecret(keys: Service, secret: Uint8Array, what: DelegatedProof, signal: AbortSignal | undefined) {
  const route = keys.isProver ? "/sealing-key" : "/v1/zkp/sealing-key";
  const key = await keys.json({ path: route, route, shows: [], signal });
  for (const [name, expected] of Object.entries({ ...ALGORITHMS, info: INFO })) {
    if (key.text(name) !== expected) throw falseKey(`${name} is ${key.text(name)} and must be ${expected}`);
  }
  const publicKey = key.value("public_key", fromHex);
  if (publicKey.length !== 32) throw falseKey(`it has ${publicKey.length} bytes and must have 32`);
  // Loaded when it is needed: most members prove on their own device.
  const [{ CipherSuite, HkdfSha256 }, { DhkemX25519HkdfSha256 }, { Chacha20Poly1305 }] = await Promise.all([
    import("@hpke/core"),
    import("@hpke/dhkem-x25519"),
    import("@hpke/chacha20poly1305"),
  ]);
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
  const text = new TextEncoder();
  const { entryId, scope, claim, context } = what;
  const associated = concat([...[scope, claim, context].map(fieldToBytes), text.encode(STATEMENT)]);
  const inputs = { secret: `0x${toHex(secret)}`, entry_id: fieldToHex(entryId), attributes: fieldToHex(claim) };
  const plaintext = text.encode(JSON.stringify(inputs));
  try {
    const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey.buffer);
    const sender = { recipientPublicKey, info: text.encode(INFO).buffer as ArrayBuffer };
    const { enc, ct } = await suite.seal(sender, plaintext.buffer as ArrayBuffer, associated.buffer);
    return {
      key_id: key.text("key_id"),
      encapsulated_key: `0x${toHex(new Uint8Array(enc))}`,
      ciphertext: `0x${toHex(new Uint8Array(ct))}`,
    };
  } catch (cause) {
    throw falseKey(String(cause));
  } finally {
    plaintext.fill(0);
  }
}

function falseKey(reason: string): BautaError {
  return new BautaError("false-sealing-key", `the key to seal the secret to is not usable: ${reason}`, "Prove on this device.");
}
