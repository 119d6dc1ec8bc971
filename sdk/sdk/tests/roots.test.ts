// The root at which a member proves: docs/protocol.md, "Accepted roots".

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Registry } from "@bauta/program";

import { BautaError, field, fieldToBytes, fieldToHex, type Field, type Membership } from "../src/index.ts";
import { pathInLeaves } from "../src/paths.ts";
import { rootToProve } from "../src/roots.ts";
import { addressOf, startNode, stopServers, World } from "./world.ts";

const NOW = 1_000_000n;
const TTL = 3_600n;
const none = { root: new Uint8Array(32), expiresAt: 0n };
const rootOf = (name: number) => new Uint8Array(32).fill(name);

/** A registry with the current root 1. Other roots have the time until which they are accepted. */
function registry(change: { kept?: [number, bigint][]; recent?: [number, bigint][] } & Partial<Pick<Registry, "lastKeptAt" | "lastRecentAt">>): Registry {
  const ring = (entries: [number, bigint][] = [], length: number) =>
    Array.from({ length }, (_, at) => (entries[at] ? { root: rootOf(entries[at][0]), expiresAt: NOW + entries[at][1] } : none));
  return {
    root: rootOf(1),
    rootTtl: TTL,
    kept: ring(change.kept, 16),
    keptCount: BigInt(change.kept?.length ?? 0),
    lastKeptAt: change.lastKeptAt ?? NOW,
    recent: ring(change.recent, 32),
    recentCount: BigInt(change.recent?.length ?? 0),
    lastRecentAt: change.lastRecentAt ?? NOW,
  } as unknown as Registry;
}

const chosen = (state: Registry, since: bigint | undefined = 0n) => rootToProve(state, since, NOW)[0];

test("the newest root that is accepted for half of its time is chosen", () => {
  assert.equal(chosen(registry({})), 1);
  assert.equal(chosen(registry({ kept: [[2, TTL / 2n], [3, TTL]], recent: [[4, 60n]] })), 3);
  assert.equal(chosen(registry({ kept: [[2, TTL / 2n], [3, TTL / 2n - 1n]], recent: [[4, 60n]] })), 2);
  // The long ring would keep the current root now.
  assert.equal(chosen(registry({ kept: [[2, TTL]], lastKeptAt: NOW - TTL / 16n })), 1);
  assert.equal(chosen(registry({ kept: [[2, TTL]], lastKeptAt: NOW - TTL / 16n + 1n })), 2);
});

test("without such a root, the one that is accepted longest is chosen", () => {
  assert.equal(chosen(registry({ kept: [[2, 10n]], recent: [[3, 63n]] })), 3);
  // The short ring would keep the current root for 64 s.
  assert.equal(chosen(registry({ kept: [[2, 10n]], recent: [[3, 63n]], lastRecentAt: NOW - 2n })), 1);
  assert.equal(chosen(registry({ kept: [[2, 0n]], recent: [[3, -1n]] })), 1);
});

test("only roots that were replaced after the leaf was written are chosen", () => {
  const state = registry({ kept: [[2, TTL - 100n]], recent: [[3, 64n - 50n]] });
  assert.equal(chosen(state, NOW - 101n), 2);
  assert.equal(chosen(state, NOW - 100n), 3);
  assert.equal(chosen(state, NOW - 50n), 1);
  assert.equal(rootToProve(state, undefined, NOW)[0], 1);
});

let world: World;
let now: bigint;
let old: Field;
before(async () => {
  world = await World.honest();
  now = BigInt(Math.floor(Date.now() / 1000));
  // The registry changes at each moment. It keeps a root for long that has the leaf.
  old = world.root;
  const leaves = world.leaves.map((leaf) => field(leaf));
  leaves[1] = field(5n);
  const { root } = pathInLeaves(leaves, 10, 0n);
  const body = Buffer.concat(leaves.map((leaf) => fieldToBytes(leaf)));
  world.routes.set(`GET /v1/registries/${world.addresses.registry}/roots/${fieldToHex(root)}/leaves`, () => ({ body }));
  Object.assign(world.registry, {
    root: fieldToBytes(root),
    kept: [{ root: fieldToBytes(old), expiresAt: now + TTL - 100n }, ...Array(15).fill(none)],
    keptCount: 1n,
    // The clock of the test can be later than `now`.
    lastKeptAt: now + 1_000n,
    recentCount: 1n,
    lastRecentAt: now + 1_000n,
  });
  world.settle();
});
after(stopServers);

async function rootOfProof(membership: Membership, rpc: string | string[] = world.node): Promise<Field> {
  const bauta = world.client({ rpc });
  const scope = await bauta.scope(world.addresses.scope);
  return (await bauta.prove({ identity: world.identity, membership, scope, recipient: addressOf(99) })).root;
}

test("a member of a registry that changes often proves at a root that is accepted for long", async () => {
  const since = now - 200n;
  assert.equal(await rootOfProof({ ...world.membership, since }), old);
  // Without the time, or after it, only the current root is sure to have the leaf.
  for (const membership of [world.membership, { ...world.membership, since: now }]) {
    assert.deepEqual(fieldToBytes(await rootOfProof(membership)), world.registry.root);
  }
});

test("a leaf that was written again since then is proved at the current root", async () => {
  const { registry } = world.addresses;
  const route = `GET /v1/registries/${registry}/roots/${fieldToHex(old)}/leaves`;
  const honest = world.routes.get(route)!;
  const leaves = world.leaves.map((leaf) => field(leaf));
  leaves[Number(world.membership.index)] = field(6n);
  const { root } = pathInLeaves(leaves, 10, 0n);
  const other = `GET /v1/registries/${registry}/roots/${fieldToHex(root)}/leaves`;
  world.routes.set(other, () => ({ body: Buffer.concat(leaves.map((leaf) => fieldToBytes(leaf))) }));
  const [kept] = world.registry.kept;
  world.registry.kept[0] = { ...kept!, root: fieldToBytes(root) };
  world.settle();
  assert.deepEqual(fieldToBytes(await rootOfProof({ ...world.membership, since: now - 200n })), world.registry.root);
  world.registry.kept[0] = kept!;
  world.settle();
  world.routes.set(route, honest);
});

test("one node can't choose the root by which it would recognise a proof", async () => {
  const forger = world.facts.copy();
  const honest = { ...world.registry };
  // A root that the other nodes accept as well.
  Object.assign(world.registry, { root: fieldToBytes(old), kept: Array(16).fill(none), keptCount: 0n });
  world.settle(forger);
  Object.assign(world.registry, honest);
  const faulty = await startNode(forger);
  const membership = { ...world.membership };
  const disagree = (error: unknown) => error instanceof BautaError && error.code === "nodes-disagree";
  await assert.rejects(rootOfProof(membership, [faulty, world.node]), disagree);
  const second = await startNode(world.facts);
  assert.deepEqual(fieldToBytes(await rootOfProof(membership, [faulty, world.node, second])), world.registry.root);
});
