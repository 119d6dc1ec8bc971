// The hooks in a page, with a false client, and the quick start of the README.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Bauta, Identity, Membership, ProofRequest, Scope, ScopedProof } from "@bauta/sdk";
import { address } from "@solana/kit";
import { Window } from "happy-dom";
import { act, createElement, type FunctionComponent } from "react";
import type { Root } from "react-dom/client";

import { BautaProvider, useMembership, useProve, useScope, type Proving, type Reloadable } from "../src/index.ts";

const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
// Node.js 21 has a navigator that can't be assigned.
if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: window.navigator });
const { createRoot } = await import("react-dom/client");
after(() => window.happyDOM.close());

const SCOPE = address("Vote111111111111111111111111111111111111111");
const REGISTRY = address("So11111111111111111111111111111111111111112");
const identity = {} as Identity;
const scope = { address: SCOPE } as Scope;
const membership = { registry: REGISTRY } as Membership;
const proof = { proof: new Uint8Array(256) } as ScopedProof;
const request = { identity, membership, scope, recipient: SCOPE };

let root: Root | undefined;
afterEach(async () => {
  await act(() => root?.unmount());
  root = undefined;
});

/** Shows a component in a page with a client. */
async function show(bauta: Partial<Bauta>, component: FunctionComponent): Promise<HTMLElement> {
  const element = window.document.createElement("div") as unknown as HTMLElement;
  root = createRoot(element);
  const page = createElement(BautaProvider, { bauta: bauta as Bauta }, createElement(component));
  await act(async () => root!.render(page));
  return element;
}

/** A promise that the test settles. */
function pending<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((done, failed) => ([resolve, reject] = [done, failed]));
  return { promise, resolve, reject };
}

test("a scope is loading, then ready, and can be loaded again", async () => {
  const first = pending<Scope>();
  let calls = 0;
  const read = () => (calls++ === 0 ? first.promise : Promise.reject(new Error("offline")));
  let found!: Reloadable<Scope>;
  await show({ scope: read }, () => ((found = useScope(SCOPE)), null));
  assert.equal(found.status, "loading");
  await act(async () => first.resolve(scope));
  assert.deepEqual([found.status, found.value], ["ready", scope]);
  await act(async () => found.reload());
  assert.deepEqual([found.status, String(found.error)], ["failed", "Error: offline"]);
});

test("nothing is loaded without an identity, and a member without a token has none", async () => {
  const requested: unknown[] = [];
  const bauta: Partial<Bauta> = { memberships: async (...what) => (requested.push(what), []) };
  let found!: Reloadable<Membership | null>;
  await show(bauta, () => ((found = useMembership(undefined, REGISTRY)), null));
  assert.equal(found.status, "idle");
  assert.deepEqual(requested, []);
  await act(() => root!.unmount());
  await show(bauta, () => ((found = useMembership(identity, REGISTRY)), null));
  assert.deepEqual([found.status, found.value], ["ready", null]);
  assert.deepEqual(requested, [[identity, REGISTRY]]);
});

test("a proof shows its progress, and a new one aborts it", async () => {
  const requests: ProofRequest[] = [];
  const answers = [pending<ScopedProof>(), pending<ScopedProof>()];
  const prove = (what: ProofRequest) => {
    const answer = answers[requests.push(what) - 1]!;
    what.signal!.addEventListener("abort", () => answer.reject(what.signal!.reason));
    return answer.promise;
  };
  let proving!: Proving;
  await show({ prove }, () => ((proving = useProve()), null));
  assert.equal(proving.status, "idle");
  let first!: Promise<unknown>;
  await act(async () => void (first = proving.prove(request).catch((error: Error) => error.name)));
  await act(async () => requests[0]!.onProgress!({ stage: "tree", done: 0.1 }));
  assert.deepEqual([proving.status, proving.progress?.stage], ["loading", "tree"]);
  await act(async () => void proving.prove(request));
  assert.equal(await first, "AbortError");
  assert.equal(proving.status, "loading");
  await act(async () => answers[1]!.resolve(proof));
  assert.deepEqual([proving.status, proving.value], ["ready", proof]);
});

test("a proof is aborted when its component is removed", async () => {
  let signal: AbortSignal | undefined;
  const prove = (what: ProofRequest) => ((signal = what.signal), new Promise<never>(() => undefined));
  let proving!: Proving;
  await show({ prove }, () => ((proving = useProve()), null));
  await act(async () => void proving.prove(request));
  assert.equal(signal?.aborted, false);
  await act(() => root!.unmount());
  assert.equal(signal?.aborted, true);
});

test("the quick start of the README proves when its button is pressed", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /## Quick start[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  const folder = mkdtempSync(fileURLToPath(new URL("../quick-start-", import.meta.url)));
  try {
    const addresses = `export const IDENTITY = {}, RECIPIENT = "${SCOPE}", REGISTRY = "${REGISTRY}", SCOPE = "${SCOPE}";`;
    writeFileSync(join(folder, "addresses.ts"), addresses);
    // The hooks of this test and of the page must share the context.
    writeFileSync(join(folder, "door.ts"), code.replace('"@bauta/react"', '"../src/index.ts"'));
    const { Door } = await import(pathToFileURL(join(folder, "door.ts")).href);
    const proved: ProofRequest[] = [];
    const bauta: Partial<Bauta> = {
      scope: async () => scope,
      memberships: async () => [membership],
      prove: async (what) => (proved.push(what), proof),
    };
    const element = await show(bauta, Door);
    const button = element.querySelector("button")!;
    assert.equal(button.disabled, false);
    window.document.body.appendChild(element as never);
    await act(async () => button.click());
    assert.deepEqual(proved.map((what) => what.scope), [scope]);
    assert.equal(button.textContent, "ready");
    // A rejected promise that nothing handles would end the test with an error.
    bauta.prove = () => Promise.reject(new Error("the relay is full"));
    await act(async () => button.click());
    assert.equal(button.textContent, "Error: the relay is full");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
