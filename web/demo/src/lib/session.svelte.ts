// The state of the page and what the visitor can do. The steps show it.

import {
  BautaError,
  browserVault,
  createBauta,
  createProver,
  type Bauta,
  type Build,
  type Identity,
  type IdentitySource,
  type Membership,
  type Prover,
  type Scope,
  type Token,
  type Use,
} from "@bauta/sdk";
import { address, generateKeyPairSigner, type Address } from "@solana/kit";
import type { Wallet } from "@wallet-standard/base";

import sealingWorkerUrl from "../../../../sdk/prover/assets/sealing-worker.js?url";
import workerUrl from "../../../../sdk/prover/assets/worker.js?url";
import type { Phase, Sent } from "./ledger.js";
import { problemOf, type Problem } from "./problem.js";
import type { Settings } from "./settings.js";
import { countRequests } from "./traffic.js";
import { Connection, watchWallets } from "./wallet.js";

/** The kinds of tokens that the faucet of a local chain creates. */
export const KINDS = [
  { id: "token-metadata", name: "Token Metadata" },
  { id: "core", name: "Metaplex Core" },
  { id: "token-2022", name: "Token-2022" },
] as const;

/** A token that the visitor can register. */
export interface Candidate {
  readonly asset: Address;
  readonly kind: string | undefined;
  readonly eligible: boolean;
  readonly message: string | null;
}

/** A part of a proof, and when it began. */
export interface Stage {
  readonly name: string;
  readonly startedAt: number;
  endedAt?: number;
}

/** What an action is for. */
export type Action = "connect" | "tokens" | "register" | "unlock" | "prove";

/** How the identity is kept. */
export type Keeping = "device" | "passkey" | "passphrase" | "wallet";

const STAGES = { registry: "Roots", tree: "Tree", key: "Proving key", proof: "Proof" } as const;
/** The URLs of the prover's modules that the checkout has, by their builds. */
const MODULES = new Map(
  Object.entries(import.meta.glob<string>("../../../../sdk/prover/assets/*.wasm", { query: "?url", import: "default", eager: true })).map(
    ([path, url]) => [path.replace(/^.*\/|\.wasm$/g, ""), url],
  ),
);
const BUILDS = (["fused", "baseline"] as const).filter((build) => MODULES.has(build));
/** How often tokens are looked up if the API refuses, and the time between two attempts. */
const [MAX_ATTEMPTS, RETRY_MS] = [6, 1_000] as const;
/** The name under which the vault has how the identity is kept. */
const KEEPING = "demo keeping";

export class Session {
  wallets = $state.raw<readonly Wallet[]>([]);
  connection = $state.raw<Connection | null>(null);
  candidates = $state.raw<readonly Candidate[]>([]);
  /** Whether the tokens of the wallet are known. */
  searched = $state(false);
  keeping = $state<Keeping>("device");
  /** How the identity of the vault is kept, if it has one. */
  kept = $state<Keeping | undefined>();
  passphrase = $state("");
  memberships = $state.raw<readonly Membership[]>([]);
  scope = $state.raw<Scope | undefined>();
  /** The number of members who make the same claim. */
  owners = $state<number | undefined>();
  recipient = $state<string>("");
  stages = $state<Stage[]>([]);
  use = $state.raw<Use | undefined>();
  finalized = $state(false);
  sent = $state.raw<readonly Sent[]>([]);
  counted = $state.raw<ReadonlyMap<string, number>>(new Map());
  busy = $state<Action | undefined>();
  problems = $state<Partial<Record<Action, Problem>>>({});

  readonly #vault = browserVault("bauta-demo");
  readonly #clients: Readonly<Record<Phase, Bauta>>;
  readonly #prover: Prover;
  #identity: Identity | undefined;
  /** The account whose signature gave the identity, if a wallet keeps it. */
  #account: string | undefined;
  #stopWatching: () => void = () => undefined;
  /** The tokens that the faucet has created, by their addresses. */
  readonly #given = new Map<Address, { readonly owner: string; readonly kind: string }>();
  /** The API looks up one wallet at a time. */
  #lookup: Promise<unknown> = Promise.resolve();

  constructor(readonly settings: Settings) {
    const { tag, rpc, api, key, chain } = settings;
    this.#prover = createProver({ key, workers: 2, builds: BUILDS, wasm: loadModule, worker: startWorker });
    const client = (phase: Phase) =>
      createBauta({
        cluster: { tag },
        rpc,
        api,
        vault: this.#vault,
        prover: this.#prover,
        onRequest: (request) => void (this.sent = [...this.sent, { ...request, phase }]),
      });
    // Each request is reported to the client that sends it, so it is in the right part of the
    // table.
    this.#clients = { register: client("register"), prove: client("prove") };
    countRequests(this.hosts, (counted) => (this.counted = counted));
    watchWallets(chain, (wallets) => (this.wallets = wallets));
  }

