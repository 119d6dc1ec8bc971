// Requests through a relay of Oblivious HTTP: what goes through it, what each party sees, and what a
// gateway or a relay that lies can learn.

import assert from "node:assert/strict";
import { after, beforeEach, test, type TestContext } from "node:test";

import { BautaError, type Bauta, type BautaCode, type BautaOptions } from "../src/index.ts";
import { TestGateway } from "./gateway.ts";
import { addressOf, serve, stopServers, World } from "./world.ts";

const KEYS = "/.well-known/ohttp-gateway";
const named = (code: BautaCode) => (error: unknown) => error instanceof BautaError && error.code === code;

let world: World;
let gateway: TestGateway;
/** The requests that the API gets from the client itself. */
let direct: string[];
/** The address of the API for the client. The gateway has another one. */
let api: string;
let keys: () => Buffer;

beforeEach(async () => {
  stopServers();
  world = await World.honest();
  gateway = await TestGateway.start(world.api);
  direct = [];
  keys = () => gateway.keys;
  api = await serve((request) => {
    direct.push(`${request.method} ${request.url}`);
    if (request.url === KEYS) return { body: keys() };
    if (request.url === `/v1/proving-keys/${world.webKeyDigest}`) return { body: world.webKey };
    return { status: 404, body: { code: "not_found", detail: "this was not sent through the relay" } };
  });
});
after(stopServers);

const client = (options: Partial<BautaOptions> = {}) => world.client({ api, ohttp: { relay: gateway.url }, ...options });

/** Proves. */
async function prove(bauta: Bauta, more: object = {}) {
  const { identity, membership } = world;
  const scope = await bauta.scope(world.addresses.scope);
  return bauta.prove({ identity, membership, scope, recipient: addressOf(99), ...more });
}

/** Keeps the timer of the next reading of the keys. */
function keepTimer(context: TestContext): { run?: () => void; ms?: number } {
  const kept: { run?: () => void; ms?: number } = {};
  const real = globalThis.setTimeout;
  context.mock.method(globalThis, "setTimeout", ((run: () => void, ms: number) => {
    if (!new Error().stack!.includes("readLater")) return real(run, ms);
    Object.assign(kept, { run, ms });
    return {};
  }) as typeof setTimeout);
  return kept;
}

test("reads, a proof and its relay reach the API without the client's address", async () => {
  const bauta = client();
  assert.equal((await bauta.memberships(world.identity)).length, 1);
  const proof = await prove(bauta);
  await world.verify(proof);
  const use = await (await bauta.relay(proof)).confirmed();
  assert.equal(use.recipient, addressOf(99));
  assert.deepEqual(direct, [`GET ${KEYS}`, `GET /v1/proving-keys/${world.webKeyDigest}`]);
  const { registry } = world.addresses;
  const lines = gateway.inner.map(({ line }) => line);
  for (const line of [`GET /v1/registries/${registry}`, "GET /v1/relay", "POST /v1/relay", `GET /v1/relay/${"0a".repeat(16)}`]) {
    assert(lines.includes(line), line);
  }
});

test("onRequest shows that the relay sees the address, and the API the request", async () => {
  const bauta = client();
  const proof = await prove(bauta);
  await bauta.relay(proof);
  const sent = world.sent.filter(({ to }) => to !== "node");
  const ofApi = sent.filter(({ to }) => to === "api");
  const seenBy = (shown: string) => ofApi.filter(({ shows }) => shows.includes(shown as never)).map(({ request }) => request);
  assert.deepEqual(seenBy("network address"), [`GET ${KEYS}`, "GET /v1/proving-keys/{sha256}"]);
  assert.deepEqual(seenBy("nullifier"), ["POST /v1/relay"]);
  const ofRelay = sent.filter(({ to }) => to === "ohttp-relay");
  const { host } = new URL(gateway.url);
  assert.equal(ofRelay.length, gateway.lengths.length);
  for (const report of ofRelay) {
    assert.deepEqual(report, { to: "ohttp-relay", host, request: "POST /relay", shows: ["network address"] });
  }
  // Each request through the relay has both reports.
  assert.equal(ofApi.length - direct.length, ofRelay.length);
});

test("a small tree is read whole, and a tree in tiles, through the relay", async () => {
  const shownBy = (request: string) => world.sent.filter((report) => report.to === "api" && report.request === request).map(({ shows }) => shows);
  await prove(client());
  assert(gateway.inner.some(({ line }) => line === world.leavesRoute));
  assert.deepEqual(shownBy("GET /v1/registries/{registry}/roots/{root}/leaves"), [["registry", "all leaves or none"]]);
  await prove(client(), { tree: "tiles" });
  const tiles = gateway.inner.filter(({ line }) => line.startsWith("GET /v1/tiles/"));
  assert.equal(shownBy("GET /v1/tiles/{hash}").length, tiles.length);
  assert(shownBy("GET /v1/tiles/{hash}").every((shows) => shows.join() === "one of 256 leaves"));
});

test("a delegated proof and its sealing key go through the gateway", async () => {
  const body = { code: "rate_limited", detail: "later" };
  const key = {
    kem: "DHKEM(X25519, HKDF-SHA256)",
    kdf: "HKDF-SHA256",
    aead: "ChaCha20Poly1305",
    info: "bauta private inputs v1",
    key_id: "1",
    public_key: `0x${"02".repeat(32)}`,
  };
  world.routes.set("GET /v1/zkp/sealing-key", () => ({ body: key }));
  world.routes.set("POST /v1/zkp/generate", () => ({ status: 409, body }));
  await assert.rejects(prove(client(), { delegate: { apiKey: "key" } }), named("api-refused"));
  const generate = gateway.inner.find(({ line }) => line === "POST /v1/zkp/generate");
  assert.equal(generate?.headers["authorization"], "Bearer key");
  assert.deepEqual(direct, [`GET ${KEYS}`]);
});

