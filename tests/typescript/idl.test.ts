// Tests the IDL with the ELF, like a TypeScript client with Anchor: instructions, accounts, events
// and errors.

import assert from "node:assert/strict";
import { test } from "node:test";

import anchor from "@anchor-lang/core";
import * as web3 from "@solana/web3.js";
import { FailedTransactionMetadata } from "litesvm";

import { Chain, PROGRAM, derive, idl, signer, u64, type InnerInstruction, type Signer } from "./chain.ts";

const { AnchorProvider, BN, BorshCoder, Program } = anchor;

const TREE_BYTES = 54_936;
const EVENT_TAG = Buffer.from([0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d]);
const coder = new BorshCoder(idl);
const eventAuthority = derive("__event_authority");

// Only builds instructions. The connection is never used.
const program = new Program(
  idl,
  new AnchorProvider(new web3.Connection("http://localhost:1"), {
    publicKey: PROGRAM,
    signTransaction: () => Promise.reject(new Error("this provider does not sign")),
    signAllTransactions: () => Promise.reject(new Error("this provider does not sign")),
  }),
);

interface Registry {
  address: web3.PublicKey;
  tree: web3.PublicKey;
  authority: Signer;
}

async function initialised(): Promise<Chain> {
  const chain = await Chain.start();
  const initialize = await program.methods
    .initialize(Array(32).fill(7), chain.payer.publicKey, true)
    .accountsPartial({
      payer: chain.payer.publicKey,
      upgradeAuthority: chain.payer.publicKey,
      eventAuthority,
      program: PROGRAM,
    })
    .instruction();
  await chain.succeed([initialize]);
  return chain;
}

async function managedRegistry(chain: Chain): Promise<Registry> {
  const [authority, tree] = [await signer(), await signer()];
  const nonce = 9n;
  const registry = derive("registry", authority.publicKey.toBytes(), u64(nonce));
  const prepare = web3.SystemProgram.createAccount({
    fromPubkey: chain.payer.publicKey,
    newAccountPubkey: tree.publicKey,
    lamports: chain.rent(TREE_BYTES),
    space: TREE_BYTES,
    programId: PROGRAM,
  });
  const create = await program.methods
    .createRegistry(new BN(nonce.toString()), { managed: {} }, 10, 1, new BN(3600))
    .accountsPartial({
      payer: chain.payer.publicKey,
      authority: authority.publicKey,
      tree: tree.publicKey,
      program: PROGRAM,
    })
    .instruction();
  assert.ok(create.keys.some(({ pubkey }) => pubkey.equals(registry)), "the client resolves the registry's address");
  assert.ok(create.keys.some(({ pubkey }) => pubkey.equals(eventAuthority)), "the client resolves the event authority");
  await chain.succeed([prepare, create], [authority, tree]);
  return { address: registry, tree: tree.publicKey, authority };
}

function append(registry: Registry, leaves: number[][]): Promise<web3.TransactionInstruction> {
  return program.methods
    .appendLeaves(leaves)
    .accountsPartial({
      authority: registry.authority.publicKey,
      registry: registry.address,
      tree: registry.tree,
      eventAuthority,
      program: PROGRAM,
    })
    .instruction();
}

function leaf(value: number): number[] {
  return [...Array(31).fill(0), value];
}

/**
 * Decodes the events among inner instructions: calls of the program by itself with the event
 * authority and Anchor's tag.
 */
function events(inner: InnerInstruction[]): { name: string; data: any }[] {
  return inner
    .filter(({ program, accounts }) => program === idl.address && accounts.join() === eventAuthority.toBase58())
    .filter(({ data }) => data.subarray(0, 8).equals(EVENT_TAG))
    .map(({ data }) => {
      const event = coder.events.decode(data.subarray(8).toString("base64"));
      assert.ok(event, "the IDL knows every event");
      return event;
    });
}

test("the Config account is decoded with the IDL", async () => {
  const chain = await initialised();
  const config = coder.accounts.decode("Config", chain.data(derive("config")));
  assert.equal(config.admin.toBase58(), chain.payer.address);
  assert.deepEqual([...config.cluster_tag], Array(32).fill(7));
  assert.equal(config.development_keys_allowed, 1);
});

test("appended leaves are in the events and in the registry", async () => {
  const chain = await initialised();
  const registry = await managedRegistry(chain);
  const inner = await chain.succeed(
    [await append(registry, [leaf(1), leaf(2), leaf(3)])],
    [registry.authority],
  );
  const [appended, root, ...rest] = events(inner);
  assert.equal(rest.length, 0);
  assert.equal(appended.name, "LeavesAppended");
  assert.equal(appended.data.first_index.toString(), "0");
  assert.deepEqual(appended.data.leaves.map((bytes: number[]) => [...bytes]), [leaf(1), leaf(2), leaf(3)]);
  assert.equal(root.name, "MerkleRootUpdated");

  const state = coder.accounts.decode("Registry", chain.data(registry.address));
  assert.equal(state.next_index.toString(), "3");
  assert.deepEqual([...state.root], [...root.data.root]);
  assert.equal(state.tree.toBase58(), registry.tree.toBase58());
});

test("an error code has its name in the IDL", async () => {
  const chain = await initialised();
  const registry = await managedRegistry(chain);
  const { result } = await chain.send([await append(registry, [leaf(0)])], [registry.authority]);
  assert.ok(result instanceof FailedTransactionMetadata);
  const code = /custom program error: (0x[0-9a-f]+)/.exec(result.meta().logs().join("\n"))?.[1];
  const error = idl.errors.find((error: { code: number }) => error.code === Number(code));
  assert.equal(error?.name, "AppendedEmptyLeaf");
});

test("the client resolves the derived addresses from the IDL", async () => {
  const key = (byte: number) => new web3.PublicKey(Buffer.alloc(32, byte));
  const [payer, registry, circuit, scope] = [key(1), key(2), key(3), key(4)];
  const [nonce, nullifier] = [258n, Array(32).fill(5)];
  // Anchor's types do not allow an optional account to be absent.
  const absent: any = null;
  const used = derive("nullifier", scope.toBytes(), Buffer.from(nullifier));

  const created = await program.methods
    .createScope(new BN(nonce.toString()), {
      mode: { live: {} },
      gate: null,
      requiredClaim: null,
      opensAt: new BN(0),
      closesAt: new BN(1),
      expectedRoot: null,
    })
    .accountsPartial({ payer, creator: payer, registry, circuit, auxiliaryRegistry: absent, program: PROGRAM })
    .pubkeys();
  assert.deepEqual(created.scope, derive("scope", registry.toBytes(), payer.toBytes(), u64(nonce)));
  assert.deepEqual(created.config, derive("config"));

  const verified = await program.methods
    .verify({
      proof: Array(256).fill(0),
      root: Array(32).fill(0),
      nullifier,
      claim: Array(32).fill(0),
      auxiliaryRoot: null,
      expiry: new BN(0),
      payload: Buffer.alloc(0),
    })
    .accountsPartial({
      payer,
      recipient: payer,
      scope,
      circuit,
      registry: absent,
      auxiliaryRegistry: absent,
      gate: absent,
      relayer: absent,
      program: PROGRAM,
    })
    .pubkeys();
  assert.deepEqual(verified.nullifier, used);
  assert.deepEqual(verified.config, derive("config"));

  const reclaimed = await program.methods
    .reclaimNullifier(nullifier)
    .accountsPartial({ scope, rentPayer: payer, program: PROGRAM })
    .pubkeys();
  assert.deepEqual(reclaimed.nullifier, used);
});
