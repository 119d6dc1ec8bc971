import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import { getVerifyInstructionAsync, type Registry } from "@bauta/program";
import { createProver, type Prover, type ProvingKey } from "@bauta/prover";

import { equal } from "./bytes.js";
import { Chain, notOpen, type RegistryState, type Scope } from "./chain.js";
import type { Cluster } from "./cluster.js";
import type { Delegation } from "./delegation.js";
import type { OnRequest } from "./disclosure.js";
import { BautaError, type BautaCode } from "./error.js";
import { fieldToBytes, fieldToHex, type Field } from "./field.js";
import { isTransient, isUnknown, Service, type Tunnel } from "./http.js";
import { openIdentity, remember, secretOf, update, type Identity, type IdentitySource, type Registration, type SecretEntry } from "./identity.js";
import { encodeInputs, falseProof, proofOf } from "./inputs.js";
import type { Membership, Token } from "./members.js";
import { Nodes } from "./nodes.js";
import type { Gateway, ObliviousHttp } from "./ohttp.js";
import { loaded } from "./parts.js";
import type { TreeReading } from "./paths.js";
import { Pauses } from "./pauses.js";
import { attributesOfTrack, contextOf, digestOf, leafOf, type PublicInputs } from "./protocol.js";
import type { Located } from "./register.js";
import type { Relayed, Use } from "./relay.js";
import { drawRelayer } from "./relayer.js";
import { commitmentIn, nullifierIn, proverResult } from "./secrets.js";
import { defaultVault, type Vault } from "./vault.js";

/** What {@link createBauta} needs. */
export interface BautaOptions {
  /** The cluster. It is pinned here, and never read from a node. */
  readonly cluster: Cluster;
  /** The URLs of the nodes. More than half of them have to agree. Use several operators. */
  readonly rpc: string | readonly string[];
  /** The URL of the API. */
  readonly api: string | URL;
  /**
   * Sends what the API answers through a relay of Oblivious HTTP, so that the API does not learn the
   * network address. The nodes still learn it. By default, requests are sent directly.
   */
  readonly ohttp?: ObliviousHttp;
  /**
   * The prover: its worker computes with the secrets of an identity. The default has no proving
   * key, so it makes no proofs.
   */
  readonly prover?: Prover;
  /** Where the sealed identity is stored. The default is the browser's IndexedDB, or memory. */
  readonly vault?: Vault;
  /** Receives each request before it is sent: to whom, and what it shows. */
  readonly onRequest?: OnRequest;
  /**
   * Milliseconds for which the API and the nodes may lag behind each other, and for which the API
   * may refuse requests before a wait ends. The default is 60,000.
   */
  readonly maxLagMs?: number;
}

/** How far a proof is. */
export interface Progress {
  readonly stage: "registry" | "tree" | "key" | "proof";
  /** The part of the stages that is done: 0 to 1. */
  readonly done: number;
}

/** What to prove. */
export interface ProofRequest {
  readonly identity: Identity;
  readonly membership: Membership;
  readonly scope: Scope;
  /** The address that benefits. Use a new one: it is public. */
  readonly recipient: Address;
  /** The wallet that has to submit the proof. The default is one of the API's relay. */
  readonly relayer?: Address | "any";
  /** The consumer program's data. */
  readonly payload?: Uint8Array;
  /**
   * Seconds for which the proof is valid. By default, it is valid until the next full quarter of an
   * hour that is at least 3,900 seconds away, so that its expiry does not show when it was made.
   */
  readonly expiresIn?: number;
  /** How the tree is read. The default is `auto`. */
  readonly tree?: TreeReading;
  /**
   * The service that makes the proof instead of this device. It learns the secret of this token.
   */
  readonly delegate?: Delegation;
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
}

/** A proof and the values that it is for. */
export interface ScopedProof {
  readonly scope: Scope;
  /** −A, B, C. */
  readonly proof: Uint8Array;
  readonly root: Field;
  readonly nullifier: Field;
  readonly claim: Field;
  readonly recipient: Address;
  /** The wallet that has to submit the proof, or `null` if anyone can. */
  readonly relayer: Address | null;
  /** Unix seconds. */
  readonly expiry: bigint;
  readonly payload: Uint8Array;
}

