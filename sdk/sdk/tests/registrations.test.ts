// Compares the registrations that the SDK builds with those that the API builds, byte for byte. A
// test of the API writes registrations.json: its transactions, and the accounts that they are for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, test } from "node:test";

import {
  appendTransactionMessageInstruction,
  compileTransactionMessage,
  createNoopSigner,
  createTransactionMessage,
  decompileTransactionMessage,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
  getTransactionDecoder,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
  type Address,
  type Instruction,
} from "@solana/kit";
import { findCollectionPda, findConfigPda, findMetadataPda, getConfigDecoder } from "@bauta/program";

import { Chain } from "../src/chain.ts";
import { Service } from "../src/http.ts";
import { BautaError, fieldFromHex, memoryVault, type BautaCode, type Disclosure } from "../src/index.ts";
import { Nodes } from "../src/nodes.ts";
import { registrationInstruction } from "../src/registration.ts";
import { addressOf, Facts, serve, startNode, stopServers } from "./world.ts";

interface Vectors {
  registry: Address;
  owner: Address;
  commitment: string;
  root: string;
  leaves: string;
  collections: { key: Address; kind: string }[];
  accounts: Record<Address, { owner: Address; data: string }>;
  held: Record<Address, Address>;
  registrations: { asset: Address; transaction: string }[];
}

const vectors: Vectors = JSON.parse(readFileSync(new URL("registrations.json", import.meta.url), "utf8"));
const { registry, owner } = vectors;
const decode = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));

afterEach(stopServers);

/** A client of a node with the accounts, and of an API that has the collections and the leaves. */
class Client {
  readonly facts = new Facts();
  readonly sent: Disclosure[] = [];
  leaves = decode(vectors.leaves);

  constructor() {
    for (const [address, { owner, data }] of Object.entries(vectors.accounts)) {
      this.facts.accounts.set(address as Address, { owner, data: decode(data) });
    }
    for (const [mint, account] of Object.entries(vectors.held)) this.facts.held.set(mint as Address, account);
  }

  async build(asset: Address, by = owner): Promise<Instruction> {
    const api = await serve((request) => {
      const path = new URL(request.url!, "http://localhost").pathname;
      if (path === `/v1/registries/${registry}/collections`) return { body: { data: vectors.collections, next: null } };
      if (path === `/v1/registries/${registry}/roots/${vectors.root}/leaves`) return { body: this.leaves };
      return { status: 404, body: { code: "not_found", detail: path } };
    });
    const report = (request: Disclosure) => void this.sent.push(request);
    const [config] = await findConfigPda();
    const { clusterTag } = getConfigDecoder().decode(this.facts.accounts.get(config)!.data);
    const chain = new Chain({ tag: Uint8Array.from(clusterTag) }, new Nodes([await startNode(this.facts)], report));
    const what = { registry, asset, commitment: fieldFromHex(vectors.commitment), owner: createNoopSigner(by) };
    return registrationInstruction(new Service(api, "api", report), chain, memoryVault(), what);
  }
}

/** Returns the message of a transaction of the API, as Kit encodes it: it orders the accounts. */
function messageOf(base64: string) {
  const { messageBytes } = getTransactionDecoder().decode(decode(base64));
  const compiled = getCompiledTransactionMessageDecoder().decode(messageBytes);
  const message = decompileTransactionMessage(compiled as Parameters<typeof decompileTransactionMessage>[0]);
  return { message, bytes: getCompiledTransactionMessageEncoder().encode(compileTransactionMessage(message)) };
}

/** Returns the message with an own instruction and the lifetime of another message. */
function messageWith(instruction: Instruction, other: ReturnType<typeof messageOf>["message"]) {
  const message = pipe(
    createTransactionMessage({ version: "legacy" }),
    (m) => setTransactionMessageFeePayer(owner, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(other.lifetimeConstraint as never, m),
    (m) => appendTransactionMessageInstruction(instruction, m),
  );
  return getCompiledTransactionMessageEncoder().encode(compileTransactionMessage(message));
}

for (const { asset, transaction } of vectors.registrations) {
  test(`the registration of ${asset} is the API's, byte for byte`, async () => {
    const client = new Client();
    const instruction = await client.build(asset);
    const { message, bytes } = messageOf(transaction);
    assert.deepEqual(Buffer.from(instruction.data!), Buffer.from(message.instructions[0]!.data!));
    const addresses = ({ accounts = [] }: Instruction) => accounts.map(({ address }) => address);
    assert.deepEqual(addresses(instruction), addresses(message.instructions[0]!));
    // The message also has which accounts sign and which are writable.
    assert.deepEqual(Buffer.from(messageWith(instruction, message)), Buffer.from(bytes));
    // The API learns the registry, and nothing about the wallet, the token or the commitment.
    const shown = client.sent.filter(({ to }) => to === "api").flatMap(({ shows }) => shows);
    assert.deepEqual(
      shown.filter((what) => !["network address", "registry", "all leaves or none"].includes(what)),
      [],
    );
  });
}

test("the vectors have tokens, prints, assets of Core, and a path", () => {
  const lengths = vectors.registrations.map(({ transaction }) => messageOf(transaction).message.instructions[0]!.data!.length);
  assert.equal(new Set(lengths).size, 2);
  assert.deepEqual([...new Set(vectors.collections.map(({ kind }) => kind))].sort(), [
    "core",
    "group",
    "mint",
    "prints",
    "token_metadata",
  ]);
});

const named = (code: BautaCode) => (error: unknown) => error instanceof BautaError && error.code === code;

test("a false path, another wallet, an asset outside of the registry and no asset", async () => {
  const [{ asset }, again] = [vectors.registrations[0]!, vectors.registrations.at(-1)!];
  const client = new Client();
  client.leaves = client.leaves.fill(1, 40, 41);
  await assert.rejects(client.build(again.asset), named("false-leaves"));
  await assert.rejects(client.build(asset, addressOf(9)), named("asset-not-held"));
  await assert.rejects(client.build(addressOf(8)), named("unknown-account"));
  await assert.rejects(client.build(vectors.held[asset]!), named("asset-not-held"));
  const unlisted = new Client();
  const [collection] = await findCollectionPda({ registry, key: asset });
  assert.ok(unlisted.facts.accounts.delete(collection));
  await assert.rejects(unlisted.build(asset), named("not-in-collection"));
});

test("metadata of another mint and metadata of another length are not used", async () => {
  for (const change of [(data: Uint8Array) => data.fill(9, 33, 34), (data: Uint8Array) => data.slice(1)]) {
    const client = new Client();
    let changed = 0;
    for (const { asset } of vectors.registrations) {
      const [metadata] = await findMetadataPda({ mint: asset });
      const account = client.facts.accounts.get(metadata);
      if (!account) continue;
      changed++;
      account.data = change(account.data);
      const { accounts = [] } = await client.build(asset).catch((error) => {
        // A collection of Token Metadata can't be found without metadata.
        assert.ok(named("not-in-collection")(error), String(error));
        return { accounts: [] };
      });
      assert.ok(accounts.every(({ address }) => address !== metadata));
    }
    assert.ok(changed >= 3);
  }
});
