// The event of a verification. `eventsOfTransaction` of @bauta/program decodes every event, and a
// page that only proves does not need the decoders of the others.

import { getBase58Encoder, type Address } from "@solana/kit";
import {
  BAUTA_PROGRAM_ADDRESS,
  findEventAuthorityPda,
  getOwnershipVerifiedDecoder,
  type OwnershipVerified,
  type TransactionWithResults,
} from "@bauta/program";

import { equal } from "./bytes.js";

/** The first bytes of an event: the start of the SHA-256 hash of `anchor:event`, reversed. */
const TAG = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];

/**
 * Returns the verifications of a transaction from `getTransaction`. A failed transaction has none.
 * The program emits an event by a call of itself, which its event authority signs.
 */
export async function verificationsOf({ transaction, meta }: TransactionWithResults): Promise<OwnershipVerified[]> {
  if (!meta || meta.err) return [];
  const [authority] = await findEventAuthorityPda();
  const { writable = [], readonly = [] } = meta.loadedAddresses ?? {};
  const keys: readonly (Address | undefined)[] = [...transaction.message.accountKeys, ...writable, ...readonly];
  return (meta.innerInstructions ?? [])
    .flatMap(({ instructions }) => instructions)
    .filter(({ programIdIndex, accounts: [first, ...others] }) => {
      const isOwn = keys[programIdIndex] === BAUTA_PROGRAM_ADDRESS && others.length === 0;
      return isOwn && first !== undefined && keys[first] === authority;
    })
    .flatMap(({ data }) => {
      const bytes = getBase58Encoder().encode(data);
      const decoder = getOwnershipVerifiedDecoder();
      if (bytes.length !== TAG.length + decoder.fixedSize || !equal(bytes.slice(0, TAG.length), TAG)) return [];
      try {
        return [decoder.decode(bytes, TAG.length)];
      } catch {
        // Another event of the same length.
        return [];
      }
    });
}
