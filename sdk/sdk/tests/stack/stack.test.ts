// The whole way with the real program, API, relay and prover: register, prove, relay.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { generateKeyPairSigner, type Address, type KeyPairSigner } from "@solana/kit";
import { fetchConfig, findConfigPda } from "@bauta/program";

import {
  createBauta,
  createProver,
  memoryVault,
  type Bauta,
  type Disclosure,
  type Identity,
  type Membership,
  type Prover,
} from "../../src/index.ts";
import { builtByEsbuild, builtByVite } from "./bundlers.ts";
import { runQuickStart } from "./quick-start.ts";
import { MODULES, PATIENCE_MS, Stack, TRACK, until } from "./stack.ts";

const PASSPHRASE = { wrap: { passphrase: "correct horse battery staple" } } as const;

let stack: Stack;
let prover: Prover;
let bauta: Bauta;
let tag: Uint8Array;
let registry: Address;
let owner: KeyPairSigner;
let identity: Identity;
let membership: Membership;
const requests: Disclosure[] = [];

before(async () => {
  stack = await Stack.start();
  prover = createProver({ key: { sha256: stack.webKey }, wasm: MODULES });
  const [config] = await findConfigPda();
  // A dApp pins the tag. The tag of a local chain is in its settings.
  tag = Uint8Array.from((await fetchConfig(stack.rpc, config)).data.clusterTag);
  bauta = createBauta({
    cluster: { tag },
    rpc: stack.rpcUrl,
    api: stack.api,
    prover,
    vault: memoryVault(),
    maxLagMs: PATIENCE_MS,
    onRequest: (request) => requests.push(request),
  });
  registry = await stack.registry();
  owner = await stack.wallet();
  const asset = await stack.token(registry, owner.address);
  await stack.known(`/v1/registries/${registry}/collections`);
  identity = await bauta.openIdentity(PASSPHRASE);
  await until(async () => (await bauta.eligible(registry, owner.address)).length === 1, "the token is eligible");
  membership = await bauta.register({ identity, registry, asset, owner });
  await stack.relays();
});
after(() => prover?.end());

async function openScope() {
  const address = await stack.scope(registry);
  await stack.known(`/v1/scopes/${address}`);
  return bauta.scope(address);
}

async function newAddress(): Promise<Address> {
  return (await generateKeyPairSigner()).address;
}

test("a token is eligible, registers, and is found again by its identity", async () => {
  const [token, ...others] = await bauta.eligible(registry, owner.address);
  assert.deepEqual(others, []);
  assert.deepEqual(token, { asset: membership.asset, track: TRACK, eligible: true, reason: null, message: null });
  assert.equal(membership.track, TRACK);
  assert.deepEqual(await bauta.memberships(identity), [membership]);
  assert.deepEqual(await bauta.memberships(identity, await newAddress()), []);
  assert.deepEqual(await bauta.memberships(await bauta.openIdentity(PASSPHRASE), registry), [membership]);
});

test("a proof is relayed, and its use is on the chain", async () => {
  const scope = await openScope();
  const recipient = await newAddress();
  const payload = new TextEncoder().encode("seat 7");
  requests.length = 0;
  const stages: string[] = [];
  const onProgress = ({ stage }: { stage: string }) => stages.push(stage);
  const proof = await bauta.prove({ identity, membership, scope, recipient, payload, onProgress });
  assert.deepEqual(stages, ["registry", "tree", "key", "proof", "proof"]);
  assert.equal(await bauta.result(proof), null);
  const relayed = await bauta.relay(proof);
  const use = await relayed.finalized();
  assert.equal(use.recipient, recipient);
  assert.equal(use.claim, TRACK);
  assert.equal(use.nullifier, proof.nullifier);
  assert.deepEqual(await bauta.result(proof), use);
  assert.equal((await relayed.state()).signature, use.signature);
  // No request names the token, its leaf or the wallet.
  const shown = new Set(requests.flatMap(({ shows }) => shows));
  for (const secret of ["token", "wallet", "commitment"] as const) assert.ok(!shown.has(secret), secret);
  assert.ok(!requests.some(({ request }) => request.includes("/paths/")));
  const tokenRequests = requests.filter(({ shows }) => shows.includes("one of about 256 tokens"));
  assert.deepEqual(tokenRequests, []);

  const again = await bauta.prove({ identity, membership, scope, recipient });
  await assert.rejects(bauta.relay(again), { code: "api-refused", message: /nullifier_used/ });
});

test("a proof that reads tiles is verified in a transaction of the dApp", async () => {
  const scope = await openScope();
  const payer = await stack.wallet();
  const recipient = await newAddress();
  const proof = await bauta.prove({ identity, membership, scope, recipient, relayer: payer.address, tree: "tiles" });
  await assert.rejects(bauta.verifyInstruction(proof, stack.admin), { code: "no-relayer" });
  await stack.send([await bauta.verifyInstruction(proof, payer)]);
  const use = await bauta.result(proof);
  assert.equal(use?.recipient, recipient);
});

test("the prover service makes a proof from a secret that only it can read", async () => {
  const scope = await openScope();
  const recipient = await newAddress();
  for (const prover of [stack.prover, undefined]) {
    const delegate = { apiKey: stack.apiKey, ...(prover ? { prover } : {}) };
    const proof = await bauta.prove({ identity, membership, scope, recipient, relayer: "any", delegate });
    if (prover) continue;
    await stack.send([await bauta.verifyInstruction(proof, stack.admin)]);
    assert.equal((await bauta.result(proof))?.recipient, recipient);
  }
});

test("an aborted proof ends with the reason of its signal, and the next one succeeds", async () => {
  const scope = await openScope();
  const recipient = await newAddress();
  const what = { identity, membership, scope, recipient, relayer: "any" } as const;
  const controller = new AbortController();
  const onProgress = ({ stage }: { stage: string }) => {
    if (stage === "proof") controller.abort(new Error("enough"));
  };
  await assert.rejects(bauta.prove({ ...what, signal: controller.signal, onProgress }), /enough/);
  assert.equal((await bauta.prove(what)).proof.length, 256);
});

test("the quick start of the README runs, and Node.js ends by itself", async () => {
  await runQuickStart({ stack, bauta, tag, registry }, async (folder, program) => join(folder, program), MODULES);
});

test("the quick start that esbuild built runs with the modules of a folder", async () => {
  await runQuickStart({ stack, bauta, tag, registry }, builtByEsbuild, MODULES);
});

test("the quick start that Vite built runs with the modules that Vite copied", async () => {
  await runQuickStart({ stack, bauta, tag, registry }, builtByVite);
});

test("a chain of another cluster is refused", async () => {
  const other = createBauta({ cluster: { tag: new Uint8Array(32).fill(9) }, rpc: stack.rpcUrl, api: stack.api });
  await assert.rejects(other.scope(await stack.scope(registry)), { code: "wrong-cluster" });
  const mainnet = createBauta({ cluster: "mainnet", rpc: stack.rpcUrl, api: stack.api });
  await assert.rejects(mainnet.scope(await stack.scope(registry)), { code: "wrong-cluster" });
});
