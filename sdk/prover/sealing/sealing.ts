// The part of the sealing worker that seals: HPKE with the algorithms of the prover service. The
// script `generate` bundles it, so that the package has no dependency.

import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";

/** Seals a text to a public key of 32 bytes. Returns the encapsulated key and the ciphertext. */
async function seal(
  publicKey: Uint8Array<ArrayBuffer>,
  info: Uint8Array<ArrayBuffer>,
  associated: Uint8Array<ArrayBuffer>,
  plaintext: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey.buffer);
  const { enc, ct } = await suite.seal({ recipientPublicKey, info: info.buffer }, plaintext.buffer, associated.buffer);
  const sealed = new Uint8Array(enc.byteLength + ct.byteLength);
  sealed.set(new Uint8Array(enc));
  sealed.set(new Uint8Array(ct), enc.byteLength);
  return sealed;
}

// worker.js calls it.
Object.assign(globalThis, { seal });
