// The hashes of docs/protocol.md that a verification needs, with poseidon-lite and node:crypto.

import { createHash } from "node:crypto";

import { getAddressEncoder, type Address } from "@solana/kit";
import { poseidon5 } from "poseidon-lite";

const bytes = (address: Address) => getAddressEncoder().encode(address);

export function sha256(...parts: ArrayLike<number>[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(Uint8Array.from(part));
  return Uint8Array.from(hash.digest());
}

/** Returns the 32 bytes of a field element, big-endian. */
export function field(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex"));
}

function integer(value: ArrayLike<number>): bigint {
  return BigInt(`0x${Buffer.from(Uint8Array.from(value)).toString("hex")}`);
}

function hashToField(tag: string, ...parts: ArrayLike<number>[]): bigint {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(tag.length);
  const framed = parts.flatMap((part) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(part.length);
    return [size, part];
  });
  const hash = sha256(length, Buffer.from(tag), ...framed);
  hash[0]! &= 0x1f;
  return integer(hash);
}

/** Computes the digest that a proof is for. */
export function digest(of: {
  root: ArrayLike<number>;
  nullifier: bigint;
  claim: bigint;
  clusterTag: Uint8Array;
  program: Address;
  scope: Address;
  recipient: Address;
  expiry: bigint;
  payload: Uint8Array;
}): bigint {
  const expiry = Buffer.alloc(8);
  expiry.writeBigInt64BE(of.expiry);
  const noRelayer = new Uint8Array(32);
  const scope = hashToField("bauta/scope/1", of.clusterTag, bytes(of.program), bytes(of.scope));
  const context = hashToField("bauta/context/1", bytes(of.recipient), noRelayer, expiry, sha256(of.payload));
  return poseidon5([integer(of.root), of.nullifier, scope, of.claim, context]);
}
