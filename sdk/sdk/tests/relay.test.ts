// Waits for relays under a clock that only the pauses advance, and reads results from false nodes.

import assert from "node:assert/strict";
import { after, beforeEach, test, type TestContext } from "node:test";

import { BautaError, memoryVault, type BautaCode, type RelayState, type ScopedProof } from "../src/index.ts";
import { Chain } from "../src/chain.ts";
import { Reader, Refusal, type Service } from "../src/http.ts";
import { Nodes } from "../src/nodes.ts";
import { relayProof } from "../src/relay.ts";
import { addressOf, stopServers, startNode, World } from "./world.ts";

const MINUTE = 60_000;
const named = (code: BautaCode) => (error: unknown) => error instanceof BautaError && error.code === code;

let world: World;
let proof: ScopedProof;
beforeEach(async () => {
  stopServers();
  world = await World.honest();
  const client = world.client();
  const { identity, membership } = world;
  const scope = await client.scope(world.addresses.scope);
  proof = await client.prove({ identity, membership, scope, recipient: addressOf(99) });
});
after(stopServers);

/** What the API answers at a time in milliseconds: a state, or an error. */
type Answer = (time: number) => RelayState["state"] | Error;

/** Relays the proof through an API whose answers depend on the time. */
async function relayed(context: TestContext, answer: Answer, maxLagMs = MINUTE) {
  const nodes = new Nodes([world.node], undefined);
  const chain = new Chain({ tag: world.config.clusterTag as Uint8Array } as never, nodes);
  const requests: number[] = [];
  const started = Date.now();
  let time = started;
  const json = async ({ body }: { body?: unknown }) => {
    if (body !== undefined) return new Reader({ id: "0a".repeat(16) }, "the relay");
    requests.push(time - started);
    const state = answer(time - started);
    if (state instanceof Error) throw state;
    return new Reader({ state, signature: null, reason: null }, "the relay");
  };
  const relay = await relayProof({ json } as unknown as Service, chain, memoryVault(), proof, { maxLagMs });
  const real = globalThis.setTimeout;
  const isPause = () => new Error().stack!.includes("Pauses.next");
  context.mock.method(globalThis, "setTimeout", ((run: () => void, ms: number) => {
    if (!isPause()) return real(run, ms);
    time += ms;
    return real(run, 0);
  }) as typeof setTimeout);
  context.mock.method(Date, "now", () => time);
  return { relay, requests };
}

test("a relay with a delay of an hour needs few requests in each minute", async (context) => {
  const { relay, requests } = await relayed(context, (time) => (time < 60 * MINUTE ? "queued" : "finalized"));
  await world.verify(proof);
  await relay.finalized();
  for (let minute = 0; minute < 60; minute++) {
    const count = requests.filter((time) => time >= minute * MINUTE && time < (minute + 1) * MINUTE).length;
    // The default limit of the API is 100 for each address.
    assert.ok(count <= 25, `${count} requests in minute ${minute}`);
  }
});

test("a relay whose API refuses or fails for a while is waited for", async (context) => {
  const errors = [new Refusal(429, "too_many_requests", ""), new Refusal(503, "unavailable", ""), new BautaError("api-unreachable", "", "")];
  let asked = 0;
  const { relay } = await relayed(context, (time) => (time < MINUTE / 2 ? errors[asked++ % 3]! : "confirmed"));
  await world.verify(proof);
  assert.equal((await relay.confirmed()).recipient, addressOf(99));
  assert.ok(asked > 3);
});

test("a relay whose API refuses for longer than the limit is looked up on the chain", async (context) => {
  const { relay } = await relayed(context, () => new Refusal(429, "too_many_requests", ""));
  await assert.rejects(relay.confirmed(), named("api-refused"));
  await world.verify(proof);
  assert.equal((await relay.confirmed()).recipient, addressOf(99));
});

test("a relay that the API does not know is not waited for", async (context) => {
  const { relay, requests } = await relayed(context, () => new Refusal(404, "not_found", ""));
  await assert.rejects(relay.confirmed(), named("api-refused"));
  assert.equal(requests.length, 1);
});

test("a relay that is queued for ever ends after the expiry of the proof", async (context) => {
  const { relay, requests } = await relayed(context, () => "queued");
  await assert.rejects(relay.confirmed(), named("relay-ended"));
  const end = Number(proof.expiry) * 1000 - Date.now() + requests.at(-1)!;
  assert.ok(requests.at(-1)! > end, "the wait ends after the expiry");
  await world.verify(proof);
  assert.equal((await relay.confirmed()).recipient, addressOf(99));
});

test("a verification is found behind thousands of other transactions of its account", async () => {
  await world.verify(proof);
  world.bury(2_500);
  const use = await world.client().result(proof);
  assert.equal(use?.recipient, addressOf(99));
});

test("failed transactions of the account are not read", async () => {
  await world.verify(proof);
  world.bury(300, { before: true, err: { InstructionError: [0, "Custom"] } });
  const use = await world.client().result(proof);
  assert.equal(use?.recipient, addressOf(99));
});

test("a used nullifier without an event is an error, and never an unused nullifier", async () => {
  await world.verify(proof);
  world.bury(200, { before: true });
  await assert.rejects(world.client().result(proof), named("unknown-event"));
  world.facts.transactions.clear();
  await assert.rejects(world.client().result(proof), named("unknown-event"));
  // A node without old transactions does not outvote two that have them.
  await world.verify(proof);
  const [second, young] = [world.facts.copy(), world.facts.copy()];
  young.transactions.clear();
  const rpc = [await startNode(young), world.node, await startNode(second)];
  assert.equal((await world.client({ rpc }).result(proof))?.recipient, addressOf(99));
});
