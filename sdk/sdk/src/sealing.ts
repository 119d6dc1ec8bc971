// Seals and opens master secrets.

import type { SealedMaster } from "@bauta/prover";

import { BautaError } from "./error.js";

export type Bytes = Uint8Array<ArrayBuffer>;

/** The keys that seal master secrets. */
export const AES = { name: "AES-GCM", length: 256 } as const;
/** The prover's worker decrypts with a sealing key. The page only wraps and unwraps. */
export const USAGES: KeyUsage[] = ["wrapKey", "unwrapKey", "decrypt"];

// The master secret is a `CryptoKey` here, so that its bytes are not in the memory of the page. It
// is 32 bytes long, like a key of AES. Nothing is encrypted with it.

/** Creates a master secret. */
export function newMaster(): Promise<CryptoKey> {
  return crypto.subtle.generateKey(AES, true, ["encrypt"]);
}

/** Seals a master secret. */
export async function seal(key: CryptoKey, iv: Bytes, master: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.wrapKey("raw", master, key, { name: "AES-GCM", iv }));
}

/** Opens a sealed master secret. */
export async function open({ key, iv, sealed }: SealedMaster): Promise<CryptoKey> {
  try {
    return await crypto.subtle.unwrapKey("raw", sealed, key, { name: "AES-GCM", iv }, AES, true, ["encrypt"]);
  } catch {
    throw sealedOtherwise("the key or the passphrase does not open the identity");
  }
}

/** Returns random bytes. */
export function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** Creates the error for an identity that the given way does not open. */
export function sealedOtherwise(reason: string): BautaError {
  return new BautaError("identity-sealed", reason, "Open it as it was created, or use another vault.");
}

/** Creates the error for a wallet or a device that can't keep an identity. */
export function unsupported(reason: string, cause?: unknown): BautaError {
  return new BautaError("identity-unsupported", reason, "Use a passphrase, or another wallet or device.", { cause });
}
