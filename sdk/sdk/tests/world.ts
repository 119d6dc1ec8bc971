// A false chain and a false API, over HTTP. Their answers are correct until a test changes a value.
// poseidon-lite hashes the tree.

import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import {
  generateKeyPairSigner,
  getAddressDecoder,
  getBase58Decoder,
  getBase58Encoder,
  type Address,
  type KeyPairSigner,
  type ReadonlyUint8Array,
} from "@solana/kit";
import {
  BAUTA_PROGRAM_ADDRESS,
  findCircuitPdaOf,
  findCollectionPda,
  findConfigPda,
  findHoldingPda,
  findNullifierPda,
  findRegistryPda,
  findScopePda,
  getCircuitEncoder,
  getCollectionEncoder,
  getConfigEncoder,
  getHoldingEncoder,
  getNullifierEncoder,
  getOwnershipVerifiedEncoder,
  getRegistryEncoder,
  getScopeEncoder,
  findEventAuthorityPda,
  Provenance,
  type CircuitArgs,
  type CollectionArgs,
  type ConfigArgs,
  type HoldingArgs,
  type RegistryArgs,
  type ScopeArgs,
} from "@bauta/program";
import { poseidon1, poseidon3, poseidon4 } from "poseidon-lite";

import {
  createBauta,
  entryIdOf,
  field,
  fieldToBytes,
  fieldToHex,
  memoryVault,
  scopeElement,
  type Bauta,
  type BautaOptions,
  type Cluster,
  type Disclosure,
  type Field,
  type Identity,
  type Membership,
  type Prover,
  type Scope,
} from "../src/index.ts";
import { openIdentity, remember } from "../src/identity.ts";
import { FalseProver, secretIn } from "./prover.ts";

export const TAG = new Uint8Array(32).fill(7);
export const TRACK = 7n;
const NO_ADDRESS = "11111111111111111111111111111111" as Address;
const LEAVES = 700;
const INDEX = 300;

const sha256 = (bytes: ArrayLike<number>) => Uint8Array.from(createHash("sha256").update(Uint8Array.from(bytes)).digest());

/** An account of the chain. */
interface StoredAccount {
  owner: Address;
  data: Uint8Array;
}

/** A transaction of an account. */
interface StoredTransaction {
  signature: string;
  transaction: unknown;
  err?: unknown;
}

/** The data that a node returns. */
export class Facts {
  genesis = "11111111111111111111111111111111";
  readonly accounts = new Map<Address, StoredAccount>();
  /** The token account that holds each mint. */
  readonly held = new Map<Address, Address>();
  /** The transactions of an account. */
  readonly transactions = new Map<Address, StoredTransaction[]>();
  /** The results of further methods. */
  readonly methods = new Map<string, (params: unknown[]) => unknown>();

  copy(): Facts {
    const facts = new Facts();
    facts.genesis = this.genesis;
    for (const [address, { owner, data }] of this.accounts) facts.accounts.set(address, { owner, data: data.slice() });
    for (const [mint, account] of this.held) facts.held.set(mint, account);
    for (const [address, list] of this.transactions) facts.transactions.set(address, [...list]);
    for (const [name, method] of this.methods) facts.methods.set(name, method);
    return facts;
  }

  answer(method: string, params: unknown[]): unknown {
    const value = (found: unknown) => ({ context: { slot: 9 }, value: found });
    const encoded = ({ owner, data }: StoredAccount) => ({
      data: [Buffer.from(data).toString("base64"), "base64"],
      executable: false,
      lamports: 1,
      owner,
      rentEpoch: 0,
      space: data.length,
    });
    const further = this.methods.get(method);
    if (further) return further(params);
    if (method === "getGenesisHash") return this.genesis;
    if (method === "getAccountInfo") {
      const account = this.accounts.get(params[0] as Address);
      return value(account ? encoded(account) : null);
    }
    if (method === "getTokenAccountsByOwner") {
      const pubkey = this.held.get((params[1] as { mint: Address }).mint);
      const account = pubkey && this.accounts.get(pubkey);
      return value(account ? [{ pubkey, account: encoded(account) }] : []);
    }
    if (method === "getSignaturesForAddress") {
      const { before, limit } = params[1] as { before?: string; limit: number };
      const all = this.transactions.get(params[0] as Address) ?? [];
      const first = before === undefined ? 0 : all.findIndex(({ signature }) => signature === before) + 1;
      const found = all.slice(first, first + limit);
      return found.map(({ signature, err = null }) => ({ signature, slot: 9, err, memo: null, blockTime: 1, confirmationStatus: "finalized" }));
    }
    if (method === "getTransaction") {
      const all = [...this.transactions.values()].flat();
      return all.find(({ signature }) => signature === params[0])?.transaction ?? null;
    }
    throw new Error(`the false node does not know ${method}`);
  }
}

