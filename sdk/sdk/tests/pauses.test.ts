import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { Pauses } from "../src/pauses.ts";

/** Replaces timers by ones that run at once. Returns the list of their lengths. */
function timers(context: TestContext): number[] {
  const lengths: number[] = [];
  const setTimeout = (run: () => void, ms: number) => {
    lengths.push(ms);
    queueMicrotask(run);
  };
  context.mock.method(globalThis, "setTimeout", setTimeout as typeof globalThis.setTimeout);
  return lengths;
}

test("the pauses between requests grow from 100 ms to half a second", async (context) => {
  const lengths = timers(context);
  const pauses = new Pauses();
  for (let pause = 0; pause < 6; pause++) await pauses.next();
  assert.deepEqual(lengths, [100, 150, 225, 337.5, 500, 500]);
});

test("pauses of a longer wait grow to their own limit", async (context) => {
  const lengths = timers(context);
  const pauses = new Pauses(300);
  for (let pause = 0; pause < 5; pause++) await pauses.next();
  assert.deepEqual(lengths, [100, 150, 225, 300, 300]);
});

test("an aborted pause ends with the reason", async () => {
  const stop = new AbortController();
  const pauses = new Pauses();
  const pause = pauses.next(stop.signal);
  stop.abort("no longer needed");
  await assert.rejects(pause, (reason) => reason === "no longer needed");
  await assert.rejects(pauses.next(stop.signal), (reason) => reason === "no longer needed");
});
