// Servers that never answer, that answer too much, and that send the client elsewhere.

import assert from "node:assert/strict";
import { after, beforeEach, test, type TestContext } from "node:test";

import { BautaError, type BautaCode, type BautaOptions } from "../src/index.ts";
import { addressOf, serve, startNode, startSilent, stopServers, World } from "./world.ts";

const named = (code: BautaCode) => (error: unknown) => error instanceof BautaError && error.code === code;

let world: World;
beforeEach(async () => {
  stopServers();
  world = await World.honest();
});
after(stopServers);

/** Proves, and reads the result. */
async function use(options: Partial<BautaOptions>) {
  const bauta = world.client(options);
  const { identity, membership } = world;
  const scope = await bauta.scope(world.addresses.scope);
  const proof = await bauta.prove({ identity, membership, scope, recipient: addressOf(99) });
  await world.verify(proof);
  return bauta.result(proof);
}

/** Makes timers of this length run at once. The others keep their length. */
function shorten(context: TestContext, length: number): void {
  const real = globalThis.setTimeout;
  const setTimeout = (run: () => void, ms?: number) => real(run, ms === length ? 0 : ms);
  context.mock.method(globalThis, "setTimeout", setTimeout as typeof globalThis.setTimeout);
}

/** Makes the timers of the nodes' limit of time never run. */
function neverEnd(context: TestContext): void {
  const real = globalThis.setTimeout;
  const setTimeout = (run: () => void, ms?: number) => real(ms === 20_000 ? () => undefined : run, ms === 20_000 ? 0 : ms);
  context.mock.method(globalThis, "setTimeout", setTimeout as typeof globalThis.setTimeout);
}

test("a node that never answers delays nothing if the others are a majority", async (context) => {
  neverEnd(context);
  const other = await startNode(world.facts);
  const found = await use({ rpc: [await startSilent(), world.node, other] });
  assert.equal(found?.recipient, addressOf(99));
});

test("a node that never answers does not delay the check of the genesis hash", async (context) => {
  neverEnd(context);
  world.facts.genesis = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
  const bauta = world.client({ cluster: "devnet", rpc: [await startSilent(), world.node, await startNode(world.facts)] });
  // The program of the false chain has another tag, which is read after the genesis hash.
  await assert.rejects(bauta.scope(world.addresses.scope), /the program has the tag/);
});

test("nodes that never answer end a read after the limit of time", async (context) => {
  shorten(context, 20_000);
  const bauta = world.client({ rpc: await startSilent() });
  await assert.rejects(bauta.scope(world.addresses.scope), named("node-unreachable"));
});

test("an API that never answers ends a request after the limit of time", async (context) => {
  shorten(context, 60_000);
  const bauta = world.client({ api: await startSilent() });
  await assert.rejects(bauta.eligible(world.addresses.registry, addressOf(1)), named("api-unreachable"));
});

test("a node that answers too much is not read to the end", async () => {
  const long = await serve(() => ({ body: new Uint8Array((4 << 20) + 1) }));
  const bauta = world.client({ rpc: long });
  await assert.rejects(bauta.scope(world.addresses.scope), /has more than 4194304 bytes/);
});

test("no request follows a redirect", async () => {
  const received: string[] = [];
  const target = await serve((request) => {
    received.push(request.url!);
    return { body: {} };
  });
  const elsewhere = await serve(() => ({ status: 307, body: {}, location: target }));
  await assert.rejects(world.client({ rpc: elsewhere }).scope(world.addresses.scope), named("node-unreachable"));
  await assert.rejects(world.client({ api: elsewhere }).eligible(world.addresses.registry, addressOf(1)), named("api-unreachable"));
  assert.deepEqual(received, []);
});

test("a proving key from another host is reported, and its failures are named", async () => {
  const host = await serve((request) => (request.url === "/key.bin" ? { body: world.webKey } : { status: 404, body: {} }));
  const prover = (path: string) => Object.assign(world.prover(), { key: { sha256: world.webKeyDigest, url: host + path } });
  assert.ok(await use({ prover: prover("/key.bin") }));
  const reported = world.sent.filter(({ to }) => to === "file");
  const { host: name } = new URL(host);
  assert.deepEqual(reported, [{ to: "file", host: name, request: "GET /key.bin", shows: ["network address", "circuit"] }]);
  await assert.rejects(use({ prover: prover("/missing") }), named("api-refused"));
});
