import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { reveals, secretOf } from "./secrets.ts";

test("the secrets that visits are checked for are those of the protocol's test vectors", () => {
  const file = new URL("../../../crates/primitives/vectors/protocol.json", import.meta.url);
  const vectors = JSON.parse(readFileSync(file, "utf8"));
  assert(vectors.length > 2);
  for (const { inputs, outputs } of vectors) {
    const bytes = (text: string) => Buffer.from(text.replace(/^0x/, ""), "hex");
    const secret = (counter: number) => {
      const derived = secretOf(bytes(inputs.master), bytes(inputs.registry), bytes(inputs.mint), counter);
      return `0x${derived.toString("hex")}`;
    };
    assert.equal(secret(0), outputs.secret);
    assert.equal(secret(inputs.counter), outputs.rotated_secret);
  }
});

test("a secret is found in each form, also within the bytes of a transaction, and nowhere else", () => {
  const secret = createHash("sha256").update("secret").digest();
  const within = Buffer.concat([Buffer.alloc(5, 7), secret, Buffer.alloc(3, 9)]);
  const forms = [secret.toString("hex"), secret.toString("hex").toUpperCase(), secret.join(","), BigInt(`0x${secret.toString("hex")}`).toString()];
  for (const form of [...forms, secret.toString("base64"), within.toString("base64"), within.toString("base64url")]) {
    assert(reveals(`{"value":"${form}"}`, secret), form);
  }
  const other = createHash("sha256").update("other").digest();
  assert(!reveals(JSON.stringify([within.toString("base64"), ...forms]), other));
});
