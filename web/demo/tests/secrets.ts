// The secrets that a page could reveal, derived as docs/protocol.md, section 2, defines them. This
// is not the code of the page.

import { createHash } from "node:crypto";

/** Derives the secret of a token's entry from a master secret. */
export function secretOf(master: Uint8Array, registry: Uint8Array, mint: Uint8Array, counter: number): Buffer {
  const entryId = hashToField("bauta/mint/1", mint);
  if (counter === 0) return hashToField("bauta/secret/1", master, registry, entryId);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(counter);
  return hashToField("bauta/secret/2", master, registry, entryId, number);
}

function hashToField(tag: string, ...parts: Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  const length = Buffer.alloc(4);
  length.writeUInt16BE(tag.length);
  hash.update(length.subarray(0, 2)).update(tag);
  for (const part of parts) {
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  }
  const digest = hash.digest();
  digest[0]! &= 0x1f;
  return digest;
}

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Returns the 32 bytes of an address. */
export function addressBytes(address: string): Buffer {
  const value = [...address].reduce((sum, letter) => sum * 58n + BigInt(ALPHABET.indexOf(letter)), 0n);
  return Buffer.from(value.toString(16).padStart(64, "0"), "hex");
}

/** Returns whether a text has a secret: written in a usual form, or within bytes in base64. */
export function reveals(text: string, secret: Uint8Array): boolean {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const decimal = BigInt(`0x${hex}`).toString();
  // A transaction is longer than the secret in it, so the secret's own base64 may not be found.
  const encoded = text.match(/[A-Za-z0-9+/_-]{40,}/g) ?? [];
  return (
    [decimal, [...secret].join(",")].some((form) => text.includes(form)) ||
    text.toLowerCase().includes(hex) ||
    encoded.some((part) => Buffer.from(part, "base64").includes(bytes))
  );
}