  /** The hosts of the API and of the nodes. */
  get hosts(): ReadonlySet<string> {
    return new Set([this.settings.api, ...this.settings.rpc].map((url) => new URL(url).host));
  }

  /** Reads the scope and what the browser has from an earlier visit. */
  async start(): Promise<void> {
    await this.newRecipient();
    this.kept = (await this.#vault.get(KEEPING)) as Keeping | undefined;
    if (this.kept) this.keeping = this.kept;
    if (this.kept === "device") await this.unlock();
    await this.#do("prove", async () => {
      this.scope = await this.#clients.prove.scope(this.settings.scope);
      await this.#readOwners();
    });
  }

  connect(wallet: Wallet): Promise<void> {
    return this.#connect(() => Connection.open(wallet, this.settings.chain));
  }

  async #connect(open: () => Promise<Connection>): Promise<void> {
    await this.#do("connect", async () => this.#use(await open()));
    await this.search();
  }

  async disconnect(): Promise<void> {
    const { connection } = this;
    this.#use(null);
    // The page has forgotten the wallet, so an error of the wallet changes nothing.
    await connection?.close().catch(() => undefined);
  }

  #use(connection: Connection | null): void {
    this.#stopWatching();
    this.connection = connection;
    // Each account has its own identity. Without an account, the open one remains.
    if (this.#isOfOther(connection)) {
      this.#identity = undefined;
      this.memberships = [];
    }
    this.candidates = [];
    this.searched = false;
    this.problems = {};
    this.#stopWatching =
      connection?.watch((connect) => {
        // Also stops watching: a wallet can report the same change while it connects.
        this.#use(null);
        if (connect) void this.#connect(connect);
      }) ?? (() => undefined);
  }

  /** Looks up the tokens of the wallet. */
  search(): Promise<void> {
    const { connection } = this;
    if (!connection) return Promise.resolve();
    return this.#do("tokens", async () => {
      const { registry } = this.settings;
      const owner = address(connection.account.address);
      const find = () => this.#eligible(registry, owner);
      const found = (this.#lookup = this.#lookup.then(find, find));
      const tokens = (await found) as readonly Token[];
      // The visitor can have selected another account meanwhile.
      if (this.connection !== connection) return;
      this.candidates = this.#withGiven(owner, tokens);
      this.searched = true;
    });
  }

  /** Looks up tokens. Repeats it while the API looks up another wallet of this network address. */
  async #eligible(registry: Address, owner: Address): Promise<readonly Token[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#clients.register.eligible(registry, owner);
      } catch (error) {
        const isRefused = error instanceof BautaError && error.code === "api-refused";
        if (!isRefused || attempt === MAX_ATTEMPTS) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Returns tokens with those of the faucet. A node can't list the Core assets of a wallet. */
  #withGiven(owner: string, tokens: readonly Token[]): Candidate[] {
    const found = tokens.map(({ asset, eligible, message }) => ({
      asset,
      eligible,
      message,
      kind: this.#given.get(asset)?.kind,
    }));
    const others = [...this.#given].filter(([asset, given]) => given.owner === owner && !found.some((token) => token.asset === asset));
    return [...found, ...others.map(([asset, { kind }]) => ({ asset, kind, eligible: true, message: null }))];
  }

  /** Has a token created on a local chain. */
  async give(kind: string): Promise<void> {
    const { connection } = this;
    const { faucet } = this.settings;
    if (!connection || !faucet) return;
    await this.#do("tokens", async () => {
      const owner = connection.account.address;
      const response = await fetch(faucet, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ owner, kind }),
      });
      if (!response.ok) throw new Error(`the faucet answered ${response.status}: ${await response.text()}`);
      this.#given.set(address((await response.json()).asset), { owner, kind });
    });
    if (!this.problems.tokens) await this.search();
  }

  /** Registers a token. */
  async register(asset: string): Promise<void> {
    const { connection } = this;
    if (!connection) return;
    await this.#do("register", async () => {
      const identity = await this.#open(connection);
      const { registry } = this.settings;
      const what = { identity, registry, asset: address(asset), owner: connection.signer };
      const membership = await this.#clients.register.register(what);
      this.memberships = [...this.memberships.filter((other) => other.asset !== membership.asset), membership];
      await this.#readOwners();
    });
  }

  /** Opens the identity of the vault, and reads its memberships. */
  async unlock(): Promise<void> {
    await this.#do("unlock", async () => {
      const identity = await this.#open(this.connection);
      this.memberships = await this.#clients.prove.memberships(identity, this.settings.registry);
    });
  }

  /** Returns whether the identity is of an account other than the connected one. */
  #isOfOther(connection: Connection | null): boolean {
    return this.#account !== undefined && connection !== null && connection.account.address !== this.#account;
  }

  async #open(connection: Connection | null): Promise<Identity> {
    if (this.#identity && !this.#isOfOther(connection)) return this.#identity;
    const identity = await this.#clients.register.openIdentity(this.#source(connection));
    await this.#vault.set(KEEPING, this.keeping);
    this.kept = this.keeping;
    this.#account = this.keeping === "wallet" ? connection?.account.address : undefined;
    this.passphrase = "";
    return (this.#identity = identity);
  }

  #source(connection: Connection | null): IdentitySource {
    if (this.keeping === "passphrase") {
      if (this.passphrase.length < 12) throw new RangeError("a passphrase has at least 12 characters");
      return { wrap: { passphrase: this.passphrase } };
    }
    if (this.keeping !== "wallet") return { wrap: this.keeping };
    const wallet = connection?.signIn;
    if (!wallet) throw new Error("connect a wallet that can sign in, or keep the identity in another way");
    return { wallet };
  }

  /** Creates a recipient that no one has seen. The page forgets its key. */
  async newRecipient(): Promise<void> {
    this.recipient = (await generateKeyPairSigner()).address;
  }

  /** Proves, and has the proof relayed. */
  async prove(membership: Membership): Promise<void> {
    this.use = undefined;
    this.finalized = false;
    this.stages = [];
    await this.#do("prove", async () => {
      const identity = await this.#open(this.connection);
      const recipient = address(this.recipient.trim());
      const { prove: client } = this.#clients;
      const scope = await client.scope(this.settings.scope);
      this.scope = scope;
      const onProgress = ({ stage, done }: { stage: keyof typeof STAGES; done: number }) =>
        done < 1 && this.#stage(STAGES[stage]);
      const proof = await client.prove({ identity, membership, scope, recipient, onProgress });
      this.#stage("Relay");
      const relayed = await client.relay(proof);
      this.use = await relayed.confirmed();
      this.#stage("Finality");
      await this.#readOwners();
      void relayed.finalized().then(
        () => {
          this.#stage(undefined);
          this.finalized = true;
        },
        (error: unknown) => (this.problems.prove = problemOf(error)),
      );
    });
    if (this.problems.prove) this.#stage(undefined);
  }

  #stage(name: string | undefined): void {
    const now = performance.now();
    const last = this.stages.at(-1);
    if (last && last.name === name) return;
    if (last && last.endedAt === undefined) last.endedAt = now;
    if (name !== undefined) this.stages.push({ name, startedAt: now });
  }

  /** Reads how many members make the same claim. */
  async #readOwners(): Promise<void> {
    const { api, registry } = this.settings;
    const track = this.memberships[0]?.track ?? 1n;
    const report = { to: "api", host: new URL(api).host, shows: ["network address", "registry"], phase: "prove" } as const;
    this.sent = [...this.sent, { ...report, request: "GET /v1/registries/{registry}/anonymity" }];
    const url = `${api}/v1/registries/${registry}/anonymity?track=${track}`;
    const response = await fetch(url, { credentials: "omit", cache: "no-cache" });
    if (response.ok) this.owners = (await response.json()).owners;
  }

  /** Does something. Its error becomes the problem of the action. */
  async #do(action: Action, work: () => Promise<unknown>): Promise<void> {
    this.busy = action;
    delete this.problems[action];
    try {
      await work();
    } catch (error) {
      this.problems[action] = problemOf(error);
    } finally {
      if (this.busy === action) this.busy = undefined;
    }
  }
}

async function loadModule(build: Build): Promise<WebAssembly.Module> {
  const response = await fetch(MODULES.get(build)!);
  if (!response.ok) throw new Error(`the prover can't be loaded: the server answered ${response.status}`);
  return WebAssembly.compileStreaming(response);
}

/** Starts a worker of the prover from its own file: the policy of the page forbids `blob:`. */
function startWorker(sealing: boolean): Worker {
  type Rules = { createScriptURL(url: string): string };
  type Factory = { createPolicy(name: string, rules: Rules): Rules };
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
  policy ??= factory?.createPolicy("bauta-worker", {
    createScriptURL: (url) => {
      if (url !== workerUrl && url !== sealingWorkerUrl) throw new TypeError(`${url} is no worker of the prover`);
      return url;
    },
  });
  const url = sealing ? sealingWorkerUrl : workerUrl;
  return new Worker(policy?.createScriptURL(url) ?? url);
}

let policy: { createScriptURL(url: string): string } | undefined;