/** Proves memberships. {@link createBauta} creates one. */
export interface Bauta {
  /** Opens the member's identity, or creates it. */
  openIdentity(how: IdentitySource): Promise<Identity>;
  /** Returns the tokens of a wallet that belong to a registry. Shows the wallet to the API. */
  eligible(registry: Address, owner: Address): Promise<readonly Token[]>;
  /** Registers an asset, and waits until it has a leaf. */
  register(what: {
    readonly identity: Identity;
    readonly registry: Address;
    readonly asset: Address;
    readonly owner: TransactionSigner;
    readonly signal?: AbortSignal;
  }): Promise<Membership>;
  /** Returns the memberships of an identity. */
  memberships(identity: Identity, registry?: Address): Promise<readonly Membership[]>;
  /** Reads a scope, and checks it. */
  scope(address: Address): Promise<Scope>;
  /** Makes a proof. */
  prove(what: ProofRequest): Promise<ScopedProof>;
  /**
   * Builds the instruction that verifies a proof, for dApps that send it themselves. In a scope
   * with a gate, `gate` is its signer.
   */
  verifyInstruction(proof: ScopedProof, payer: TransactionSigner, gate?: TransactionSigner): Promise<Instruction>;
  /** Has a proof verified, at the cost of the relay. */
  relay(
    proof: ScopedProof,
    options?: { readonly maxDelaySeconds?: number; readonly signal?: AbortSignal },
  ): Promise<Relayed>;
  /** Returns the verification that used the nullifier from the chain, or `null`. */
  result(use: { readonly scope: Scope; readonly nullifier: Field }): Promise<Use | null>;
}

const EXPIRES_IN = 3_900n;
/** The expiry is public. One that follows from the exact time would link a proof to requests. */
const EXPIRY_STEP = 900n;
const MAX_LAG_MS = 60_000;
/** Keeps a wait of a minute well below the API's limit of requests for each address. */
const LONGEST_PAUSE_MS = 5_000;

/** Creates a client for one cluster. It sends no request yet. */
export function createBauta(options: BautaOptions): Bauta {
  return new Client(options);
}

class Client implements Bauta {
  readonly #api: Service;
  readonly #chain: Chain;
  readonly #prover: Prover;
  readonly #vault: Vault;
  readonly #maxLagMs: number;

  constructor(private readonly options: BautaOptions) {
    const { rpc, api, cluster, ohttp, onRequest } = options;
    this.#api = new Service(api, "api", onRequest, ohttp && through(ohttp, new Service(api, "api", onRequest)));
    this.#chain = new Chain(cluster, new Nodes(typeof rpc === "string" ? [rpc] : rpc, onRequest));
    this.#prover = options.prover ?? createProver();
    this.#vault = options.vault ?? defaultVault();
    this.#maxLagMs = options.maxLagMs ?? MAX_LAG_MS;
  }

