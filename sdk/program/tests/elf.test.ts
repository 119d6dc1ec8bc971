// Tests the client with the program's ELF.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { generateKeyPairSigner, getAddressDecoder, getAddressEncoder, none, some } from "@solana/kit";

import {
  BAUTA_PROGRAM_ADDRESS,
  decodeCircuit,
  decodeConfig,
  decodeNullifier,
  decodeRegistry,
  decodeScope,
  decodeVerification,
  describeErrorCode,
  findCircuitPdaOf,
  findConfigPda,
  findNullifierPda,
  findScopePda,
  getAppendLeavesInstructionAsync,
  getCloseScopeInstructionAsync,
  getCreateScopeInstructionAsync,
  getReclaimNullifierInstructionAsync,
  getRegisterCircuitInstructionAsync,
  getVerifyInstructionAsync,
  Provenance,
  RegistryKind,
  ScopeMode,
  type CircuitRegistration,
} from "../src/index.ts";
import { Chain, CLUSTER_TAG } from "./chain.ts";
import { digest, field, sha256 } from "./protocol.ts";
import { prove, verifyingKey } from "./trapdoor.ts";

const NONE = new Uint8Array(32);
const registration: CircuitRegistration = {
  statement: Uint8Array.from({ length: 32 }, (_, index) => "ownership".charCodeAt(index) || 0),
  version: 1,
  depth: 10,
  leafFormat: 1,
  auxiliaryFormat: 0,
  provenance: Provenance.Development,
  constraintSystemHash: new Uint8Array(32).fill(1),
  transcriptHash: NONE,
  verifyingKey: verifyingKey(),
};

let chain: Chain;
before(async () => {
  chain = await Chain.start();
});

async function append(registry: Awaited<ReturnType<Chain["managedRegistry"]>>, ...leaves: bigint[]) {
  return getAppendLeavesInstructionAsync({
    authority: registry.authority,
    registry: registry.address,
    tree: registry.tree,
    leaves: leaves.map(field),
  });
}

test("the settings of an initialised program are decoded", async () => {
  const [address] = await findConfigPda();
  const { data } = decodeConfig(chain.account(address));
  assert.equal(data.admin, chain.payer.address);
  assert.deepEqual(data.clusterTag, CLUSTER_TAG);
  assert.equal(data.developmentKeysAllowed, 1);
});

test("appended leaves are in the events and in the registry", async () => {
  const registry = await chain.managedRegistry();
  const receipt = await chain.succeed([await append(registry, 1n, 2n, 3n)]);
  const [appended, updated, ...rest] = await receipt.events();
  assert.equal(rest.length, 0);
  assert.ok(appended?.name === "LeavesAppended" && updated?.name === "MerkleRootUpdated");
  assert.equal(appended.data.firstIndex, 0n);
  assert.deepEqual(appended.data.leaves, [field(1n), field(2n), field(3n)]);

  const { data } = decodeRegistry(chain.account(registry.address));
  assert.equal(data.kind, RegistryKind.Managed);
  assert.equal(data.nextIndex, 3n);
  assert.equal(data.tree, registry.tree);
  assert.deepEqual(data.root, updated.data.root);
});

test("a refusal of the program has its name and its message", async () => {
  const registry = await chain.managedRegistry();
  const error = describeErrorCode(await chain.fail([await append(registry, 0n)]));
  assert.equal(error.name, "AppendedEmptyLeaf");
  assert.match(error.message, /leaf/);
});

test("a proof is verified once, with every derived address resolved", async () => {
  const register = await getRegisterCircuitInstructionAsync({ payer: chain.payer, admin: chain.payer, ...registration });
  await chain.succeed([register]);
  const [circuit] = await findCircuitPdaOf(registration);
  assert.deepEqual(decodeCircuit(chain.account(circuit)).data.vkHash, sha256(registration.verifyingKey));

  const registry = await chain.managedRegistry();
  await chain.succeed([await append(registry, 1n)]);
  const { root } = decodeRegistry(chain.account(registry.address)).data;
  const creator = await generateKeyPairSigner();
  const create = await getCreateScopeInstructionAsync({
    payer: chain.payer,
    creator,
    registry: registry.address,
    circuit,
    nonce: 3n,
    mode: ScopeMode.Live,
    gate: none(),
    requiredClaim: none(),
    opensAt: chain.now(),
    closesAt: chain.now() + 86_400n,
    expectedRoot: some(root),
  });
  await chain.succeed([create]);
  const [scope] = await findScopePda({ registry: registry.address, creator: creator.address, nonce: 3n });
  assert.equal(decodeScope(chain.account(scope)).data.circuit, circuit);

  const { address: recipient } = await generateKeyPairSigner();
  const [nullifier, claim, expiry] = [5n, 6n, chain.now() + 600n];
  const payload = Uint8Array.from(Buffer.from("payload"));
  const program = BAUTA_PROGRAM_ADDRESS;
  const bound = { root, nullifier, claim, clusterTag: CLUSTER_TAG, program, scope, recipient, expiry, payload };
  const verify = (change: { claim?: bigint } = {}) =>
    getVerifyInstructionAsync({
      payer: chain.payer,
      recipient,
      scope,
      circuit,
      registry: registry.address,
      proof: prove(digest(bound)),
      root,
      nullifier: field(nullifier),
      claim: field(change.claim ?? claim),
      auxiliaryRoot: none(),
      expiry,
      payload,
    });
  assert.equal(describeErrorCode(await chain.fail([await verify({ claim: 7n })])).name, "ProofRefused");

  const receipt = await chain.succeed([await verify()]);
  const [event] = await receipt.events();
  assert.ok(event?.name === "OwnershipVerified");
  assert.equal(event.data.recipient, recipient);
  assert.deepEqual(event.data.nullifier, field(nullifier));

  const returned = decodeVerification(getAddressDecoder().decode(receipt.returnData.program), receipt.returnData.data);
  assert.deepEqual(
    { ...returned },
    {
      scope,
      registry: registry.address,
      circuit,
      claim: field(claim),
      nullifier: field(nullifier),
      recipient,
      payloadHash: sha256(payload),
    },
  );

  const [record] = await findNullifierPda({ scope, nullifier: field(nullifier) });
  const { data } = decodeNullifier(chain.account(record));
  assert.equal(data.rentPayer, chain.payer.address);
  assert.deepEqual(data.scopeTag, getAddressEncoder().encode(scope).slice(0, 16));
  assert.equal(describeErrorCode(await chain.fail([await verify()])).name, "NullifierUsed");

  const close = await getCloseScopeInstructionAsync({ creator, scope });
  const reclaim = await getReclaimNullifierInstructionAsync({
    scope,
    nullifier: field(nullifier),
    rentPayer: chain.payer.address,
  });
  const closed = await chain.succeed([close, reclaim]);
  assert.deepEqual(
    (await closed.events()).map(({ name }) => name),
    ["ScopeClosed", "NullifierReclaimed"],
  );
});
