import assert from "node:assert/strict";
import { test } from "node:test";

import { Pauses } from "../src/pauses.ts";

test("the pauses between requests grow from 100 ms to half a second", async (context) => {
  const lengths: number[] = [];
  const setTimeout = (run: () => void, ms: number) => {
    lengths.push(ms);
    run();
  };
  context.mock.method(globalThis, "setTimeout", setTimeout as typeof globalThis.setTimeout);
  const pauses = new Pauses();
  for (let pause = 0; pause < 6; pause++) await pauses.next();
  assert.deepEqual(lengths, [100, 150, 225, 337.5, 500, 500]);
});
