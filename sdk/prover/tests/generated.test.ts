// Compares the checked-in files with those that the script `generate` writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { PACKAGE, render } from "../sealing/render.ts";

test("the sources of the workers are those of tools/wasm-prover and of the locked packages", async () => {
  const expected = await render();
  const stale = [...expected].filter(([path, text]) => readFileSync(new URL(path, PACKAGE), "utf8") !== text);
  assert.deepEqual(stale.map(([path]) => path), [], "run `npm run generate` in the folder sdk/prover");
});
