// What the prover computes with a member's secrets.

import { ProverError, type Prover } from "@bauta/prover";

import { BautaError } from "./error.js";
import { fieldFromBytes, fieldToBytes, type Field } from "./field.js";
import { secretOf, type Identity, type SecretEntry } from "./identity.js";
import { notLoaded } from "./parts.js";

const LOADING = "Check the network, the page's Content-Security-Policy, and the options wasm and worker of createProver.";

/** Computes the commitment to a secret. */
export async function commitmentIn(prover: Prover, identity: Identity, entry: SecretEntry): Promise<Field> {
  return fieldFromBytes(await proverResult(prover.commitment(secretOf(identity, entry))));
}

/** Computes the nullifier of a secret in a scope. */
export async function nullifierIn(prover: Prover, identity: Identity, entry: SecretEntry, scope: Field): Promise<Field> {
  return fieldFromBytes(await proverResult(prover.nullifier(secretOf(identity, entry), fieldToBytes(scope))));
}

/** Waits for the prover, and names its failure. */
export async function proverResult<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (cause) {
    if (!(cause instanceof ProverError)) throw cause;
    if (cause.code === "not-loaded") throw notLoaded(cause.message, LOADING, cause);
    throw new BautaError("prover-failed", cause.message, "Try again, or use the other build.", { cause });
  }
}
