// The gateway of the real API, behind a relay of this test: an independent implementation of
// Oblivious HTTP decrypts the requests, and encrypts the responses.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";

import { generateKeyPairSigner } from "@solana/kit";
import { fetchConfig, findConfigPda } from "@bauta/program";

import { createBauta, createProver, memoryVault, type Disclosure, type Prover } from "../../src/index.ts";
import { MODULES, PATIENCE_MS, Stack, until } from "./stack.ts";

let stack: Stack;
let prover: Prover;
let relay: Server;
/** The requests that the relay has passed on. */
let passed = 0;

before(async () => {
  stack = await Stack.start();
  prover = createProver({ key: { sha256: stack.webKey }, wasm: MODULES });
  relay = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const answer = await fetch(`${stack.api}/.well-known/ohttp-gateway`, {
      method: "POST",
      headers: { "content-type": request.headers["content-type"]! },
      body: Uint8Array.from(Buffer.concat(parts)),
    });
    passed += 1;
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type")! });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
});
after(() => {
  prover?.end();
  relay?.closeAllConnections();
  relay?.close();
});

test("a member registers, proves, relays and delegates through the gateway, and the API sees no address", async () => {
  const requests: Disclosure[] = [];
  const [config] = await findConfigPda();
  const bauta = createBauta({
    cluster: { tag: Uint8Array.from((await fetchConfig(stack.rpc, config)).data.clusterTag) },
    rpc: stack.rpcUrl,
    api: stack.api,
    ohttp: { relay: `http://127.0.0.1:${(relay.address() as AddressInfo).port}/` },
    prover,
    vault: memoryVault(),
    maxLagMs: PATIENCE_MS,
    onRequest: (request) => requests.push(request),
  });
  const registry = await stack.registry();
  const owner = await stack.wallet();
  const asset = await stack.token(registry, owner.address);
  await stack.known(`/v1/registries/${registry}/collections`);
  const identity = await bauta.openIdentity({ wrap: { passphrase: "correct horse battery staple" } });
  await until(async () => (await bauta.eligible(registry, owner.address)).length === 1, "the token is eligible");
  const membership = await bauta.register({ identity, registry, asset, owner });
  assert.deepEqual(await bauta.memberships(identity), [membership]);
  await stack.relays();
  const address = await stack.scope(registry);
  await stack.known(`/v1/scopes/${address}`);
  const scope = await bauta.scope(address);
  const recipient = (await generateKeyPairSigner()).address;
  const proof = await bauta.prove({ identity, membership, scope, recipient });
  const use = await (await bauta.relay(proof)).finalized();
  assert.equal(use.recipient, recipient);
  // A second use is refused within the response, with the code of the API.
  const again = await bauta.prove({ identity, membership, scope, recipient });
  await assert.rejects(bauta.relay(again), { code: "api-refused", message: /nullifier_used/ });

  // The prover service makes a proof, from a secret that is sealed to it.
  const delegate = { apiKey: stack.apiKey };
  const made = await bauta.prove({ identity, membership, scope, recipient, relayer: "any", delegate });
  assert.equal(made.nullifier, proof.nullifier);

  const withAddress = requests.filter(({ to, shows }) => to === "api" && shows.includes("network address"));
  const names = new Set(withAddress.map(({ request }) => request));
  assert.deepEqual([...names], ["GET /.well-known/ohttp-gateway", "GET /v1/proving-keys/{sha256}"]);
  assert.equal(requests.filter(({ to }) => to === "ohttp-relay").length, passed);
});
