// The stores with a false client, and the quick start of the README.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Bauta, Identity, Membership, ProofRequest, Scope, ScopedProof } from "@bauta/sdk";
import { address } from "@solana/kit";
import type { Readable } from "svelte/store";

import { useMembership, useProve, useScope } from "../src/index.ts";

const SCOPE = address("Vote111111111111111111111111111111111111111");
const REGISTRY = address("So11111111111111111111111111111111111111112");
const identity = {} as Identity;
const scope = { address: SCOPE } as Scope;
const membership = { registry: REGISTRY } as Membership;
const proof = { proof: new Uint8Array(256) } as ScopedProof;
const request = { identity, membership, scope, recipient: SCOPE };

/** Subscribes to a store, and records its values. */
function watch<T>(store: Readable<T>) {
  const values: T[] = [];
  const stop = store.subscribe((value) => void values.push(value));
  return { values, stop };
}

/** Runs what waits for promises that are settled. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a scope is loading, then ready, and can be loaded again", async () => {
  let calls = 0;
  const read = async () => {
    if (calls++ > 0) throw new Error("offline");
    return scope;
  };
  const store = useScope({ scope: read } as Partial<Bauta> as Bauta, SCOPE);
  const { values, stop } = watch(store);
  await settled();
  store.reload();
  await settled();
  assert.deepEqual(
    values.map(({ status }) => status),
    ["loading", "ready", "loading", "failed"],
  );
  assert.equal(values[1]!.value, scope);
  assert.match(String(values[3]!.error), /offline/);
  stop();
});

test("an answer that a later one has overtaken is dropped", async () => {
  const resolves: ((value: Membership[]) => void)[] = [];
  const memberships = () => new Promise<Membership[]>((resolve) => void resolves.push(resolve));
  const store = useMembership({ memberships } as Partial<Bauta> as Bauta, identity, REGISTRY);
  const { values, stop } = watch(store);
  store.reload();
  resolves[1]!([]);
  await settled();
  resolves[0]!([membership]);
  await settled();
  assert.deepEqual(values.at(-1), { status: "ready", value: null });
  stop();
});

test("a proof shows its progress, and a new one or cancel aborts it", async () => {
  const requests: ProofRequest[] = [];
  const prove = (what: ProofRequest) => {
    requests.push(what);
    return new Promise<ScopedProof>((resolve, reject) => {
      what.onProgress?.({ stage: "tree", done: 0.1 });
      what.signal!.addEventListener("abort", () => reject(what.signal!.reason));
      if (requests.length === 3) resolve(proof);
    });
  };
  const store = useProve({ prove } as Partial<Bauta> as Bauta);
  const { values, stop } = watch(store);
  const first = store.prove(request);
  assert.equal(values.at(-1)!.progress?.stage, "tree");
  const second = store.prove(request);
  await assert.rejects(first, { name: "AbortError" });
  assert.equal(values.at(-1)!.status, "loading");
  store.cancel();
  await assert.rejects(second, { name: "AbortError" });
  assert.equal(values.at(-1)!.status, "idle");
  assert.equal(await store.prove(request), proof);
  assert.deepEqual(values.at(-1), { status: "ready", value: proof });
  stop();
});

test("the quick start of the README proves", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /## Quick start[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  const folder = mkdtempSync(fileURLToPath(new URL("../quick-start-", import.meta.url)));
  try {
    const addresses = `
      export const IDENTITY = {}, RECIPIENT = "${SCOPE}", REGISTRY = "${REGISTRY}", SCOPE = "${SCOPE}";
      export const proved = [];
      export const BAUTA = {
        scope: async () => ({ address: SCOPE }),
        memberships: async () => [{ registry: REGISTRY }],
        prove: async (what) => (proved.push(what), "the proof"),
      };
    `;
    writeFileSync(join(folder, "addresses.js"), addresses);
    writeFileSync(join(folder, "door.ts"), code);
    const door = await import(pathToFileURL(join(folder, "door.ts")).href);
    const { proved } = await import(pathToFileURL(join(folder, "addresses.js")).href);
    assert.equal(door.enter(), undefined);
    const stops = [watch(door.scope), watch(door.membership)];
    await settled();
    assert.equal(await door.enter(), "the proof");
    assert.equal(proved[0].scope.address, SCOPE);
    for (const { stop } of stops) stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
