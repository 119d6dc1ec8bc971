// The percentile of a client, while a service is open for a part of the clients.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, beforeEach, test } from "node:test";

import { BautaError, memoryVault, type Vault } from "../src/index.ts";
import { addressOf, stopServers, World } from "./world.ts";

const SALT = "0f".repeat(16);

let world: World;
let percentage: number;
/** The headers `Bauta-Rollout` of the relays. */
let sent: (string | undefined)[];

beforeEach(async () => {
  stopServers();
  world = await World.honest();
  percentage = 100;
  sent = [];
  const flags = () => ({ body: { zkp_enabled: true, rollout_percentage: percentage, salt: SALT, version: 1 } });
  world.routes.set("GET /feature-flags", flags);
  world.routes.set("POST /v1/relay", (_, __, headers) => {
    const percentile = headers["bauta-rollout"] as string | undefined;
    sent.push(percentile);
    const isOpen = percentage === 100 || (percentile !== undefined && Number(percentile) < percentage);
    if (isOpen) return { status: 202, body: { id: "0a".repeat(16), state: "queued" } };
    return { status: 403, body: { code: "not_in_rollout", detail: "not yet" } };
  });
});
after(stopServers);

async function relay(vault: Vault) {
  const bauta = world.client({ vault });
  const scope = await bauta.scope(world.addresses.scope);
  const { identity, membership } = world;
  return bauta.relay(await bauta.prove({ identity, membership, scope, recipient: addressOf(99) }));
}

const percentileOf = (number: Uint8Array) =>
  Number(createHash("sha256").update(Buffer.from(SALT, "hex")).update(number).digest().readBigUInt64BE() % 100n);

test("without a rollout, no request has a percentile and no number is drawn", async () => {
  const vault = memoryVault();
  await relay(vault);
  assert.deepEqual(sent, [undefined]);
  assert.equal(await vault.get("rollout"), undefined);
  assert(!world.received.includes("GET /feature-flags"));
});

test("a client of the rollout sends its percentile, which is the same in each session", async () => {
  const vault = memoryVault();
  const number = Uint8Array.from({ length: 16 }, (_, at) => at);
  await vault.set("rollout", number);
  const own = percentileOf(number);
  percentage = own + 1;
  await relay(vault);
  await relay(vault);
  assert.deepEqual(sent, [undefined, String(own), undefined, String(own)]);
  const shown = world.sent.filter(({ shows }) => shows.includes("rollout percentile"));
  assert.equal(shown.length, 2);
  assert(!world.received.some((line) => line.includes(Buffer.from(number).toString("hex"))));
});

test("a client outside of the rollout sends its request once, and keeps its number", async () => {
  const vault = memoryVault();
  percentage = 0;
  await assert.rejects(relay(vault), (error) => error instanceof BautaError && error.code === "not-in-rollout");
  assert.deepEqual(sent, [undefined]);
  const number = (await vault.get("rollout")) as Uint8Array;
  assert.equal(number.length, 16);
  percentage = percentileOf(number) + 1;
  await relay(vault);
  assert.deepEqual(await vault.get("rollout"), number);
});
