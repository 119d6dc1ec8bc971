import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { secretOf } from "./secrets.ts";

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
