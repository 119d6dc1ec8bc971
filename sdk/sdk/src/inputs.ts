// The inputs and the output of the prover (docs/web-prover.md).

import { equal } from "./bytes.js";
import { BautaError } from "./error.js";
import { fieldToBytes, type Field } from "./field.js";
import { concat } from "./http.js";
import { digestOf, type PublicInputs } from "./protocol.js";
import type { Siblings } from "./tree.js";

/** The number of bytes of a proof. */
export const PROOF_BYTES = 256;

/** Encodes the inputs of a proof without the secret, which the prover adds. */
export function encodeInputs(
  entry: { readonly entryId: Field; readonly track: Field; readonly index: bigint; readonly path: readonly Siblings[] },
  inputs: PublicInputs,
): Uint8Array {
  const index = new Uint8Array(8);
  new DataView(index.buffer).setBigUint64(0, entry.index, true);
  const elements = [entry.entryId, entry.track, inputs.root, inputs.scope, inputs.claim, inputs.context];
  return concat([...elements.map(fieldToBytes), index, ...entry.path.flat().map(fieldToBytes)]);
}

/** Returns the proof of a prover's output, if it is for these public values. */
export function proofOf(output: Uint8Array, inputs: PublicInputs): Uint8Array {
  const { root, nullifier, scope, claim, context } = inputs;
  const expected = concat([root, nullifier, scope, claim, context, digestOf(inputs)].map(fieldToBytes));
  if (!equal(output.subarray(PROOF_BYTES), expected)) throw falseProof("the prover");
  return output.slice(0, PROOF_BYTES);
}

/** Creates the error for a proof that is not the requested one. */
export function falseProof(by: string, what = "a proof that is not for the requested values"): BautaError {
  return new BautaError("false-proof", `${by} made ${what}`, "Use another prover.");
}