  openIdentity(how: IdentitySource): Promise<Identity> {
    return openIdentity(this.#vault, how, this.options.cluster);
  }

  async eligible(registry: Address, owner: Address): Promise<readonly Token[]> {
    const { eligibleTokens } = await loaded(import("./members.js"));
    return eligibleTokens(this.#api, registry, owner);
  }

  async register(what: Parameters<Bauta["register"]>[0]): Promise<Membership> {
    await this.#chain.checkCluster();
    // Loaded when it is needed: most visits of a page register nothing.
    const { register } = await loaded(import("./register.js"));
    const client = {
      api: this.#api,
      chain: this.#chain,
      vault: this.#vault,
      remember,
      update,
      commitmentOf: this.#commitmentOf.bind(this),
      followed: <T>(request: () => Promise<T>) => this.#followed(request, what.signal),
      locate: this.#locate.bind(this),
      membership: this.#membership.bind(this),
    };
    return register(client, what);
  }

  async memberships(identity: Identity, registry?: Address): Promise<readonly Membership[]> {
    const known = await identity.registrations();
    const wanted = known.filter((registration) => registry === undefined || registration.registry === registry);
    const found = await Promise.all(wanted.map((registration) => this.#membership(identity, registration)));
    return found.filter((membership) => membership !== undefined);
  }

  /** Returns the membership of a registration. Reads its index once from the nodes. */
  async #membership(identity: Identity, registration: Registration): Promise<Membership | undefined> {
    const { registry, index } = registration;
    const located = index === undefined ? await this.#locate(identity, registration) : { ...registration, index };
    if (!located) return undefined;
    const { leaves } = await this.#chain.registry(registry);
    const { findMembership } = await loaded(import("./members.js"));
    return findMembership(this.#api, (entry) => this.#commitmentOf(identity, entry), located, leaves);
  }

  /**
   * Reads the index of a registration from the nodes, and stores it. Returns `undefined` if the
   * asset is not registered, or not with `commitment`.
   */
  async #locate(identity: Identity, registration: Registration, commitment?: Field): Promise<Located | undefined> {
    const { registry, asset, counter } = registration;
    const holding = await this.#chain.holding(registry, asset);
    if (!holding || (commitment !== undefined && !equal(holding.commitment, fieldToBytes(commitment)))) return undefined;
    const located = { ...registration, index: holding.index, since: holding.lastChange };
    // Another call may have registered the asset again.
    await update(identity, located, (known) => (known?.counter === counter ? located : known));
    return located;
  }

  #commitmentOf(identity: Identity, entry: SecretEntry): Promise<Field> {
    return commitmentIn(this.#prover, identity, entry);
  }

  scope(address: Address): Promise<Scope> {
    return this.#chain.scope(address);
  }

  async prove(what: ProofRequest): Promise<ScopedProof> {
    const { membership, scope, recipient, payload = new Uint8Array(), signal } = what;
    const now = BigInt(Math.floor(Date.now() / 1000));
    const claim = attributesOfTrack(membership.track);
    const key = this.#prover.key;
    if (!key && !what.delegate) throw noProvingKey();
    checkScope(scope, membership, claim, now);
    // The relay is drawn only if no wallet is named.
    if (what.relayer === undefined) checkNoGate(scope);
    report(what, "registry", 0);
    const [, , { rootToProve }] = await provingCode();
    const choose = scope.root === null ? (state: Registry) => rootToProve(state, membership.since, now) : undefined;
    const [registry] = await Promise.all([
      // The nodes can differ while the registry changes.
      this.#followed(() => this.#chain.registry(scope.registry, choose), signal),
      this.#chain.checkAccepting(scope.circuit, now),
    ]);
    const chosen = what.relayer ?? (await drawRelayer(this.#api, signal));
    const relayer = chosen === "any" ? undefined : chosen;
    const expiry = what.expiresIn === undefined ? defaultExpiry(now) : now + BigInt(what.expiresIn);
    const context = await contextOf({ recipient, relayer, expiry, payload });
    const values = { scope: scope.element, claim, context };
    const made = what.delegate
      ? await this.#delegated(what, what.delegate, values, registry)
      : await this.#onDevice(what, key!, values, registry);
    report(what, "proof", 1);
    return { scope, claim, recipient, expiry, payload, relayer: relayer ?? null, ...made };
  }

  /** Makes a proof on this device. */
  async #onDevice(what: ProofRequest, key: ProvingKey, values: BoundValues, registry: RegistryState): Promise<Made> {
    const { identity, membership, scope, signal } = what;
    const { entryId, index } = membership;
    const prover = this.#prover;
    const [{ falseMembership, readMemberPath }, { withProvingKey }] = await provingCode();
    if (index >= 4n ** BigInt(scope.depth)) throw falseMembership("the tree has no such leaf");
    report(what, "tree", 0.1);
    const readAt = (root: Field) => {
      const tree = { registry: scope.registry, root, depth: scope.depth, index, leaves: registry.leaves };
      return this.#followed(() => readMemberPath(this.#api, this.#vault, tree, what.tree ?? "auto", signal), signal);
    };
    const commitment = await commitmentIn(prover, identity, membership);
    const expected = leafOf(commitment, entryId, values.claim);
    let root = scope.root ?? registry.chosen;
    let { leaf, path } = await readAt(root);
    if (leaf !== expected && scope.root === null && root !== registry.current) {
      // The leaf was written again after the time that the vault has.
      root = registry.current;
      ({ leaf, path } = await readAt(root));
    }
    report(what, "key", 0.4);
    if (leaf !== expected) {
      const reason = `the leaf ${index} of the tree is ${fieldToHex(leaf)}`;
      throw scope.root === null ? falseMembership(reason) : notAMember(reason);
    }
    const nullifier = await nullifierIn(prover, identity, membership, scope.element);
    const inputs = { ...values, root, nullifier };
    const bytes = encodeInputs({ entryId, track: values.claim, index, path }, inputs);
    report(what, "proof", 0.5);
    const secret = secretOf(identity, membership);
    const output = await withProvingKey(this.#api, prover, key, scope, signal, (load) =>
      proverResult(prover.prove(secret, bytes, load, signal)),
    );
    return { proof: proofOf(output, inputs), root, nullifier };
  }

  /** Has a proof made by the prover service. */
  async #delegated(
    what: ProofRequest,
    delegation: Delegation,
    values: BoundValues,
    registry: RegistryState,
  ): Promise<Made> {
    const { identity, membership, scope, signal } = what;
    const { prover, apiKey } = delegation;
    const keys = prover === undefined ? this.#api : this.#api.other(prover, "prover");
    report(what, "proof", 0.1);
    const { delegate } = await loaded(import("./delegation.js"));
    const nullifier = await nullifierIn(this.#prover, identity, membership, scope.element);
    const inputs = { ...values, nullifier };
    const secret = secretOf(identity, membership);
    const described = { ...membership, ...values };
    const made = await delegate(this.#api, keys, apiKey, this.#prover, this.#vault, secret, described, inputs, signal);
    const { root } = made;
    // The prover service can know a newer root than the one that was read before.
    const isAccepted = async () => registry.accepts(root) || (await this.#chain.registry(scope.registry)).accepts(root);
    if (scope.root === null ? !(await isAccepted()) : scope.root !== root) {
      throw new BautaError(
        "root-not-accepted",
        `the proof is for the root ${fieldToHex(root)}, which the scope does not accept`,
        "Retry. If it remains so, use another prover service.",
      );
    }
    const digest = fieldToBytes(digestOf({ ...inputs, root }));
    if (!(await proverResult(this.#prover.verify(scope.verifyingKey, made.proof, digest)))) {
      throw falseProof("the prover service", "a proof that is not valid");
    }
    return { ...made, nullifier };
  }

  /** Repeats a request that the API refuses for now, or for something that it doesn't know yet. */
  async #followed<T>(request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const pauses = new Pauses(LONGEST_PAUSE_MS);
    for (const start = Date.now(); ; ) {
      signal?.throwIfAborted();
      try {
        return await request();
      } catch (error) {
        const isBehind = isUnknown(error) || (error instanceof BautaError && BEHIND.includes(error.code));
        const canFollow = isBehind || isTransient(error);
        if (!canFollow || Date.now() - start > this.#maxLagMs) throw error;
      }
      await pauses.next(signal);
    }
  }

  async verifyInstruction(proof: ScopedProof, payer: TransactionSigner, gate?: TransactionSigner): Promise<Instruction> {
    const { scope } = proof;
    if (scope.gate !== null && scope.gate !== gate?.address) {
      throw new BautaError("gate-must-sign", `the gate ${scope.gate} has to sign`, "Give its signer as the third argument.");
    }
    if (proof.relayer !== null && proof.relayer !== payer.address) {
      throw new BautaError("no-relayer", `only ${proof.relayer} can submit the proof`, "Prove again for this payer.");
    }
    return getVerifyInstructionAsync({
      payer,
      recipient: proof.recipient,
      scope: scope.address,
      circuit: scope.circuit,
      ...(scope.mode === "live" ? { registry: scope.registry } : {}),
      ...(scope.gate !== null && gate ? { gate } : {}),
      ...(proof.relayer === null ? {} : { relayer: payer }),
      proof: proof.proof,
      root: fieldToBytes(proof.root),
      nullifier: fieldToBytes(proof.nullifier),
      claim: fieldToBytes(proof.claim),
      auxiliaryRoot: null,
      expiry: proof.expiry,
      payload: proof.payload,
    });
  }

  async relay(
    proof: ScopedProof,
    options: { readonly maxDelaySeconds?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Relayed> {
    checkNoGate(proof.scope);
    const { relayProof } = await loaded(import("./relay.js"));
    return relayProof(this.#api, this.#chain, this.#vault, proof, { ...options, maxLagMs: this.#maxLagMs });
  }

  async result(use: { readonly scope: Scope; readonly nullifier: Field }): Promise<Use | null> {
    const { findUse } = await loaded(import("./relay.js"));
    return findUse(this.#chain, use);
  }
}

/** The public values of a proof that are known before it is made. */
type BoundValues = Pick<PublicInputs, "scope" | "claim" | "context">;

/** Returns what sends requests through a relay. Its code is loaded with the first one. */
function through(ohttp: ObliviousHttp, api: Service): Tunnel {
  let gateway: Promise<Gateway> | undefined;
  return async (message, report) => {
    gateway ??= loaded(import("./ohttp.js")).then(({ Gateway }) => new Gateway(api, ohttp));
    return (await gateway).send(message, report);
  };
}

/** Loads what only proofs on this device need. */
function provingCode() {
  return loaded(Promise.all([import("./paths.js"), import("./proving-key.js"), import("./roots.js")]));
}

function defaultExpiry(now: bigint): bigint {
  return ((now + EXPIRES_IN) / EXPIRY_STEP + 1n) * EXPIRY_STEP;
}

/** What a proof adds to them. */
type Made = Pick<ScopedProof, "proof" | "root" | "nullifier">;

function report(what: ProofRequest, stage: Progress["stage"], done: number): void {
  what.onProgress?.({ stage, done });
}

const BEHIND: readonly BautaCode[] = ["api-behind", "unknown-tile", "nodes-disagree"];

function notAMember(reason: string): BautaError {
  return new BautaError(
    "not-a-member",
    `the member has no leaf at the root of the snapshot: ${reason}`,
    "Only the members at the time when the scope was created can prove.",
  );
}

function noProvingKey(): BautaError {
  return new BautaError(
    "no-proving-key",
    "createBauta has no prover with a proving key",
    "Give it createProver({ key }), or delegate the proof.",
  );
}

/** Refuses if the API's relay could not submit a proof, because it has no signature of the gate. */
function checkNoGate({ address, gate }: Scope): void {
  if (gate === null) return;
  throw new BautaError(
    "gate-must-sign",
    `the gate ${gate} of the scope ${address} has to sign, and the relay does not have its signature`,
    "Name the wallet that submits the proof with the gate as the relayer, or \"any\".",
  );
}

/** Refuses what the program would refuse because of the scope account. */
function checkScope(scope: Scope, membership: Membership, claim: Field, now: bigint): void {
  if (membership.registry !== scope.registry) {
    throw new BautaError(
      "other-registry",
      `the members of ${scope.registry} may prove, and not those of ${membership.registry}`,
      "Use a membership of the scope's registry.",
    );
  }
  if (scope.closed || now >= scope.closesAt || now < scope.opensAt) {
    throw notOpen(`${scope.address} is closed, or not open yet`, "See opensAt and closesAt of the scope.");
  }
  if (scope.requiredClaim !== null && scope.requiredClaim !== claim) {
    throw new BautaError(
      "other-claim",
      `the scope accepts only the claim ${scope.requiredClaim}, and the track is ${claim}`,
      "Use a membership of this track.",
    );
  }
}