/** An answer of the false API. */
export type Answer = { status?: number; body: Uint8Array | object; location?: string };
export type Route = (body: unknown, query: URLSearchParams, headers: IncomingHttpHeaders) => Answer;

const servers: Server[] = [];

/** Stops all servers. */
export function stopServers(): void {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
}

/** Starts a server. */
export async function serve(answer: (request: IncomingMessage, body: string, bytes: Buffer) => Answer | Promise<Answer>): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", async () => {
      const sent = Buffer.concat(parts);
      const { status = 200, body, location } = await answer(request, sent.toString(), sent);
      const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
      const headers = { "content-type": "application/json", ...(location === undefined ? {} : { location }) };
      response.writeHead(status, headers).end(bytes);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a server that accepts requests and never answers. */
export async function startSilent(onRequest: () => void = () => undefined): Promise<string> {
  const server = createServer(onRequest);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a node that says these facts. */
export function startNode(facts: Facts): Promise<string> {
  return serve((_, body) => {
    const { id, method, params } = JSON.parse(body);
    try {
      return { body: { jsonrpc: "2.0", id, result: facts.answer(method, params ?? []) } };
    } catch (error) {
      return { body: { jsonrpc: "2.0", id, error: { code: -32601, message: (error as Error).message } } };
    }
  });
}

/** The values of the honest world. A test changes one, and calls `settle`. */
export class World {
  readonly facts = new Facts();
  readonly routes = new Map<string, Route>();
  /** Which requests the API got, with their paths. */
  readonly received: string[] = [];
  readonly sent: Disclosure[] = [];
  config!: ConfigArgs;
  circuit!: CircuitArgs;
  registry!: RegistryArgs;
  scope!: ScopeArgs;
  collection!: CollectionArgs;
  addresses!: Record<"config" | "circuit" | "registry" | "scope" | "collection", Address>;
  asset!: Address;
  owner!: KeyPairSigner;
  relayer!: Address;
  identity!: Identity;
  entryId!: Field;
  commitment!: Field;
  leaves!: bigint[];
  root!: Field;
  webKey!: Uint8Array;
  api!: string;
  node!: string;
  membership!: Membership;
  /** What the false prover adds to its output. */
  forgeOutput: (output: Uint8Array) => void = () => undefined;

  static async honest(): Promise<World> {
    const world = new World();
    await world.#create();
    return world;
  }

  async #create(): Promise<void> {
    const addressOf = async () => (await generateKeyPairSigner()).address;
    const [authority, creator, tree] = [await addressOf(), await addressOf(), await addressOf()];
    this.owner = await generateKeyPairSigner();
    this.relayer = await addressOf();
    this.asset = await addressOf();
    this.webKey = webKey(1);
    const [config] = await findConfigPda();
    const [registry] = await findRegistryPda({ authority, nonce: 3n });
    const statement = new Uint8Array(32);
    statement.set(Buffer.from("ownership"));
    const verifyingKey = verifyingKeyIn(this.webKey);
    const registration = {
      statement,
      version: 1,
      depth: 10,
      leafFormat: 1,
      auxiliaryFormat: 0,
      provenance: Provenance.Development,
      constraintSystemHash: new Uint8Array(32).fill(2),
      transcriptHash: new Uint8Array(32),
      verifyingKey,
    };
    const [circuit] = await findCircuitPdaOf(registration);
    const [scope] = await findScopePda({ registry, creator, nonce: 4n });
    const [collection] = await findCollectionPda({ registry, key: this.asset });
    this.addresses = { config, circuit, registry, scope, collection };
    this.entryId = await entryIdOf(this.asset);

    this.identity = await openIdentity(memoryVault(), { wrap: "device" }, "devnet");
    await remember(this.identity, { registry, asset: this.asset, counter: 0, index: BigInt(INDEX) });
    const secret = await secretIn(this.identity, { registry, entryId: this.entryId, counter: 0 });
    this.commitment = field(poseidon1([secret]));
    this.leaves = Array.from({ length: LEAVES }, (_, index) => 1000n + BigInt(index));
    this.leaves[INDEX] = poseidon3([this.commitment, this.entryId, TRACK]);

    const padding = (length: number) => new Uint8Array(length);
    this.config = {
      admin: authority,
      pendingAdmin: NO_ADDRESS,
      clusterTag: TAG,
      paused: 0,
      developmentKeysAllowed: 1,
      bump: 255,
      padding: padding(5),
    };
    this.circuit = { ...registration, status: 0, bump: 255, vkHash: sha256(verifyingKey), retiresAt: 0n };
    const noRoot = { root: padding(32), expiresAt: 0n };
    this.registry = {
      authority,
      tree,
      kind: 0,
      depth: 10,
      leafFormat: 1,
      sealed: 0,
      bump: 255,
      padding: 0,
      collectionCount: 1,
      nonce: 3n,
      nextIndex: BigInt(LEAVES),
      sequence: 5n,
      root: padding(32),
      rootSince: 1n,
      rootTtl: 3_600n,
      keptCount: 0n,
      lastKeptAt: 0n,
      kept: Array(16).fill(noRoot),
      recentCount: 0n,
      lastRecentAt: 0n,
      recent: Array(32).fill(noRoot),
    };
    const now = BigInt(Math.floor(Date.now() / 1000));
    this.scope = {
      creator,
      registry,
      circuit,
      auxiliaryRegistry: NO_ADDRESS,
      gate: NO_ADDRESS,
      scope: fieldToBytes(await scopeElement(TAG, BAUTA_PROGRAM_ADDRESS, scope)),
      root: padding(32),
      requiredClaim: padding(32),
      hasRequiredClaim: 0,
      padding0: padding(7),
      opensAt: now - 60n,
      closesAt: now + 86_400n,
      mode: 1,
      status: 0,
      depth: 10,
      leafFormat: 1,
      bump: 255,
      padding1: padding(3),
      nonce: 4n,
    };
    this.collection = {
      registry,
      key: this.asset,
      kind: 0,
      bump: 255,
      rules: 0,
      number: 1,
      padding: padding(2),
      track: TRACK,
    };
    this.#serveTree();
    this.settle();
    this.#serveApi();
    this.api = await serve((request, body) => this.#answer(request, body));
    this.node = await startNode(this.facts);
    this.membership = {
      registry,
      asset: this.asset,
      entryId: this.entryId,
      index: BigInt(INDEX),
      track: TRACK,
      counter: 0,
    };
  }

  /** Writes the accounts of the present values. */
  settle(facts: Facts = this.facts): void {
    const put = (address: Address, data: ReadonlyUint8Array) =>
      facts.accounts.set(address, { owner: BAUTA_PROGRAM_ADDRESS, data: Uint8Array.from(data) });
    put(this.addresses.config, getConfigEncoder().encode(this.config));
    put(this.addresses.circuit, getCircuitEncoder().encode(this.circuit));
    put(this.addresses.registry, getRegistryEncoder().encode(this.registry));
    put(this.addresses.scope, getScopeEncoder().encode(this.scope));
    put(this.addresses.collection, getCollectionEncoder().encode(this.collection));
  }

  /** Writes the account of the token's registration. */
  async register(change: Partial<HoldingArgs> = {}, facts: Facts = this.facts): Promise<void> {
    const { registry } = this.addresses;
    const [address] = await findHoldingPda({ registry, mint: this.asset });
    const data = getHoldingEncoder().encode({
      registry,
      mint: this.asset,
      owner: this.owner.address,
      commitment: fieldToBytes(this.commitment),
      index: BigInt(INDEX),
      track: TRACK,
      lastChange: 1n,
      live: 1,
      bump: 255,
      form: 0,
      padding0: 0,
      collection: 1,
      padding1: new Uint8Array(2),
      ...change,
    });
    facts.accounts.set(address, { owner: BAUTA_PROGRAM_ADDRESS, data: Uint8Array.from(data) });
  }

  /** Computes the tree, and serves its tiles and leaves. */
  #serveTree(): void {
    let empty = 0n;
    let row = this.leaves;
    const [rows, empties] = [[row], [empty]];
    for (let level = 1; level <= 10; level++) {
      row = Array.from({ length: Math.max(1, Math.ceil(row.length / 4)) }, (_, index) =>
        poseidon4([0, 1, 2, 3].map((child) => row[4 * index + child] ?? empty)),
      );
      empty = poseidon4(Array(4).fill(empty));
      rows.push(row);
      empties.push(empty);
    }
    for (const level of [10, 8, 4]) {
      const below = level === 10 ? 8 : level - 4;
      const width = 4 ** (level - below);
      for (const [index, hash] of rows[level]!.entries()) {
        const entries = rows[below]!.slice(width * index, width * (index + 1));
        while (entries.at(-1) === empties[below]) entries.pop();
        const tile = Uint8Array.from([level, ...entries.flatMap((entry) => [...fieldToBytes(field(entry))])]);
        this.routes.set(`GET /v1/tiles/${fieldToHex(field(hash))}`, () => ({ body: tile }));
      }
    }
    this.root = field(rows[10]![0]!);
    this.registry.root = fieldToBytes(this.root);
    const leaves = Buffer.concat(this.leaves.map((leaf) => fieldToBytes(field(leaf))));
    this.routes.set(this.leavesRoute, () => ({ body: leaves }));
  }

  get leavesRoute(): string {
    return `GET /v1/registries/${this.addresses.registry}/roots/${fieldToHex(this.root)}/leaves`;
  }

  get holding(): Record<string, unknown> {
    return {
      asset: this.asset,
      index: String(INDEX),
      commitment: fieldToHex(this.commitment),
      track: String(TRACK),
      live: true,
    };
  }

  get webKeyDigest(): string {
    return Buffer.from(sha256(this.webKey)).toString("hex");
  }

  #serveApi(): void {
    const { registry } = this.addresses;
    this.routes.set(`GET /v1/registries/${registry}`, () => ({ body: { prefix_bits: 1 } }));
    this.routes.set(`GET /v1/registries/${registry}/holdings`, () => ({
      body: { prefix_bits: 1, data: [this.holding], next: null },
    }));
    this.routes.set("GET /v1/relay", () => ({ body: { relayers: [this.relayer] } }));
    this.routes.set("POST /v1/relay", () => ({ status: 202, body: { id: "0a".repeat(16), state: "queued" } }));
    this.routes.set(`GET /v1/proving-keys/${this.webKeyDigest}`, () => ({ body: this.webKey }));
    this.relayState("finalized");
  }

  /** Changes what the API returns for a relay. */
  relayState(state: string, reason: string | null = null): void {
    this.routes.set(`GET /v1/relay/${"0a".repeat(16)}`, () => ({ body: { state, signature: null, attempts: 1, reason } }));
  }

  #answer(request: IncomingMessage, body: string): Answer {
    const url = new URL(request.url!, "http://localhost");
    this.received.push(`${request.method} ${request.url}`);
    const route = this.routes.get(`${request.method} ${url.pathname}`);
    if (route) return route(body === "" ? undefined : JSON.parse(body), url.searchParams, request.headers);
    return { status: 404, body: { code: "not_found", detail: "the false API has no such route" } };
  }

  /** Creates a client. */
  client(options: Partial<BautaOptions> = {}): Bauta {
    return createBauta({
      cluster: { tag: TAG } as Cluster,
      rpc: this.node,
      api: this.api,
      prover: this.prover(),
      vault: memoryVault(),
      maxLagMs: 300,
      onRequest: (request) => this.sent.push(request),
      ...options,
    });
  }

  /** A prover that computes the public values and no proof. */
  prover(sha256 = this.webKey ? this.webKeyDigest : "00".repeat(32)): Prover {
    return new FalseProver({ sha256 }, (output) => this.forgeOutput(output));
  }

  /** Puts a verification on the chain of a node. */
  async verify(
    use: { scope: Scope; nullifier: Field; claim: Field; recipient: Address },
    facts: Facts = this.facts,
  ): Promise<void> {
    const nullifier = fieldToBytes(use.nullifier);
    const [record] = await findNullifierPda({ scope: use.scope.address, nullifier });
    const tag = getBase58Encoder().encode(use.scope.address).slice(0, 16);
    const data = getNullifierEncoder().encode({
      rentPayer: this.relayer,
      scopeTag: tag,
      nullifierPrefix: nullifier.slice(0, 16),
    });
    facts.accounts.set(record, { owner: BAUTA_PROGRAM_ADDRESS, data: Uint8Array.from(data) });
    const event = getOwnershipVerifiedEncoder().encode({
      scope: use.scope.address,
      registry: use.scope.registry,
      circuit: use.scope.circuit,
      root: fieldToBytes(this.root),
      claim: fieldToBytes(use.claim),
      nullifier,
      recipient: use.recipient,
      relayer: this.relayer,
      payloadHash: new Uint8Array(32),
      timestamp: 1n,
    });
    const [authority] = await findEventAuthorityPda();
    const call = Uint8Array.from([0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d, ...event]);
    const signature = getBase58Decoder().decode(new Uint8Array(64).fill(3));
    const inner = { programIdIndex: 1, accounts: [0], data: getBase58Decoder().decode(call), stackHeight: 2 };
    const transaction = {
      slot: 9,
      blockTime: 1,
      version: 0,
      transaction: { signatures: [signature], message: { accountKeys: [authority, BAUTA_PROGRAM_ADDRESS], instructions: [], recentBlockhash: NO_ADDRESS, header: {} } },
      meta: { err: null, fee: 1, innerInstructions: [{ index: 0, instructions: [inner] }], logMessages: [], loadedAddresses: { readonly: [], writable: [] } },
    };
    facts.transactions.set(record, [{ signature, transaction }]);
  }

  /** Adds other transactions to the accounts that have some: later ones, or earlier ones. */
  bury(count: number, how: { before?: boolean; err?: unknown } = {}, facts: Facts = this.facts): void {
    for (const [record, list] of facts.transactions) {
      const others = Array.from({ length: count }, (_, number) => {
        const bytes = new Uint8Array(64).fill(4);
        new DataView(bytes.buffer).setUint32(0, number);
        return { signature: getBase58Decoder().decode(bytes), transaction: null, err: how.err ?? null };
      });
      // The newest come first.
      facts.transactions.set(record, how.before ? [...list, ...others] : [...others, ...list]);
    }
  }
}

/** Creates a web-key file with other coordinates for each seed. Its points are not on a curve. */
export function webKey(seed: number): Uint8Array {
  const key = new Uint8Array(700);
  key.set(Buffer.from("bautaweb"));
  const view = new DataView(key.buffer);
  view.setUint32(8, 1, true);
  view.setUint32(12, 50, true);
  view.setUint32(16, 1, true);
  for (let at = 44; at < key.length; at++) key[at] = (at * 31 + seed) % 251;
  return key;
}

/** Returns the verifying key in a web key, coordinate by coordinate. */
function verifyingKeyIn(key: Uint8Array): Uint8Array {
  const coordinate = (number: number) => [...key.slice(44 + 32 * number, 44 + 32 * number + 32)].reverse();
  // Two of alpha, four of each of the three points of G2 (c0 before c1), and four of IC.
  const order = [0, 1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 14, 15, 16, 17];
  return Uint8Array.from(order.flatMap(coordinate));
}

/** Returns an address of 32 equal bytes. */
export function addressOf(byte: number): Address {
  return getAddressDecoder().decode(new Uint8Array(32).fill(byte));
}
