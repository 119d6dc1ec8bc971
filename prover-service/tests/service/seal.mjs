// Seals a message with HPKE (RFC 9180): mode base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
// ChaCha20Poly1305. Written from the RFC with the cryptography of Node.js, so that the tests of the
// service don't depend on its own library.
//
// Standard input and output are JSON objects with hexadecimal strings:
// {public_key, info, aad, plaintext} -> {encapsulated_key, ciphertext}.

import { createCipheriv, createHmac, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";

const KEM = Buffer.concat([Buffer.from("KEM"), Buffer.from([0x00, 0x20])]);
const SUITE = Buffer.concat([Buffer.from("HPKE"), Buffer.from([0x00, 0x20, 0x00, 0x01, 0x00, 0x03])]);
// The encoding of X25519 keys before their 32 bytes (RFC 8410).
const SPKI = Buffer.from("302a300506032b656e032100", "hex");

const hmac = (key, data) => createHmac("sha256", key).update(data).digest();
const extract = (suite, salt, label, ikm) =>
  hmac(salt, Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(label), ikm]));
// No output is longer than a block of the hash.
const expand = (suite, prk, label, info, length) => {
  const size = Buffer.from([length >> 8, length & 0xff]);
  const labeled = Buffer.concat([size, Buffer.from("HPKE-v1"), suite, Buffer.from(label), info]);
  return hmac(prk, Buffer.concat([labeled, Buffer.from([1])])).subarray(0, length);
};

const input = JSON.parse(readFileSync(0, "utf8"));
const [recipient, info, aad, plaintext] = ["public_key", "info", "aad", "plaintext"].map((name) =>
  Buffer.from(input[name], "hex"),
);
const none = Buffer.alloc(0);

const ephemeral = generateKeyPairSync("x25519");
const encapsulated = ephemeral.publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length);
const publicKey = createPublicKey({ key: Buffer.concat([SPKI, recipient]), format: "der", type: "spki" });
const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey });
const prk = extract(KEM, none, "eae_prk", shared);
const secret = expand(KEM, prk, "shared_secret", Buffer.concat([encapsulated, recipient]), 32);

const context = Buffer.concat([
  Buffer.from([0]),
  extract(SUITE, none, "psk_id_hash", none),
  extract(SUITE, none, "info_hash", info),
]);
const schedule = extract(SUITE, secret, "secret", none);
const key = expand(SUITE, schedule, "key", context, 32);
const nonce = expand(SUITE, schedule, "base_nonce", context, 12);
const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
cipher.setAAD(aad, { plaintextLength: plaintext.length });
const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
console.log(
  JSON.stringify({ encapsulated_key: encapsulated.toString("hex"), ciphertext: ciphertext.toString("hex") }),
);
