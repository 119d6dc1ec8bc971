// A visitor of a page, with an API that has its default limits of what an address may send.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { generateKeyPairSigner } from "@solana/kit";
import { fetchConfig, findConfigPda } from "@bauta/program";

import { createBauta, createProver, memoryVault, type Prover } from "../../../src/index.ts";
import { MODULES, PATIENCE_MS, Stack } from "../stack.ts";

/** The default of `ANONYMOUS_REQUESTS_PER_MINUTE` (docs/api-service.md). */
const REQUESTS_PER_MINUTE = 100;

let prover: Prover | undefined;
after(() => prover?.end());

test("a visitor registers and proves within the limits, and waits for a relay beyond them", async (context) => {
  const stack = await Stack.start();
  prover = createProver({ key: { sha256: stack.webKey }, wasm: MODULES });
  const [config] = await findConfigPda();
  const bauta = createBauta({
    cluster: { tag: Uint8Array.from((await fetchConfig(stack.rpc, config)).data.clusterTag) },
    rpc: stack.rpcUrl,
    api: stack.api,
    prover,
    vault: memoryVault(),
    maxLagMs: PATIENCE_MS,
  });
  const registry = await stack.registry();
  const owner = await stack.wallet();
  const asset = await stack.token(registry, owner.address);
  const address = await stack.scope(registry);
  await stack.known(`/v1/scopes/${address}`);
  await stack.relays();

  const identity = await bauta.openIdentity({ wrap: "device" });
  const membership = await bauta.register({ identity, registry, asset, owner });
  const scope = await bauta.scope(address);
  const { address: recipient } = await generateKeyPairSigner();
  const proof = await bauta.prove({ identity, membership, scope, recipient });
  const relayed = await bauta.relay(proof);
  const use = await relayed.confirmed();
  assert.equal(use.recipient, recipient);

  // Others at the same address use the rest of its limit.
  let answered = 0;
  const status = async () => (await fetch(`${stack.api}/v1/registries/${registry}`)).status;
  while ((await status()) !== 429) assert.ok(++answered < REQUESTS_PER_MINUTE, `the API answered ${answered} requests`);
  // Each look at the clock is later than the longest lag, so the wait reads the chain.
  const now = Date.now;
  let looks = 0;
  context.mock.method(Date, "now", () => now() + 2 * PATIENCE_MS * looks++);
  assert.deepEqual(await relayed.confirmed(), use);
});
