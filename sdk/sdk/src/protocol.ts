// The values of docs/protocol.md, sections 2 and 3.

import { getAddressEncoder, type Address } from "@solana/kit";

import { field, fieldFromBytes, fieldToBytes, type Field } from "./field.js";
import { poseidon } from "./poseidon.js";

/**
 * Derives the identifier of an entry of a registry of holders from the token's mint or the Core
 * asset.
 */
export function entryIdOf(asset: Address): Promise<Field> {
  return hashToField("bauta/mint/1", addressBytes(asset));
}

/**
 * Derives a member's secret for one entry of one registry.
 *
 * @param master The member's master secret: 32 random bytes.
 * @param counter The number of times that the member has replaced the secret of the entry.
 * @returns 32 big-endian bytes. The caller overwrites them after use.
 */
export async function deriveSecret(
  master: Uint8Array,
  registry: Address,
  entryId: Field,
  counter = 0,
): Promise<Uint8Array> {
  if (master.length !== 32) throw new RangeError(`a master secret has 32 bytes, got ${master.length}`);
  if (!Number.isInteger(counter) || counter < 0 || counter > 0xffff_ffff) {
    throw new RangeError("a counter is an integer of at least 0 and at most 4294967295");
  }
  const parts = [master, addressBytes(registry), fieldToBytes(entryId)];
  const secret =
    counter === 0
      ? hashToField("bauta/secret/1", ...parts)
      : hashToField("bauta/secret/2", ...parts, bigEndian(BigInt(counter), 4));
  return fieldToBytes(await secret);
}

/** Computes the commitment to a secret, which the member registers. */
export function commitmentOf(secret: Uint8Array): Field {
  return poseidon(fieldFromBytes(secret));
}

/** Computes a leaf. `attributes` is the track in a registry of holders. */
export function leafOf(commitment: Field, entryId: Field, attributes: Field): Field {
  return poseidon(commitment, entryId, attributes);
}

/**
 * Computes the nullifier of an entry in a scope.
 *
 * @param scope The scope element: {@link scopeElement}.
 */
export function nullifierOf(secret: Uint8Array, entryId: Field, scope: Field): Field {
  return poseidon(fieldFromBytes(secret), entryId, scope);
}

/** Derives the scope element of a scope account from the pinned cluster tag and program. */
export function scopeElement(clusterTag: Uint8Array, program: Address, scope: Address): Promise<Field> {
  if (clusterTag.length !== 32) throw new RangeError(`a cluster tag has 32 bytes, got ${clusterTag.length}`);
  return hashToField("bauta/scope/1", clusterTag, addressBytes(program), addressBytes(scope));
}

/** What a verification is bound to. */
export interface VerificationContext {
  /** The address that benefits from the verification. */
  readonly recipient: Address;
  /** The relayer that must sign. Without one, anyone may submit the proof. */
  readonly relayer?: Address | undefined;
  /** The time after which the program refuses the proof, in Unix seconds. */
  readonly expiry: bigint;
  /** The consumer's data. */
  readonly payload: Uint8Array;
}

/**
 * Computes the context of a verification.
 *
 * @throws `RangeError` if the expiry is not a signed integer of 64 bits.
 */
export async function contextOf(context: VerificationContext): Promise<Field> {
  const { recipient, relayer, expiry, payload } = context;
  if (BigInt.asIntN(64, expiry) !== expiry) throw new RangeError("an expiry is a signed integer of 64 bits");
  return hashToField(
    "bauta/context/1",
    addressBytes(recipient),
    relayer === undefined ? new Uint8Array(32) : addressBytes(relayer),
    bigEndian(BigInt.asUintN(64, expiry), 8),
    await sha256(payload),
  );
}

/** Computes the claim of a statement that includes the root of an auxiliary registry. */
export function claimWithAuxiliaryRoot(claim: Field, auxiliaryRoot: Field): Field {
  return poseidon(claim, auxiliaryRoot);
}

/** The public values of a proof. */
export interface PublicInputs {
  readonly root: Field;
  readonly nullifier: Field;
  /** The scope element. */
  readonly scope: Field;
  readonly claim: Field;
  readonly context: Field;
}

/** Computes the digest of the public values: the only public input of a proof. */
export function digestOf(inputs: PublicInputs): Field {
  return poseidon(inputs.root, inputs.nullifier, inputs.scope, inputs.claim, inputs.context);
}

/**
 * Hashes bytes to a field element: SHA-256 over the tag and the parts, each with its length,
 * without its three highest bits.
 */
export async function hashToField(tag: string, ...parts: readonly Uint8Array[]): Promise<Field> {
  const name = new TextEncoder().encode(tag);
  const framed = parts.flatMap((part) => [bigEndian(BigInt(part.length), 4), part]);
  const hash = await sha256(bigEndian(BigInt(name.length), 2), name, ...framed);
  hash[0]! &= 0x1f;
  return fieldFromBytes(hash);
}

/** Returns the field element of a track. */
export function attributesOfTrack(track: bigint): Field {
  if (track < 0n || track >= 1n << 64n) throw new RangeError("a track is an integer of 64 bits");
  return field(track);
}

function addressBytes(address: Address): Uint8Array {
  return Uint8Array.from(getAddressEncoder().encode(address));
}

function bigEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
}

async function sha256(...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
