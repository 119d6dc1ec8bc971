import {
  fixDecoderSize,
  getAddressDecoder,
  getBytesDecoder,
  getStructDecoder,
  type Address,
  type ReadonlyUint8Array,
} from "@solana/kit";

import { BautaClientError } from "./client-error.js";
import { BAUTA_PROGRAM_ADDRESS } from "./generated/programs/index.js";

/** The return data of `verify`. */
export interface Verification {
  /** The scope account. */
  readonly scope: Address;
  /** The scope's registry. */
  readonly registry: Address;
  /** The scope's circuit account. */
  readonly circuit: Address;
  /** The claim. With an auxiliary registry, the claim without its root. */
  readonly claim: ReadonlyUint8Array;
  /** The nullifier. */
  readonly nullifier: ReadonlyUint8Array;
  /** The address that benefits from the verification. */
  readonly recipient: Address;
  /** The SHA-256 hash of the payload. */
  readonly payloadHash: ReadonlyUint8Array;
}

const BYTES = 7 * 32;

/**
 * Decodes the return data of `verify`.
 *
 * RPC nodes cut trailing zero bytes of return data. This function adds them again. The last value
 * is a hash, which is never zero, so data of at most 192 bytes is not that of a verification.
 *
 * @throws {@link BautaClientError} if another program set the data, or if the data is not longer
 * than 192 bytes or is longer than 224 bytes.
 */
export function decodeVerification(programAddress: Address, data: ReadonlyUint8Array): Verification {
  if (programAddress !== BAUTA_PROGRAM_ADDRESS) throw refused("another program set the data");
  if (data.length <= BYTES - 32) {
    throw refused("the data has at most 192 bytes, so it has no hash of the payload");
  }
  if (data.length > BYTES) throw refused("the data has more than 224 bytes");
  const bytes = new Uint8Array(BYTES);
  bytes.set(data);
  const hash = fixDecoderSize(getBytesDecoder(), 32);
  return getStructDecoder([
    ["scope", getAddressDecoder()],
    ["registry", getAddressDecoder()],
    ["circuit", getAddressDecoder()],
    ["claim", hash],
    ["nullifier", hash],
    ["recipient", getAddressDecoder()],
    ["payloadHash", hash],
  ]).decode(bytes);
}

function refused(reason: string): BautaClientError {
  return new BautaClientError("return-data", `the return data is not that of a verification: ${reason}`);
}