test("a refusal within a response has the status and the code of the API", async () => {
  world.routes.set(`GET /v1/relay`, () => ({ status: 409, body: { code: "feature_disabled", detail: "off" } }));
  await assert.rejects(prove(client()), /the service answered 409 feature_disabled: off/);
});

test("the relay sees few lengths of requests", async () => {
  const bauta = client();
  await bauta.relay(await prove(bauta));
  const overhead = 7 + 32 + 16;
  const classes = new Set(gateway.lengths.map((length) => length - overhead));
  assert([...classes].every((length) => [1024, 2048, 4096].includes(length)), [...classes].join());
});

test("the keys are read once", async () => {
  const bauta = client();
  await Promise.all([bauta.memberships(world.identity), bauta.eligible(world.addresses.registry, addressOf(1)).catch(() => undefined)]);
  await bauta.memberships(world.identity);
  assert.deepEqual(direct, [`GET ${KEYS}`]);
});

test("an unknown key is read again at a random time, and the request is not repeated", async (context) => {
  const bauta = client();
  await bauta.memberships(world.identity);
  await gateway.replaceKeys();
  const timer = keepTimer(context);
  const before = gateway.lengths.length;
  await assert.rejects(bauta.memberships(world.identity), named("unknown-ohttp-key"));
  // The others fail without being sent: the gateway could tell clients apart by their number.
  await assert.rejects(prove(bauta), named("unknown-ohttp-key"));
  assert.equal(gateway.lengths.length, before + 1);
  assert.deepEqual(direct, [`GET ${KEYS}`]);
  assert(timer.ms! >= 0 && timer.ms! < 600_000);
  timer.run!();
  while (direct.length < 2) await new Promise((resolve) => setImmediate(resolve));
  for (;;) {
    // The answer with the keys is on its way.
    const found = await bauta.memberships(world.identity).catch((error: unknown) => assert(named("unknown-ohttp-key")(error)));
    if (found?.length === 1) break;
  }
  assert.deepEqual(direct, [`GET ${KEYS}`, `GET ${KEYS}`]);
});

test("two clients read their keys again at different times", async (context) => {
  const times: number[] = [];
  for (const bauta of [client(), client()]) {
    await bauta.memberships(world.identity);
    await gateway.replaceKeys();
    const timer = keepTimer(context);
    await assert.rejects(bauta.memberships(world.identity), named("unknown-ohttp-key"));
    times.push(timer.ms!);
    context.mock.restoreAll();
  }
  assert.notEqual(times[0], times[1]);
});

test("a relay that hides the reason of a refusal, or invents one, learns no more", async (context) => {
  const bauta = client();
  await bauta.memberships(world.identity);
  const timer = keepTimer(context);
  gateway.instead = () => ({ status: 422, body: Buffer.from("Unprocessable") });
  await assert.rejects(bauta.memberships(world.identity), named("unknown-ohttp-key"));
  assert(timer.run);
  assert.deepEqual(direct, [`GET ${KEYS}`]);
});

test("keys that a second source does not confirm are not used", async () => {
  const other = await TestGateway.start(world.api);
  const second = await serve(() => ({ body: other.keys }));
  const bauta = client({ ohttp: { relay: gateway.url, keys: second } });
  await assert.rejects(bauta.memberships(world.identity), named("false-ohttp-key"));
  assert.deepEqual(gateway.lengths, []);
  const same = await serve(() => ({ body: gateway.keys }));
  assert.equal((await client({ ohttp: { relay: gateway.url, keys: same } }).memberships(world.identity)).length, 1);
});

test("keys that are no list, or have other algorithms, are named", async () => {
  const { length } = gateway.keys;
  const changed = (at: number) => {
    const copy = Buffer.from(gateway.keys);
    copy[at]! ^= 4;
    return copy;
  };
  const cases = [Buffer.alloc(0), Buffer.from("<html>"), gateway.keys.subarray(0, length - 1), changed(length - 1), changed(length - 3)];
  for (const [number, found] of cases.entries()) {
    keys = () => found;
    await assert.rejects(client().memberships(world.identity), named("false-ohttp-key"), `case ${number}`);
  }
  assert.deepEqual(gateway.lengths, []);
});

test("a response that the relay changed, cut or replaced is refused", async () => {
  const flipped = (sealed: Buffer, at: number) => sealed.map((byte, index) => (index === at ? byte ^ 1 : byte));
  const cases: ((sealed: Buffer) => Buffer)[] = [
    (sealed) => Buffer.from(flipped(sealed, 3)),
    (sealed) => Buffer.from(flipped(sealed, 40)),
    (sealed) => sealed.subarray(0, sealed.length - 1),
    (sealed) => sealed.subarray(0, 20),
    () => Buffer.alloc(0),
    () => Buffer.from('{"prefix_bits":1}'),
  ];
  for (const [number, change] of cases.entries()) {
    gateway.instead = (sealed) => sealed && { body: change(sealed) };
    await assert.rejects(client().memberships(world.identity), named("api-malformed"), `case ${number}`);
  }
});

test("a relay that fails, or that answers too much, is named", async () => {
  gateway.instead = () => ({ status: 502, body: { code: "bad_gateway", detail: "the gateway does not answer" } });
  await assert.rejects(client().memberships(world.identity), /answered 502 bad_gateway/);
  gateway.instead = () => ({ body: Buffer.alloc(3 << 20) });
  await assert.rejects(client().memberships(world.identity), /has more than \d+ bytes/);
  const gone = client({ ohttp: { relay: "http://127.0.0.1:9/" } });
  await assert.rejects(gone.memberships(world.identity), named("api-unreachable"));
});
