// Forges each value that a node, the API, the relay, the prover or a wallet could forge. The SDK
// names each forgery.

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import {
  address,
  generateKeyPairSigner,
  getAddressEncoder,
  getBase58Encoder,
  isSignerRole,
  type Address,
} from "@solana/kit";

import { BAUTA_PROGRAM_ADDRESS } from "@bauta/program";
import { ProverError } from "@bauta/prover";
import { poseidon1 } from "poseidon-lite";

import { BautaError, field, fieldToBytes, fieldToHex, MODULUS, scopeElement, type Bauta, type BautaCode, type Field, type Membership, type Scope } from "../src/index.ts";
import { secretOf } from "../src/identity.ts";
import { loaded } from "../src/parts.ts";
import { secretIn } from "./prover.ts";
import { addressOf, stopServers, startNode, webKey, World } from "./world.ts";

const TOKEN_PROGRAM = address("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

let world: World;
let bauta: Bauta;
beforeEach(async () => {
  stopServers();
  world = await World.honest();
  bauta = world.client();
});
after(stopServers);

/** Expects the error with this code, a message and a remedy. */
const named = (code: BautaCode) => (error: unknown) => {
  assert.ok(error instanceof BautaError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.message !== "" && error.remedy !== "");
  return true;
};

const recipient = addressOf(99);

/** Returns whether bytes have a field element at a position. */
function startsAt(data: Uint8Array, at: number, element: Field): boolean {
  return Buffer.from(data.subarray(at, at + 32)).equals(fieldToBytes(element));
}

async function prove(scope?: Scope, more: object = {}) {
  const { identity, membership } = world;
  return bauta.prove({ identity, membership, scope: scope ?? (await bauta.scope(world.addresses.scope)), recipient, ...more });
}

test("an honest node and an honest API give a proof, and its verification", async () => {
  const proof = await prove();
  assert.equal(proof.root, world.root);
  assert.equal(proof.relayer, world.relayer);
  assert.equal(await bauta.result(proof), null);
  await world.verify(proof);
  const use = await (await bauta.relay(proof)).finalized();
  assert.deepEqual([use.recipient, use.claim], [recipient, 7n]);
  assert.deepEqual(await bauta.memberships(world.identity), [world.membership]);
});

test("a node of another cluster", async () => {
  const mainnet = world.client({ cluster: "mainnet" });
  await assert.rejects(mainnet.scope(world.addresses.scope), named("wrong-cluster"));
  // With the right genesis hash, the program's tag is compared.
  world.facts.genesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
  await assert.rejects(mainnet.scope(world.addresses.scope), named("wrong-cluster"));
  world.config.clusterTag = new Uint8Array(32).fill(8);
  world.settle();
  await assert.rejects(bauta.scope(world.addresses.scope), named("wrong-cluster"));
  world.facts.accounts.delete(world.addresses.config);
  await assert.rejects(bauta.scope(world.addresses.scope), named("wrong-cluster"));
});

test("one of three nodes of another cluster is outvoted, and one of two is refused", async () => {
  const genesis = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
  const tag = Uint8Array.from(getBase58Encoder().encode(genesis));
  world.config.clusterTag = tag;
  world.scope.scope = fieldToBytes(await scopeElement(tag, BAUTA_PROGRAM_ADDRESS, world.addresses.scope));
  world.facts.genesis = genesis;
  world.settle();
  const other = world.facts.copy();
  other.genesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
  const [faulty, second] = [await startNode(other), await startNode(world.facts.copy())];
  const scopeOf = (...rpc: string[]) => world.client({ cluster: "devnet", rpc }).scope(world.addresses.scope);
  for (const rpc of [[faulty, world.node, second], [world.node, second, faulty]]) {
    assert.equal((await scopeOf(...rpc)).address, world.addresses.scope);
  }
  await assert.rejects(scopeOf(faulty, world.node), named("wrong-cluster"));
  await assert.rejects(scopeOf(world.node, faulty, await startNode(other)), named("wrong-cluster"));
});

test("an account of another program, of another length or of another kind", async () => {
  for (const name of ["config", "scope", "circuit"] as const) {
    const address = world.addresses[name];
    const changes: ((account: { owner: Address; data: Uint8Array }) => void)[] = [
      (account) => (account.owner = addressOf(1)),
      (account) => (account.data = account.data.slice(1)),
      (account) => (account.data[0]! ^= 1),
    ];
    for (const change of changes) {
      world.settle();
      change(world.facts.accounts.get(address)!);
      await assert.rejects(bauta.scope(world.addresses.scope), named("false-account"), name);
    }
    world.settle();
  }
});

test("a scope that is at another address, or has the element of another cluster", async () => {
  world.scope.registry = addressOf(3);
  world.settle();
  await assert.rejects(bauta.scope(world.addresses.scope), named("false-account"));
  world.scope.registry = world.addresses.registry;
  world.scope.scope = fieldToBytes(field(5n));
  world.settle();
  await assert.rejects(bauta.scope(world.addresses.scope), named("false-scope"));
  await assert.rejects(bauta.scope(addressOf(4)), named("unknown-account"));
});

test("a circuit with another key, other metadata or another statement", async () => {
  const honest = { ...world.circuit };
  const verifyingKey = Uint8Array.from(honest.verifyingKey);
  verifyingKey[0]! ^= 1;
  const lies: [Partial<typeof honest>, BautaCode][] = [
    [{ verifyingKey }, "false-circuit"],
    [{ vkHash: new Uint8Array(32) }, "false-circuit"],
    [{ provenance: 1 }, "false-circuit"],
    [{ depth: 16 }, "false-circuit"],
    [{ statement: new Uint8Array(32).fill(65) }, "false-circuit"],
    [{ constraintSystemHash: new Uint8Array(32) }, "false-circuit"],
  ];
  for (const [lie, code] of lies) {
    world.circuit = { ...honest, ...lie };
    world.settle();
    await assert.rejects(bauta.scope(world.addresses.scope), named(code), Object.keys(lie).join());
  }
});

test("mainnet that is pinned by its tag is checked like mainnet", async () => {
  const genesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
  const tag = Uint8Array.from(getBase58Encoder().encode(genesis));
  const mainnet = world.client({ cluster: { tag } });
  world.config.clusterTag = tag;
  world.scope.scope = fieldToBytes(await scopeElement(tag, BAUTA_PROGRAM_ADDRESS, world.addresses.scope));
  world.settle();
  await assert.rejects(mainnet.scope(world.addresses.scope), named("wrong-cluster"));
  world.facts.genesis = genesis;
  await assert.rejects(mainnet.scope(world.addresses.scope), named("development-key"));
});

test("a registry at another address", async () => {
  const scope = await bauta.scope(world.addresses.scope);
  world.registry.nonce = 9n;
  world.settle();
  await assert.rejects(prove(scope), named("false-account"));
});

test("one of two nodes that says something else", async () => {
  const other = world.facts.copy();
  bauta = world.client({ rpc: [world.node, await startNode(other)] });
  const scope = await bauta.scope(world.addresses.scope);
  const honest = { ...world.scope };
  for (const lie of [{ mode: 0, root: fieldToBytes(field(5n)) }, { closesAt: 1n }, { requiredClaim: fieldToBytes(field(5n)), hasRequiredClaim: 1 }]) {
    world.scope = { ...honest, ...lie };
    world.settle(other);
    await assert.rejects(bauta.scope(world.addresses.scope), named("nodes-disagree"), Object.keys(lie).join());
  }
  world.scope = honest;
  const root = world.registry.root;
  world.registry.root = fieldToBytes(field(5n));
  world.settle(other);
  await assert.rejects(prove(scope), named("nodes-disagree"));
  world.registry.root = root;
  world.settle(other);
  const proof = await prove(scope);
  await world.verify(proof, other);
  await assert.rejects(bauta.result(proof), named("nodes-disagree"));
});

test("one faulty node of three is outvoted, and one that is silent is not needed", async () => {
  const forger = world.facts.copy();
  const honest = await startNode(world.facts.copy());
  const scope = { ...world.scope };
  world.scope.closesAt = 1n;
  world.registry.root = fieldToBytes(field(5n));
  world.settle(forger);
  world.scope = scope;
  bauta = world.client({ rpc: [await startNode(forger), world.node, honest] });
  assert.equal((await prove()).root, world.root);
  bauta = world.client({ rpc: ["http://127.0.0.1:1", world.node, honest] });
  assert.equal((await prove()).root, world.root);
  bauta = world.client({ rpc: ["http://127.0.0.1:1", world.node] });
  await assert.rejects(bauta.scope(world.addresses.scope), named("node-unreachable"));
});

test("one of three nodes whose registry can't be decoded is outvoted", async () => {
  const { registry } = world.addresses;
  const lies: ((account: { owner: Address; data: Uint8Array }) => void)[] = [
    (account) => (account.owner = addressOf(1)),
    (account) => (account.data = account.data.slice(1)),
    (account) => account.data.set(fieldToBytes(world.root).fill(255), account.data.findIndex((_, at) => startsAt(account.data, at, world.root))),
  ];
  const second = await startNode(world.facts.copy());
  for (const lie of lies) {
    const forger = world.facts.copy();
    lie(forger.accounts.get(registry)!);
    const faulty = await startNode(forger);
    bauta = world.client({ rpc: [faulty, world.node, second] });
    assert.equal((await prove()).root, world.root);
    bauta = world.client({ rpc: [faulty] });
    await assert.rejects(prove(), named("false-account"));
  }
});

test("leaves and tiles that do not give the root", async () => {
  const scope = await bauta.scope(world.addresses.scope);
  const leaves = world.routes.get(world.leavesRoute)!;
  const forge = (route: string, change: (bytes: Uint8Array) => Uint8Array) => {
    const honest = world.routes.get(route)!;
    world.routes.set(route, (...request) => ({ body: change(Uint8Array.from(honest(...request).body as Uint8Array)) }));
  };
  for (const [change, code] of [
    [(bytes: Uint8Array) => bytes.fill(1, 40, 41), "false-leaves"],
    [(bytes: Uint8Array) => bytes.slice(0, -32), "false-leaves"],
    [(bytes: Uint8Array) => bytes.slice(0, -1), "api-malformed"],
    [(bytes: Uint8Array) => bytes.fill(255, 0, 32), "api-malformed"],
    [() => new Uint8Array(3_000_000), "api-malformed"],
  ] as const) {
    world.routes.set(world.leavesRoute, leaves);
    forge(world.leavesRoute, change);
    await assert.rejects(prove(scope, { tree: "whole" }), named(code));
  }
  const tiles = [...world.routes.keys()].filter((route) => route.startsWith("GET /v1/tiles/"));
  for (const route of tiles) forge(route, (bytes) => bytes.fill(1, 20, 21));
  await assert.rejects(prove(scope, { tree: "tiles" }), named("false-tile"));
  for (const route of tiles) world.routes.delete(route);
  await assert.rejects(prove(scope, { tree: "tiles" }), named("unknown-tile"));
});

test("another leaf, track or commitment of the member's token", async () => {
  const route = `GET /v1/registries/${world.addresses.registry}/holdings`;
  const say = (row: object) => world.routes.set(route, () => ({ body: { prefix_bits: 1, data: [{ ...world.holding, ...row }], next: null } }));
  for (const lie of [{ index: "301" }, { index: "1000000" }, { index: "99999999" }]) {
    say(lie);
    await assert.rejects(bauta.memberships(world.identity), named("false-membership"), JSON.stringify(lie));
  }
  const scope = await bauta.scope(world.addresses.scope);
  const proveAs = (membership?: Membership) => bauta.prove({ identity: world.identity, membership: membership!, scope, recipient });
  say({ track: "8" });
  await assert.rejects(proveAs((await bauta.memberships(world.identity))[0]), named("false-membership"));
  // A dApp can also have stored a membership.
  for (const index of [301n, 1_000_000n, 99_999_999n]) {
    await assert.rejects(proveAs({ ...world.membership, index }), named("false-membership"), String(index));
  }
  for (const lie of [{ live: false }, { commitment: fieldToHex(field(5n)) }]) {
    say(lie);
    assert.deepEqual(await bauta.memberships(world.identity), []);
  }
  for (const lie of [
    { index: "-1" },
    { index: "1e3" },
    { index: 300 },
    { track: String(1n << 64n) },
    { commitment: `0x${MODULUS.toString(16)}` },
    { live: "true" },
  ]) {
    say(lie);
    await assert.rejects(bauta.memberships(world.identity), named("api-malformed"), JSON.stringify(lie));
  }
});

test("a prefix that would show the token, and a list without an end", async () => {
  const { registry } = world.addresses;
  for (const bits of [2, 32, 33]) {
    world.received.length = 0;
    world.routes.set(`GET /v1/registries/${registry}`, () => ({ body: { prefix_bits: bits } }));
    assert.equal((await bauta.memberships(world.identity)).length, 1);
    // Of 700 leaves, about 350 share a prefix of one bit.
    const lists = world.received.filter((request) => request.includes("holdings"));
    assert.match(lists.join(), /^[^,]*prefix=[08]%2F1$/, `${bits} bits`);
  }
  world.routes.set(`GET /v1/registries/${registry}`, () => ({ body: { prefix_bits: 1 } }));
  world.routes.set(`GET /v1/registries/${registry}/holdings`, () => ({ body: { data: [], next: "more" } }));
  await assert.rejects(bauta.memberships(world.identity), named("api-malformed"));
});

test("a snapshot that the member is not in, and a scope that is closed or needs another claim", async () => {
  const scope = await bauta.scope(world.addresses.scope);
  const elsewhere = { ...world.membership, index: 301n };
  const snapshot = { ...scope, mode: "snapshot", root: world.root } as const;
  await assert.rejects(bauta.prove({ identity: world.identity, membership: elsewhere, scope: snapshot, recipient }), named("not-a-member"));
  await assert.rejects(prove({ ...scope, closed: true }), named("scope-not-open"));
  await assert.rejects(prove({ ...scope, closesAt: 1n }), named("scope-not-open"));
  await assert.rejects(prove({ ...scope, opensAt: scope.closesAt }), named("scope-not-open"));
  await assert.rejects(prove({ ...scope, requiredClaim: field(8n) }), named("other-claim"));
  await assert.rejects(prove({ ...scope, registry: addressOf(3) }), named("other-registry"));
});

test("a paused program, and a circuit that is suspended or retired", async () => {
  const scope = await bauta.scope(world.addresses.scope);
  const now = BigInt(Math.floor(Date.now() / 1000));
  const refuses = async (message: RegExp) => {
    world.settle();
    world.received.length = 0;
    await assert.rejects(prove(scope), (error) => named("scope-not-open")(error) && message.test((error as Error).message));
    assert.deepEqual(world.received, []);
  };
  world.config.paused = 1;
  await refuses(/paused/);
  world.config.paused = 0;
  world.circuit.status = 2;
  await refuses(/suspended/);
  world.circuit.status = 0;
  world.circuit.retiresAt = now - 1n;
  await refuses(/retired/);
  world.circuit.retiresAt = now + 86_400n;
  world.settle();
  assert.equal((await prove(scope)).root, world.root);
});

test("a scope with a gate, whose signature the relay does not have", async () => {
  const gate = await generateKeyPairSigner();
  world.scope.gate = gate.address;
  world.settle();
  const scope = await bauta.scope(world.addresses.scope);
  await assert.rejects(prove(scope), named("gate-must-sign"));
  assert.deepEqual(world.received, []);
  const proof = await prove(scope, { relayer: "any" });
  world.received.length = 0;
  await assert.rejects(bauta.relay({ ...proof, relayer: world.relayer }), named("gate-must-sign"));
  assert.deepEqual(world.received, []);
  const payer = await generateKeyPairSigner();
  await assert.rejects(bauta.verifyInstruction(proof, payer), named("gate-must-sign"));
  await assert.rejects(bauta.verifyInstruction(proof, payer, payer), named("gate-must-sign"));
  const { accounts = [] } = await bauta.verifyInstruction(proof, payer, gate);
  const found = accounts.find(({ address }) => address === gate.address);
  assert.ok(found && isSignerRole(found.role));
  // A scope without a gate needs no third argument, and ignores one.
  const open = { ...proof, scope: { ...scope, gate: null } };
  const addresses = (await bauta.verifyInstruction(open, payer, gate)).accounts!.map(({ address }) => address);
  assert.ok(!addresses.includes(gate.address));
});

test("a proving key with other bytes, or of another circuit", async () => {
  world.routes.set(`GET /v1/proving-keys/${world.webKeyDigest}`, () => ({ body: webKey(2) }));
  await assert.rejects(prove(), named("false-proving-key"));
  const other = webKey(2);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", Uint8Array.from(other))).toString("hex");
  world.routes.set(`GET /v1/proving-keys/${digest}`, () => ({ body: other }));
  bauta = world.client({ prover: world.prover(digest) });
  await assert.rejects(prove(), named("other-proving-key"));
});

test("a scope of another circuit, with a prover that already has a key", async () => {
  const scope = await bauta.scope(world.addresses.scope);
  await prove(scope);
  const verifyingKey = Uint8Array.from(scope.verifyingKey).fill(1, 0, 1);
  await assert.rejects(prove({ ...scope, verifyingKey }), named("other-proving-key"));
  await prove(scope);
  // Another client with the same prover knows its key as well.
  const prover = world.prover();
  bauta = world.client({ prover });
  await prove(scope);
  bauta = world.client({ prover });
  await assert.rejects(prove({ ...scope, verifyingKey }), named("other-proving-key"));
});

test("a prover that got its key from the page", async () => {
  const prover = world.prover();
  await prover.prove(secretOf(world.identity, world.membership), new Uint8Array(32 * 6), async () => world.webKey);
  bauta = world.client({ prover });
  const scope = await bauta.scope(world.addresses.scope);
  const verifyingKey = Uint8Array.from(scope.verifyingKey).fill(1, 0, 1);
  await assert.rejects(prove({ ...scope, verifyingKey }), named("other-proving-key"));
  await prove(scope);
});

test("a prover that proves other values", async () => {
  for (const at of [256, 256 + 32, 256 + 64, 256 + 96, 256 + 128, 256 + 160]) {
    world.forgeOutput = (output) => void (output[at + 31]! ^= 1);
    await assert.rejects(prove(), named("false-proof"), String(at));
  }
});

test("a prover that fails, and one without a proving key", async () => {
  const failing = world.prover();
  failing.prove = () => Promise.reject(new ProverError("the path does not lead from the leaf to the root"));
  bauta = world.client({ prover: failing });
  await assert.rejects(prove(), named("prover-failed"));
  failing.commitment = () => Promise.reject(new ProverError("the worker failed"));
  await assert.rejects(prove(), named("prover-failed"));
  failing.commitment = () => Promise.reject(new ProverError("the module fused can't be loaded", "not-loaded"));
  await assert.rejects(prove(), named("code-not-loaded"));
  const scope = await bauta.scope(world.addresses.scope);
  bauta = world.client({ prover: Object.assign(world.prover(), { key: undefined }) });
  world.sent.length = 0;
  await assert.rejects(prove(scope), named("no-proving-key"));
  assert.deepEqual(world.sent, []);
});

test("a part of the SDK that can't be loaded", async () => {
  const missing = Promise.reject(new TypeError("Failed to fetch dynamically imported module"));
  await assert.rejects(loaded(missing), named("code-not-loaded"));
});

test("a relay that names no wallet, or something that is no wallet", async () => {
  world.routes.set("GET /v1/relay", () => ({ body: { relayers: [] } }));
  await assert.rejects(prove(), named("no-relayer"));
  world.routes.set("GET /v1/relay", () => ({ body: { relayers: ["wallet"] } }));
  await assert.rejects(prove(), named("api-malformed"));
  const proof = await prove(undefined, { relayer: "any" });
  await assert.rejects(bauta.relay(proof), named("no-relayer"));
});

test("a relay that says that a verification is on chain, and one that says that it is not", async () => {
  const proof = await prove();
  const relayed = await bauta.relay(proof);
  await assert.rejects(relayed.finalized(), named("false-relay-state"));
  world.relayState("refused", "nullifier_used");
  await assert.rejects(relayed.finalized(), named("relay-ended"));
  world.relayState("done");
  await assert.rejects(relayed.state(), named("api-malformed"));
  world.relayState("expired", "proof_expired");
  await world.verify(proof);
  assert.equal((await relayed.confirmed()).recipient, recipient);
  world.routes.set("POST /v1/relay", () => ({ status: 202, body: { id: "../../v1/relay", state: "queued" } }));
  await assert.rejects(bauta.relay(proof), named("api-malformed"));
});

test("an event with another recipient or another claim", async () => {
  const proof = await prove();
  const relayed = await bauta.relay(proof);
  for (const lie of [{ recipient: addressOf(98) }, { claim: field(8n) }]) {
    await world.verify({ ...proof, ...lie });
    await assert.rejects(relayed.confirmed(), named("false-event"));
  }
});

test("a nullifier account of another nullifier", async () => {
  const proof = await prove();
  await world.verify(proof);
  for (const account of world.facts.accounts.values()) if (account.data.length === 72) account.data[71]! ^= 1;
  await assert.rejects(bauta.result(proof), named("false-account"));
});

test("a registration uses no account and no path that the API or a node could forge", async () => {
  const { registry, collection } = world.addresses;
  const { owner, asset, identity, facts } = world;
  const tokenAccount = addressOf(20);
  const token = (change: { mint?: Address; owner?: Address; amount?: number } = {}) => {
    const data = new Uint8Array(165);
    const key = getAddressEncoder();
    data.set(key.encode(change.mint ?? asset));
    data.set(key.encode(change.owner ?? owner.address), 32);
    data[64] = change.amount ?? 1;
    facts.accounts.set(tokenAccount, { owner: TOKEN_PROGRAM, data });
  };
  facts.accounts.set(asset, { owner: TOKEN_PROGRAM, data: new Uint8Array(82) });
  facts.held.set(asset, tokenAccount);
  token();
  const register = () => bauta.register({ identity, registry, asset, owner });
  // The honest registration is built, and then no node knows how to send it.
  await assert.rejects(register(), named("node-unreachable"));
  // It may have been executed, so its counter is not used again.
  assert.deepEqual(await identity.registrations(), [{ registry, asset, counter: 1, index: world.membership.index }]);
  // The API has no part in a first registration.
  assert.deepEqual(world.received, []);

  for (const lie of [{ mint: addressOf(21) }, { owner: addressOf(22) }, { amount: 0 }, { amount: 2 }]) {
    token(lie);
    await assert.rejects(register(), named("asset-not-held"), Object.keys(lie).join());
  }
  token();
  for (const [lie, code] of [
    [{ registry: addressOf(22) }, "false-account"],
    [{ key: addressOf(23) }, "false-account"],
    [{ kind: 1 }, "not-in-collection"],
  ] as const) {
    const honest = world.collection;
    world.collection = { ...honest, ...lie };
    world.settle();
    await assert.rejects(register(), named(code), Object.keys(lie).join());
    world.collection = honest;
    world.settle();
  }
  facts.accounts.delete(collection);
  await assert.rejects(register(), named("not-in-collection"));
  facts.accounts.get(asset)!.owner = addressOf(25);
  await assert.rejects(register(), named("unknown-account"));
});

test("one of two nodes that names another token account", async () => {
  const { owner, asset, identity, facts } = world;
  const { registry } = world.addresses;
  facts.accounts.set(asset, { owner: TOKEN_PROGRAM, data: new Uint8Array(82) });
  const data = new Uint8Array(165);
  data.set(getAddressEncoder().encode(asset));
  data.set(getAddressEncoder().encode(owner.address), 32);
  data[64] = 1;
  for (const account of [addressOf(20), addressOf(21)]) facts.accounts.set(account, { owner: TOKEN_PROGRAM, data });
  facts.held.set(asset, addressOf(20));
  const other = facts.copy();
  other.held.set(asset, addressOf(21));
  bauta = world.client({ rpc: [world.node, await startNode(other)] });
  await assert.rejects(bauta.register({ identity, registry, asset, owner }), named("nodes-disagree"));
});

test("a prover service with an unusable key, another nullifier, a root that is not accepted or an invalid proof", async () => {
  const key = {
    key_id: "k",
    public_key: `0x${"09".padEnd(64, "0")}`,
    kem: "DHKEM(X25519, HKDF-SHA256)",
    kdf: "HKDF-SHA256",
    aead: "ChaCha20Poly1305",
    info: "bauta private inputs v1",
  };
  const sealing = (change: object = {}) => world.routes.set("GET /v1/zkp/sealing-key", () => ({ body: { ...key, ...change } }));
  const delegate = { apiKey: "key" };
  const proof = () => prove(undefined, { delegate });
  for (const lie of [{ kem: "none" }, { aead: "none" }, { info: "other" }, { public_key: "0x00" }]) {
    sealing(lie);
    await assert.rejects(proof(), named("false-sealing-key"), JSON.stringify(lie));
  }
  sealing();
  const honest = await prove();
  let received: Record<string, string> = {};
  let lie: Record<string, string> = {};
  let made = "01".repeat(256);
  world.routes.set("POST /v1/zkp/generate", (body) => {
    received = body as Record<string, string>;
    const values = { root: fieldToHex(world.root), nullifier: fieldToHex(honest.nullifier), scope: received["scope"], claim: fieldToHex(honest.claim), context: received["context"] };
    return { body: { success: true, proof: `0x${made}`, public: { ...values, ...lie } } };
  });
  assert.equal((await proof()).nullifier, honest.nullifier);
  // The request has nothing that names the secret.
  assert.deepEqual(Object.keys(received).sort(), ["context", "pattern", "pid", "private", "registry", "scope"]);
  for (const name of ["nullifier", "scope", "claim", "context"]) {
    lie = { [name]: fieldToHex(field(5n)) };
    await assert.rejects(proof(), named("false-proof"), name);
  }
  lie = { root: fieldToHex(field(5n)) };
  await assert.rejects(proof(), named("root-not-accepted"));
  lie = {};
  made = "02".repeat(256);
  await assert.rejects(proof(), { code: "false-proof", message: /not valid/ });
});

test("an API that refuses some requests for a while does not end a proof", async () => {
  const scope = await bauta.scope(world.addresses.scope);
  for (const tree of ["whole", "tiles"] as const) {
    let refusals = 3;
    for (const [route, honest] of world.routes) {
      if (!/leaves|tiles/.test(route)) continue;
      world.routes.set(route, (...request) => (refusals-- > 0 ? { status: 429, body: { code: "rate_limited" } } : honest(...request)));
    }
    bauta = world.client({ maxLagMs: 60_000 });
    assert.equal((await prove(scope, { tree })).root, world.root);
  }
});

test("an API that is unreachable, refuses, or answers with something else", async () => {
  const { registry } = world.addresses;
  const eligible = () => bauta.eligible(registry, addressOf(1));
  await assert.rejects(eligible(), named("api-refused"));
  const route = `POST /v1/registries/${registry}/eligibility`;
  const bodies = [[], { assets: 1 }, { assets: [1] }, { assets: [{ asset: "x" }] }, Buffer.from("<html>"), new Uint8Array(2_000_000)];
  for (const body of bodies) {
    world.routes.set(route, () => ({ body }));
    await assert.rejects(eligible(), named("api-malformed"));
  }
  bauta = world.client({ api: "http://127.0.0.1:1" });
  await assert.rejects(eligible(), named("api-unreachable"));
});
