// Tests what the API can learn of the member from the requests of the SDK, also with false answers.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { address, getAddressEncoder, type TransactionModifyingSigner } from "@solana/kit";

import { Service } from "../src/http.ts";
import { openIdentity, remember } from "../src/identity.ts";
import { BautaError, memoryVault, type Disclosure, type Vault } from "../src/index.ts";
import { readMemberPath } from "../src/paths.ts";
import { rootOfPath } from "../src/tree.ts";
import { SparseTree } from "./sparse-tree.ts";
import { addressOf, serve, startNode, stopServers, World } from "./world.ts";

const TOKEN_PROGRAM = address("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

afterEach(stopServers);

const named = (code: string) => (error: unknown) => error instanceof BautaError && error.code === code;
const holdingsRoute = (world: World) => `GET /v1/registries/${world.addresses.registry}/holdings`;

test("an index that the API invents is refused before a leaf or a tile is requested", async () => {
  const world = await World.honest();
  const bauta = world.client();
  for (const index of ["0", "301", "600", "99999999"]) {
    world.routes.set(holdingsRoute(world), () => ({ body: { data: [{ ...world.holding, index }], next: null } }));
    await assert.rejects(bauta.memberships(world.identity), named("false-membership"), index);
  }
  assert.deepEqual(world.received.filter((request) => /tiles|leaves/.test(request)), []);
});

test("all pages of a list of holdings are read, whichever has the member's token", async () => {
  const world = await World.honest();
  const bauta = world.client();
  const others = [{ ...world.holding, asset: addressOf(50) }, { ...world.holding, asset: addressOf(51) }];
  const seen: string[][] = [];
  for (const own of [0, 1, 2]) {
    const rows: object[] = [...others];
    rows.splice(own, 0, world.holding);
    world.routes.set(holdingsRoute(world), (_, query) => {
      const page = Number(query.get("cursor") ?? 0);
      return { body: { data: [rows[page]], next: page === 2 ? null : String(page + 1) } };
    });
    world.received.length = 0;
    assert.deepEqual(await bauta.memberships(world.identity), [world.membership]);
    seen.push(world.received.filter((request) => request.includes("holdings")));
  }
  assert.equal(seen[0]!.length, 3);
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual(seen[2], seen[0]);
});

test("a registration that was stored without an index gets it from the nodes once", async () => {
  const world = await World.honest();
  const { registry } = world.addresses;
  const stored = { registry, asset: world.asset, counter: 0 };
  await remember(world.identity, stored);
  const bauta = world.client();
  // The chain has no such registration yet.
  assert.deepEqual(await bauta.memberships(world.identity), []);
  await world.register();
  const membership = { ...world.membership, since: 1n };
  assert.deepEqual(await bauta.memberships(world.identity), [membership]);
  assert.deepEqual(await world.identity.registrations(), [{ ...stored, index: membership.index, since: 1n }]);
  world.sent.length = 0;
  assert.deepEqual(await bauta.memberships(world.identity), [membership]);
  const shown = world.sent.filter(({ to }) => to === "node").flatMap(({ shows }) => shows);
  assert.ok(shown.length > 0 && !shown.includes("token"), shown.join());
});

test("an index that is read does not replace a later registration of the asset", async () => {
  const world = await World.honest();
  const { registry } = world.addresses;
  await remember(world.identity, { registry, asset: world.asset, counter: 0 });
  await world.register();
  const node = await startNode(world.facts);
  // Another tab registers the asset again while the nodes are read.
  const onRequest = ({ request, shows }: Disclosure) => {
    if (request === "getAccountInfo" && shows.includes("token")) void remember(world.identity, { registry, asset: world.asset, counter: 1 });
  };
  await world.client({ rpc: node, onRequest }).memberships(world.identity);
  assert.equal((await world.identity.registrations())[0]!.counter, 1);
});

test("a registration that the wallet refuses is forgotten, so later visits do not show the token", async () => {
  const world = await World.honest();
  const { registry } = world.addresses;
  const { owner, asset, facts } = world;
  const identity = await openIdentity(memoryVault(), { wrap: "device" }, "devnet");
  const data = new Uint8Array(165);
  data.set(getAddressEncoder().encode(asset));
  data.set(getAddressEncoder().encode(owner.address), 32);
  data[64] = 1;
  facts.accounts.set(asset, { owner: TOKEN_PROGRAM, data: new Uint8Array(82) });
  facts.accounts.set(addressOf(20), { owner: TOKEN_PROGRAM, data });
  facts.held.set(asset, addressOf(20));
  const value = (found: unknown) => ({ context: { slot: 9 }, value: found });
  facts.methods.set("getLatestBlockhash", () => value({ blockhash: addressOf(30), lastValidBlockHeight: 150 }));
  facts.methods.set("isBlockhashValid", () => value(true));
  const refuse = () => Promise.reject(new BautaError("wallet-refused", "no", "Accept it."));
  const refusing = { address: owner.address, modifyAndSignTransactions: refuse } as TransactionModifyingSigner;
  const bauta = world.client();
  await assert.rejects(bauta.register({ identity, registry, asset, owner: refusing }), named("wallet-refused"));
  assert.deepEqual(await identity.registrations(), []);
});

test("a leaf is found with a counter near the stored one", async () => {
  const world = await World.honest();
  const { registry } = world.addresses;
  const bauta = world.client();
  for (const counter of [0, 1, 5, 32]) {
    await remember(world.identity, { registry, asset: world.asset, counter, index: world.membership.index });
    assert.deepEqual(await bauta.memberships(world.identity), [world.membership], String(counter));
  }
  await remember(world.identity, { registry, asset: world.asset, counter: 33, index: world.membership.index });
  assert.deepEqual(await bauta.memberships(world.identity), []);
});

test("the expiry of a proof does not show when the proof was made", async (context) => {
  const world = await World.honest();
  const bauta = world.client();
  const scope = await bauta.scope(world.addresses.scope);
  const { identity, membership } = world;
  const prove = (more: object = {}) => bauta.prove({ identity, membership, scope, recipient: addressOf(99), ...more });
  const quarter = Math.ceil(Date.now() / 900_000) * 900_000;
  const expiries = new Set<bigint>();
  for (const seconds of [0, 1, 500, 599]) {
    const clock = context.mock.method(Date, "now", () => quarter + seconds * 1000);
    expiries.add((await prove()).expiry);
    assert.equal((await prove({ expiresIn: 60 })).expiry, BigInt(quarter / 1000 + seconds + 60));
    clock.mock.restore();
  }
  assert.deepEqual([...expiries], [BigInt(quarter / 1000) + 4_500n]);
});

test("one of two nodes can't make the tree look larger, so that it would be read in tiles", async () => {
  const world = await World.honest();
  const other = world.facts.copy();
  world.registry.nextIndex = 1_000_000n;
  world.settle(other);
  const scope = await world.client().scope(world.addresses.scope);
  const { identity, membership } = world;
  for (const lies of ["first", "last"]) {
    const nodes = [await startNode(other), world.node];
    const bauta = world.client({ rpc: lies === "first" ? nodes : nodes.reverse() });
    world.received.length = 0;
    await bauta.prove({ identity, membership, scope, recipient: addressOf(99) });
    assert.deepEqual(world.received.filter((request) => request.includes("tiles")), []);
    assert.ok(world.received.some((request) => request.includes("leaves")));
  }
});

/** An API with tiles, and its clients. */
class Tiles {
  readonly requests: string[] = [];

  private constructor(
    readonly trees: readonly SparseTree[],
    readonly api: Service,
    requests: string[],
  ) {
    this.requests = requests;
  }

  static async of(...trees: SparseTree[]): Promise<Tiles> {
    const requests: string[] = [];
    const url = await serve((request) => {
      requests.push(request.url!.split("/").at(-1)!);
      const tile = trees.map((tree) => tree.tiles.get(requests.at(-1)!)).find(Boolean);
      return tile ? { body: tile } : { status: 404, body: { code: "not_found" } };
    });
    return new Tiles(trees, new Service(url, "api", undefined), requests);
  }

  /** Reads the path of a leaf. Returns the tiles of 256 leaves that were requested, by number. */
  async read(index: bigint, tree = this.trees[0]!, vault: Vault = memoryVault()): Promise<number[]> {
    this.requests.length = 0;
    const how = { registry: addressOf(5), root: tree.root, depth: 10, index, leaves: 1_000_000n } as const;
    const { leaf, path } = await readMemberPath(this.api, vault, how, "auto");
    assert.equal(leaf, tree.leaf(index));
    assert.equal(rootOfPath(leaf, index, path), tree.root);
    assert.equal(new Set(this.requests).size, this.requests.length, "a tile is requested once");
    return tree.numbersOf(this.requests);
  }
}

/** A leaf of a tile. */
const inTile = (tile: number) => BigInt(256 * tile + 3);

test("a leaf is read with three neighbouring tiles, and they are the same for the whole group", async () => {
  const tiles = await Tiles.of(new SparseTree(300));
  for (const [own, group] of [
    [0, [0, 1, 2, 3]],
    [3, [0, 1, 2, 3]],
    [130, [128, 129, 130, 131]],
    [256, [256, 257, 258, 259]],
    [299, [296, 297, 298, 299]],
  ] as const) {
    assert.deepEqual(await tiles.read(inTile(own)), group, String(own));
  }
  // The requests of two members of a group are equal, with their order.
  await tiles.read(inTile(128));
  const first = [...tiles.requests];
  await tiles.read(inTile(131) + 200n);
  assert.deepEqual(tiles.requests, first);
});

test("the last group has the tiles that fill no group", async () => {
  const tiles = await Tiles.of(new SparseTree(19), new SparseTree(7), new SparseTree(2));
  const [many, some, few] = tiles.trees;
  for (const own of [12, 15, 18]) assert.deepEqual(await tiles.read(inTile(own), many), [12, 13, 14, 15, 16, 17, 18]);
  assert.deepEqual(await tiles.read(inTile(11), many), [8, 9, 10, 11]);
  assert.deepEqual(await tiles.read(inTile(6), some), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(await tiles.read(inTile(1), few), [0, 1]);
});

test("the group is that of the tree that is read, whose size follows from its root", async () => {
  // The registry has a million leaves by now.
  const snapshot = await Tiles.of(new SparseTree(18));
  assert.deepEqual(await snapshot.read(inTile(17)), [12, 13, 14, 15, 16, 17]);
  // Who is not in the snapshot reads the last group, like its members.
  assert.deepEqual(await snapshot.read(inTile(20)), [12, 13, 14, 15, 16, 17]);
});

test("the tiles that were read with a leaf are read again when the tree has grown", async () => {
  const tiles = await Tiles.of(new SparseTree(17), new SparseTree(300));
  const [earlier, later] = tiles.trees;
  const vault = memoryVault();
  const group = [12, 13, 14, 15, 16];
  assert.deepEqual(await tiles.read(inTile(16), earlier, vault), group);
  assert.deepEqual(await tiles.read(inTile(16), later, vault), group);
});

test("tiles that an earlier version drew at random are used, as far as the tree has them", async () => {
  const tiles = await Tiles.of(new SparseTree(300), new SparseTree(20));
  const [later, earlier] = tiles.trees;
  const vault = memoryVault();
  await vault.set(`decoys ${addressOf(5)} ${inTile(16)}`, [290n, 7n, 100n]);
  assert.deepEqual(await tiles.read(inTile(16), later, vault), [7, 16, 100, 290]);
  assert.deepEqual(await tiles.read(inTile(16), earlier, vault), [7, 16, 17, 18, 19]);
});
