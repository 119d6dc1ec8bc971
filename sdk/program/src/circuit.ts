import type { Address, ProgramDerivedAddress } from "@solana/kit";

import {
  getRegisterCircuitInstructionDataEncoder,
  type RegisterCircuitInstructionDataArgs,
} from "./generated/instructions/registerCircuit.js";
import { findCircuitPda } from "./generated/pdas/circuit.js";

/** The registration of a circuit: the arguments of `register_circuit`. */
export type CircuitRegistration = RegisterCircuitInstructionDataArgs;

const DISCRIMINATOR_BYTES = 8;
const VERIFYING_KEY_BYTES = 576;

/**
 * Derives the address of a circuit from its registration. The seeds are the SHA-256 hash of the
 * verifying key and that of all other fields, in their order.
 */
export async function findCircuitPdaOf(
  registration: CircuitRegistration,
  config: { programAddress?: Address | undefined } = {},
): Promise<ProgramDerivedAddress> {
  // The verifying key is the last field.
  const data = getRegisterCircuitInstructionDataEncoder().encode(registration);
  const end = data.length - VERIFYING_KEY_BYTES;
  const [vkHash, metadataHash] = await Promise.all([
    sha256(data.slice(end)),
    sha256(data.slice(DISCRIMINATOR_BYTES, end)),
  ]);
  return findCircuitPda({ vkHash, metadataHash }, config);
}

/** Resolves the account `circuit` of `register_circuit`. The generated builder calls it. */
export async function resolveCircuit(scope: {
  programAddress: Address;
  args: CircuitRegistration;
}): Promise<{ value: ProgramDerivedAddress }> {
  return { value: await findCircuitPdaOf(scope.args, scope) };
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
}
