// bauta.d.ts
import type { Address, Instruction, TransactionSigner } from "@solana/kit";
import { type Prover } from "@bauta/prover";
import { type Scope } from "./chain.js";
import type { Cluster } from "./cluster.js";
import type { Delegation } from "./delegation.js";
import type { OnRequest } from "./disclosure.js";
import { type Field } from "./field.js";
import { type Identity, type IdentitySource } from "./identity.js";
import type { Membership, Token } from "./members.js";
import type { ObliviousHttp } from "./ohttp.js";
import type { TreeReading } from "./paths.js";
import type { Relayed, Use } from "./relay.js";
import { type Vault } from "./vault.js";
export interface BautaOptions {
    readonly cluster: Cluster;
    readonly rpc: string | readonly string[];
    readonly api: string | URL;
    readonly ohttp?: ObliviousHttp;
    readonly prover?: Prover;
    readonly vault?: Vault;
    readonly onRequest?: OnRequest;
    readonly maxLagMs?: number;
}
export interface Progress {
    readonly stage: "registry" | "tree" | "key" | "proof";
    readonly done: number;
}
export interface ProofRequest {
    readonly identity: Identity;
    readonly membership: Membership;
    readonly scope: Scope;
    readonly recipient: Address;
    readonly relayer?: Address | "any";
    readonly payload?: Uint8Array;
    readonly expiresIn?: number;
    readonly tree?: TreeReading;
    readonly delegate?: Delegation;
    readonly signal?: AbortSignal;
    onProgress?(progress: Progress): void;
}
export interface ScopedProof {
    readonly scope: Scope;
    readonly proof: Uint8Array;
    readonly root: Field;
    readonly nullifier: Field;
    readonly claim: Field;
    readonly recipient: Address;
    readonly relayer: Address | null;
    readonly expiry: bigint;
    readonly payload: Uint8Array;
}
export interface Bauta {
    openIdentity(how: IdentitySource): Promise<Identity>;
    eligible(registry: Address, owner: Address): Promise<readonly Token[]>;
    register(what: {
        readonly identity: Identity;
        readonly registry: Address;
        readonly asset: Address;
        readonly owner: TransactionSigner;
        readonly signal?: AbortSignal;
    }): Promise<Membership>;
    memberships(identity: Identity, registry?: Address): Promise<readonly Membership[]>;
    scope(address: Address): Promise<Scope>;
    prove(what: ProofRequest): Promise<ScopedProof>;
    verifyInstruction(proof: ScopedProof, payer: TransactionSigner, gate?: TransactionSigner): Promise<Instruction>;
    relay(proof: ScopedProof, options?: {
        readonly maxDelaySeconds?: number;
        readonly signal?: AbortSignal;
    }): Promise<Relayed>;
    result(use: {
        readonly scope: Scope;
        readonly nullifier: Field;
    }): Promise<Use | null>;
}
export declare function createBauta(options: BautaOptions): Bauta;

// binary-http.d.ts
type Bytes = Uint8Array<ArrayBuffer>;
interface Request {
    readonly method: string;
    readonly authority: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array | null;
}
export declare function writeRequest({ method, authority, path, headers, body }: Request): Bytes;
export declare function readResponse(message: Uint8Array): Response;
export {};

// bytes.d.ts
export declare function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean;
export declare function toHex(bytes: ArrayLike<number>): string;
export declare function fromHex(text: string): Uint8Array<ArrayBuffer>;
export declare function sha256(bytes: ArrayLike<number>): Promise<Uint8Array<ArrayBuffer>>;

// chain.d.ts
import type { Address, EncodedAccount } from "@solana/kit";
import { RegistryKind, type Holding, type Registry } from "@bauta/program";
import { type Cluster } from "./cluster.js";
import { BautaError } from "./error.js";
import { type Field } from "./field.js";
import { type Nodes } from "./nodes.js";
import type { Depth } from "./tree.js";
export interface Scope {
    readonly address: Address;
    readonly registry: Address;
    readonly circuit: Address;
    readonly vkHash: string;
    readonly verifyingKey: Uint8Array;
    readonly element: Field;
    readonly mode: "snapshot" | "live";
    readonly root: Field | null;
    readonly requiredClaim: Field | null;
    readonly gate: Address | null;
    readonly depth: Depth;
    readonly opensAt: bigint;
    readonly closesAt: bigint;
    readonly closed: boolean;
}
export interface RegistryState {
    readonly address: Address;
    readonly tree: Address;
    readonly kind: RegistryKind;
    readonly depth: Depth;
    readonly leaves: bigint;
    readonly current: Field;
    readonly chosen: Field;
    accepts(root: Field): boolean;
}
export declare class Chain {
    #private;
    private readonly pinned;
    readonly nodes: Nodes;
    constructor(pinned: Cluster, nodes: Nodes);
    checkCluster(): Promise<void>;
    scope(address: Address): Promise<Scope>;
    checkAccepting(circuit: Address, now: bigint): Promise<void>;
    registry(address: Address, choose?: (registry: Registry) => Registry["root"]): Promise<RegistryState>;
    holding(registry: Address, asset: Address): Promise<Holding | undefined>;
}
export declare function notOpen(reason: string, remedy: string): BautaError;
export declare function elementOf(bytes: ArrayLike<number>, address: Address): Field;
export declare function decoded<T extends object>(account: EncodedAccount, decode: (account: EncodedAccount) => {
    readonly data: T;
}): T;
export declare function falseAccount(address: Address, reason: string): BautaError;

// cluster.d.ts
export type Cluster = "mainnet" | "devnet" | {
    readonly tag: Uint8Array;
};
export declare function genesisOf(cluster: Cluster): string | undefined;
export declare function isMainnet(cluster: Cluster): boolean;
export declare function tagOf(cluster: Cluster): Uint8Array;
export declare function nameOf(cluster: Cluster): string;

// collections.d.ts
import { type Address } from "@solana/kit";
import { CollectionKind } from "@bauta/program";
import { type Chain } from "./chain.js";
import { type Service } from "./http.js";
export interface Named {
    readonly kind: CollectionKind;
    readonly name: Address | undefined;
}
export declare function collectionOf(api: Service, chain: Chain, registry: Address, names: readonly Named[]): Promise<Address>;

// delegation.d.ts
import type { Address } from "@solana/kit";
import { type EntrySecret, type Prover } from "@bauta/prover";
import { type Field } from "./field.js";
import { type Service } from "./http.js";
import type { PublicInputs } from "./protocol.js";
import type { Vault } from "./vault.js";
export interface Delegation {
    readonly apiKey: string;
    readonly prover?: string | URL;
}
export interface DelegatedProof {
    readonly registry: Address;
    readonly asset: Address;
    readonly entryId: Field;
    readonly scope: Field;
    readonly claim: Field;
    readonly context: Field;
}
export declare function delegate(api: Service, keys: Service, apiKey: string, prover: Prover, vault: Vault, secret: EntrySecret, what: DelegatedProof, expected: Omit<PublicInputs, "root">, signal?: AbortSignal): Promise<{
    readonly proof: Uint8Array;
    readonly root: Field;
}>;

// disclosure.d.ts
export type Shown = "network address" | "API key" | "wallet" | "token" | "commitment" | "registry" | "circuit" | "scope" | "all leaves or none" | "one of 256 leaves" | "one of about 256 tokens" | "nullifier" | "recipient and payload" | "relay" | "transaction" | "sealed secret" | "rollout percentile";
export interface Disclosure {
    readonly to: "api" | "node" | "prover" | "file" | "ohttp-relay";
    readonly host: string;
    readonly request: string;
    readonly shows: readonly Shown[];
}
export type OnRequest = (request: Disclosure) => void;

// error.d.ts
export type BautaCode = 
"api-unreachable"
 | "api-refused"
 | "api-malformed"
 | "unknown-tile"
 | "false-tile"
 | "false-leaves"
 | "api-behind"
 | "false-membership"
 | "false-relay-state"
 | "not-in-rollout"
 | "unknown-ohttp-key"
 | "false-ohttp-key"
 | "node-unreachable"
 | "nodes-disagree"
 | "wrong-cluster"
 | "unknown-account"
 | "false-account"
 | "false-scope"
 | "false-circuit"
 | "development-key"
 | "unknown-statement"
 | "asset-not-held"
 | "not-in-collection"
 | "scope-not-open"
 | "other-claim"
 | "other-registry"
 | "not-a-member"
 | "root-not-accepted"
 | "false-proving-key"
 | "other-proving-key"
 | "false-proof"
 | "no-proving-key"
 | "prover-failed"
 | "code-not-loaded"
 | "false-sealing-key"
 | "false-event"
 | "unknown-event"
 | "relay-ended"
 | "gate-must-sign"
 | "no-relayer"
 | "no-wallet"
 | "wallet-refused"
 | "transaction-failed"
 | "identity-sealed"
 | "passkey-refused"
 | "vault-failed"
 | "identity-unsupported";
export declare class BautaError extends Error {
    readonly code: BautaCode;
    readonly remedy: string;
    readonly name = "BautaError";
    constructor(code: BautaCode, message: string, 
    remedy: string, options?: ErrorOptions);
}

// event.d.ts
import { type OwnershipVerified, type TransactionWithResults } from "@bauta/program";
export declare function verificationsOf({ transaction, meta }: TransactionWithResults): Promise<OwnershipVerified[]>;

// field.d.ts
declare const brand: unique symbol;
export type Field = bigint & {
    readonly [brand]: "Field";
};
export declare const MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
export declare function field(value: bigint): Field;
export declare function fieldFromBytes(bytes: Uint8Array): Field;
export declare function fieldToBytes(value: Field): Uint8Array;
export declare function fieldFromHex(text: string): Field;
export declare function fieldToHex(value: Field): string;
export {};

// http.d.ts
import type { Disclosure, OnRequest, Shown } from "./disclosure.js";
import { BautaError } from "./error.js";
export interface ServiceRequest {
    readonly path: string;
    readonly route: string;
    readonly shows: readonly Shown[];
    readonly body?: unknown;
    readonly type?: string;
    readonly fields?: Readonly<Record<string, string>>;
    readonly direct?: boolean;
    readonly key?: string | undefined;
    readonly limit?: number;
    readonly cache?: RequestCache;
    readonly signal?: AbortSignal | undefined;
}
export interface Message {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array<ArrayBuffer> | null;
    readonly limit: number;
    readonly signal: AbortSignal;
}
export type Tunnel = (message: Message, report: () => void) => Promise<Response>;
export declare class Refusal extends BautaError {
    readonly status: number;
    readonly problem: string;
    constructor(status: number, 
    problem: string, detail: string);
}
export declare function isTransient(error: unknown): error is BautaError;
export declare function isUnknown(error: unknown): boolean;
export declare class Service {
    #private;
    private readonly to;
    private readonly onRequest;
    private readonly tunnel?;
    readonly url: string;
    constructor(url: string | URL, to: Exclude<Disclosure["to"], "node">, onRequest: OnRequest | undefined, tunnel?: Tunnel | undefined);
    get isProver(): boolean;
    other(url: string | URL, to: "prover" | "file" | "ohttp-relay"): Service;
    bytes(request: ServiceRequest): Promise<Uint8Array<ArrayBuffer>>;
    answer(request: ServiceRequest, limited: AbortSignal): Promise<Response>;
    json(request: ServiceRequest): Promise<Reader>;
}
export declare function send(url: string | URL | Request, options: RequestInit): Promise<Response>;
export declare function timeLimited<T>(signal: AbortSignal | undefined, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
export declare function malformed(message: string): BautaError;
export declare class Reader {
    #private;
    private readonly name;
    constructor(value: unknown, name: string);
    text(field: string): string;
    optional(field: string): string | null;
    boolean(field: string): boolean;
    count(field: string): number;
    value<T>(field: string, read: (text: string) => T): T;
    list(field: string): Reader[];
    values<T>(field: string, read: (text: string) => T): T[];
    object(field: string): Reader;
}
export declare function unsigned(text: string): bigint;
export declare function boundedBody(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
export declare function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;

// identity.d.ts
import { type Address } from "@solana/kit";
import type { EntrySecret } from "@bauta/prover";
import type { Cluster } from "./cluster.js";
import { type Field } from "./field.js";
import type { Vault } from "./vault.js";
export type Wrap = "passkey" | "device" | {
    readonly passphrase: string;
};
export type IdentitySource = 
{
    readonly wrap: Wrap;
}
 | {
    readonly wallet: SignInWallet;
};
export interface SignInWallet {
    signIn(message: {
        readonly domain: string;
        readonly statement: string;
    }): Promise<{
        readonly signedMessage: Uint8Array;
        readonly signature: Uint8Array;
    }>;
}
export interface Registration {
    readonly registry: Address;
    readonly asset: Address;
    readonly counter: number;
    readonly index?: bigint;
    readonly since?: bigint;
}
export interface SecretEntry {
    readonly registry: Address;
    readonly entryId: Field;
    readonly counter: number;
}
export declare let secretOf: (identity: Identity, entry: SecretEntry) => EntrySecret;
export declare let update: (identity: Identity, entry: Pick<Registration, "registry" | "asset">, change: (known: Registration | undefined) => Registration | undefined) => Promise<void>;
export declare function remember(identity: Identity, registration: Registration): Promise<void>;
export declare class Identity {
    #private;
    private constructor();
    registrations(): Promise<readonly Registration[]>;
    backup(passphrase: string): Promise<Uint8Array>;
}
export declare function openIdentity(vault: Vault, how: IdentitySource, cluster: Cluster): Promise<Identity>;
export declare function restoreIdentity(vault: Vault, backup: Uint8Array, passphrase: string): Promise<void>;

// index.d.ts
export { createProver, type Build, type EntrySecret, type Prover, type ProverOptions, type ProvingKey, type SealedMaster, type SealRequest, type WorkerLike, } from "@bauta/prover";
export { createBauta, type Bauta, type BautaOptions, type Progress, type ProofRequest, type ScopedProof } from "./bauta.js";
export type { Scope } from "./chain.js";
export type { Cluster } from "./cluster.js";
export type { Delegation } from "./delegation.js";
export type { Disclosure, OnRequest, Shown } from "./disclosure.js";
export { BautaError, type BautaCode } from "./error.js";
export { field, fieldFromBytes, fieldFromHex, fieldToBytes, fieldToHex, MODULUS, type Field } from "./field.js";
export { restoreIdentity, type Identity, type IdentitySource, type Registration, type SignInWallet, type Wrap } from "./identity.js";
export type { Membership, Token } from "./members.js";
export type { TreeReading } from "./paths.js";
export type { ObliviousHttp } from "./ohttp.js";
export { MAX_INPUTS, poseidon } from "./poseidon.js";
export { attributesOfTrack, claimWithAuxiliaryRoot, commitmentOf, contextOf, deriveSecret, digestOf, entryIdOf, hashToField, leafOf, nullifierOf, scopeElement, type PublicInputs, type VerificationContext, } from "./protocol.js";
export type { Relayed, RelayState, Use } from "./relay.js";
export { readPath, type TreePath } from "./tiles.js";
export { emptySubtree, parentOf, rootOfPath, type Depth, type Siblings } from "./tree.js";
export { connectWallet, type Wallet, type WalletAccount } from "./wallet.js";
export { browserVault, memoryVault, type Vault } from "./vault.js";

// inputs.d.ts
import { BautaError } from "./error.js";
import { type Field } from "./field.js";
import { type PublicInputs } from "./protocol.js";
import type { Siblings } from "./tree.js";
export declare const PROOF_BYTES = 256;
export declare function encodeInputs(entry: {
    readonly entryId: Field;
    readonly track: Field;
    readonly index: bigint;
    readonly path: readonly Siblings[];
}, inputs: PublicInputs): Uint8Array;
export declare function proofOf(output: Uint8Array, inputs: PublicInputs): Uint8Array;
export declare function falseProof(by: string, what?: string): BautaError;

// layouts.d.ts
import { type Address, type ReadonlyUint8Array } from "@solana/kit";
export declare const TOKEN_METADATA_PROGRAM: Address<"metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s">;
export declare const CORE_PROGRAM: Address<"CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d">;
export declare function isTokenProgram(program: Address): boolean;
export interface Held {
    readonly mint: Address;
    readonly owner: Address;
    readonly amount: bigint;
}
export declare function heldIn(data: ReadonlyUint8Array): Held | undefined;
export declare function groupOf(mint: ReadonlyUint8Array): Address | undefined;
export interface Metadata {
    readonly isProgrammable: boolean;
    readonly collection: Address | undefined;
}
export declare function metadataOf(mint: Address, data: ReadonlyUint8Array): Metadata | undefined;
export declare function masterOf(edition: ReadonlyUint8Array): Address | undefined;
export interface CoreAsset {
    readonly collection: Address | undefined;
}
export declare function coreAssetOf(data: ReadonlyUint8Array): CoreAsset | undefined;

// members.d.ts
import { type Address } from "@solana/kit";
import { type Field } from "./field.js";
import { type Service } from "./http.js";
import type { Registration, SecretEntry } from "./identity.js";
export interface Token {
    readonly asset: Address;
    readonly track: bigint;
    readonly eligible: boolean;
    readonly reason: string | null;
    readonly message: string | null;
}
export interface Membership {
    readonly registry: Address;
    readonly asset: Address;
    readonly entryId: Field;
    readonly index: bigint;
    readonly track: bigint;
    readonly counter: number;
    readonly since?: bigint;
}
export declare function eligibleTokens(api: Service, registry: Address, owner: Address): Promise<Token[]>;
export declare function findMembership(api: Service, commitmentOf: (entry: SecretEntry) => Promise<Field>, { registry, asset, counter, index, since }: Registration & {
    readonly index: bigint;
}, leaves: bigint): Promise<Membership | undefined>;
export declare function prefixOf(asset: Address, bits: number): string;

// nodes.d.ts
import { type Address, type Commitment, type EncodedAccount, type Rpc, type SolanaRpcApi } from "@solana/kit";
import type { OnRequest, Shown } from "./disclosure.js";
import { BautaError } from "./error.js";
export type Send<T> = (rpc: Rpc<SolanaRpcApi>, report: (method: string) => void) => Promise<T>;
export declare class Nodes {
    #private;
    private readonly onRequest;
    constructor(urls: readonly string[], onRequest: OnRequest | undefined);
    decided<T, R>(method: string, shows: readonly Shown[], send: Send<T>, decide: (given: readonly T[]) => R): Promise<R>;
    send(send: Send<unknown>): Promise<void>;
    agreed<T>(method: string, shows: readonly Shown[], send: Send<T>, name: (value: T) => string): Promise<T>;
    choose<T>(method: string, given: readonly T[], name: (value: T) => string): T;
    accepted<T, C>(given: readonly T[], candidates: readonly C[], accepts: (value: T, candidate: C) => boolean): C | undefined;
    accounts<R>(address: Address, shows: readonly Shown[], decide: (existing: readonly EncodedAccount[]) => R): Promise<R>;
    account(address: Address, shows: readonly Shown[], commitment?: Commitment): Promise<EncodedAccount | undefined>;
}
export declare function unknownAccount(address: Address): BautaError;

// ohttp.d.ts
import { type Message, type Service } from "./http.js";
export interface ObliviousHttp {
    readonly relay: string | URL;
    readonly keys?: string | URL;
}
export declare class Gateway {
    #private;
    private readonly api;
    constructor(api: Service, { relay, keys }: ObliviousHttp);
    send(message: Message, report: () => void): Promise<Response>;
}

// parts.d.ts
import { BautaError } from "./error.js";
export declare function loaded<T>(part: Promise<T>): Promise<T>;
export declare function notLoaded(reason: string, remedy: string, cause: unknown): BautaError;

// passkey.d.ts
import { type Bytes } from "./sealing.js";
export declare function createPasskey(): Promise<Bytes>;
export declare function passkeyKey(credential: Bytes, salt: Bytes): Promise<CryptoKey>;

// paths.d.ts
import type { Address } from "@solana/kit";
import { BautaError } from "./error.js";
import { type Field } from "./field.js";
import { type Service } from "./http.js";
import { type TreePath } from "./tiles.js";
import { type Depth } from "./tree.js";
import type { Vault } from "./vault.js";
export type TreeReading = 
"auto"
 | "whole"
 | "tiles";
export interface LeafOfTree {
    readonly registry: Address;
    readonly root: Field;
    readonly depth: Depth;
    readonly index: bigint;
    readonly leaves: bigint;
}
export declare function readMemberPath(api: Service, vault: Vault, tree: LeafOfTree, how: TreeReading, signal?: AbortSignal): Promise<TreePath>;
export declare function pathInLeaves(leaves: readonly Field[], depth: Depth, index: bigint): TreePath & {
    readonly root: Field;
};
export declare function falseMembership(reason: string): BautaError;

// pauses.d.ts
export declare class Pauses {
    #private;
    private readonly longestMs;
    constructor(longestMs?: number);
    next(signal?: AbortSignal): Promise<void>;
}

// percentile.d.ts
import { type Service } from "./http.js";
import type { Vault } from "./vault.js";
export declare function percentileIn(api: Service, vault: Vault, signal: AbortSignal | undefined): Promise<number>;

// poseidon-constants.d.ts
export interface PoseidonConstants {
    readonly rounds: readonly (readonly bigint[])[];
    readonly matrix: readonly (readonly bigint[])[];
}
export declare function poseidonConstants(width: number): PoseidonConstants;

// poseidon.d.ts
import { type Field } from "./field.js";
export declare const MAX_INPUTS = 6;
export declare function poseidon(...inputs: readonly Field[]): Field;

// protocol.d.ts
import { type Address } from "@solana/kit";
import { type Field } from "./field.js";
export declare function entryIdOf(asset: Address): Promise<Field>;
export declare function deriveSecret(master: Uint8Array, registry: Address, entryId: Field, counter?: number): Promise<Uint8Array>;
export declare function commitmentOf(secret: Uint8Array): Field;
export declare function leafOf(commitment: Field, entryId: Field, attributes: Field): Field;
export declare function nullifierOf(secret: Uint8Array, entryId: Field, scope: Field): Field;
export declare function scopeElement(clusterTag: Uint8Array, program: Address, scope: Address): Promise<Field>;
export interface VerificationContext {
    readonly recipient: Address;
    readonly relayer?: Address | undefined;
    readonly expiry: bigint;
    readonly payload: Uint8Array;
}
export declare function contextOf(context: VerificationContext): Promise<Field>;
export declare function claimWithAuxiliaryRoot(claim: Field, auxiliaryRoot: Field): Field;
export interface PublicInputs {
    readonly root: Field;
    readonly nullifier: Field;
    readonly scope: Field;
    readonly claim: Field;
    readonly context: Field;
}
export declare function digestOf(inputs: PublicInputs): Field;
export declare function hashToField(tag: string, ...parts: readonly Uint8Array[]): Promise<Field>;
export declare function attributesOfTrack(track: bigint): Field;

// proving-key.d.ts
import type { Prover, ProvingKey } from "@bauta/prover";
import type { Scope } from "./chain.js";
import { type Service } from "./http.js";
export declare function readProvingKey(api: Service, key: ProvingKey, scope: Scope, signal?: AbortSignal): Promise<Uint8Array>;
export declare function withProvingKey(api: Service, prover: Prover, key: ProvingKey, scope: Scope, signal: AbortSignal | undefined, prove: (load: () => Promise<Uint8Array>) => Promise<Uint8Array>): Promise<Uint8Array>;
export declare function verifyingKeyOf(key: Uint8Array): Uint8Array | undefined;

// register.d.ts
import type { Bauta } from "./bauta.js";
import type { Chain } from "./chain.js";
import type { Field } from "./field.js";
import type { Service } from "./http.js";
import type { Identity, Registration, remember, SecretEntry, update } from "./identity.js";
import type { Membership } from "./members.js";
import type { Vault } from "./vault.js";
export type Located = Registration & {
    readonly index: bigint;
};
export interface Registering {
    readonly api: Service;
    readonly chain: Chain;
    readonly vault: Vault;
    readonly remember: typeof remember;
    readonly update: typeof update;
    commitmentOf(identity: Identity, entry: SecretEntry): Promise<Field>;
    followed<T>(request: () => Promise<T>): Promise<T>;
    locate(identity: Identity, registration: Registration, commitment: Field): Promise<Located | undefined>;
    membership(identity: Identity, registration: Registration): Promise<Membership | undefined>;
}
export declare function register(client: Registering, what: Parameters<Bauta["register"]>[0]): Promise<Membership>;

// registration.d.ts
import { type Address, type Instruction, type TransactionSigner } from "@solana/kit";
import { type Chain } from "./chain.js";
import { type Field } from "./field.js";
import type { Service } from "./http.js";
import type { Vault } from "./vault.js";
export interface RegistrationRequest {
    readonly registry: Address;
    readonly asset: Address;
    readonly commitment: Field;
    readonly owner: TransactionSigner;
    readonly signal?: AbortSignal | undefined;
}
export declare function registrationInstruction(api: Service, chain: Chain, vault: Vault, what: RegistrationRequest): Promise<Instruction>;

// relay.d.ts
import { type Address, type Signature } from "@solana/kit";
import { type Chain, type Scope } from "./chain.js";
import { type Field } from "./field.js";
import { type Service } from "./http.js";
import type { ScopedProof } from "./bauta.js";
import type { Vault } from "./vault.js";
export interface Use {
    readonly claim: Field;
    readonly nullifier: Field;
    readonly recipient: Address;
    readonly signature: Signature;
    readonly slot: bigint;
}
export interface RelayState {
    readonly state: "queued" | "sent" | "confirmed" | "finalized" | "refused" | "failed" | "expired";
    readonly signature: Signature | null;
    readonly reason: string | null;
}
export interface Relayed {
    readonly id: string;
    state(): Promise<RelayState>;
    confirmed(): Promise<Use>;
    finalized(): Promise<Use>;
}
export declare function relayProof(api: Service, chain: Chain, vault: Vault, proof: ScopedProof, options: {
    readonly maxDelaySeconds?: number;
    readonly signal?: AbortSignal;
    readonly maxLagMs: number;
}): Promise<Relayed>;
export declare function findUse(chain: Chain, { scope, nullifier }: {
    readonly scope: Scope;
    readonly nullifier: Field;
}, level?: "confirmed" | "finalized"): Promise<Use | null>;

// relayer.d.ts
import { type Address } from "@solana/kit";
import type { Service } from "./http.js";
export declare function drawRelayer(api: Service, signal?: AbortSignal): Promise<Address>;

// rollout.d.ts
import { type Reader, type Service, type ServiceRequest } from "./http.js";
import type { Vault } from "./vault.js";
export declare function duringRollout(api: Service, vault: Vault, request: ServiceRequest): Promise<Reader>;

// roots.d.ts
import type { Registry } from "@bauta/program";
export declare function rootToProve(registry: Registry, since: bigint | undefined, now: bigint): Registry["root"];

// sealing.d.ts
import type { SealedMaster } from "@bauta/prover";
import { BautaError } from "./error.js";
export type Bytes = Uint8Array<ArrayBuffer>;
export declare const AES: {
    readonly name: "AES-GCM";
    readonly length: 256;
};
export declare const USAGES: KeyUsage[];
export declare function newMaster(): Promise<CryptoKey>;
export declare function seal(key: CryptoKey, iv: Bytes, master: CryptoKey): Promise<Bytes>;
export declare function open({ key, iv, sealed }: SealedMaster): Promise<CryptoKey>;
export declare function random(length: number): Bytes;
export declare function sealedOtherwise(reason: string): BautaError;
export declare function unsupported(reason: string, cause?: unknown): BautaError;

// secrets.d.ts
import { type Prover } from "@bauta/prover";
import { type Field } from "./field.js";
import { type Identity, type SecretEntry } from "./identity.js";
export declare function commitmentIn(prover: Prover, identity: Identity, entry: SecretEntry): Promise<Field>;
export declare function nullifierIn(prover: Prover, identity: Identity, entry: SecretEntry, scope: Field): Promise<Field>;
export declare function proverResult<T>(result: Promise<T>): Promise<T>;

// sending.d.ts
import { type Instruction, type Signature, type TransactionSigner } from "@solana/kit";
import type { Chain } from "./chain.js";
export declare function sendInstruction(chain: Chain, payer: TransactionSigner, instruction: Instruction, signal?: AbortSignal): Promise<Signature>;

// tiles.d.ts
import { type Field } from "./field.js";
import { type Depth, type Siblings } from "./tree.js";
export interface TreePath {
    readonly leaf: Field;
    readonly path: readonly Siblings[];
}
export declare const MAX_TILE_BYTES: number;
export declare function readPath(api: string, tree: {
    readonly root: Field;
    readonly depth: Depth;
    readonly index: bigint;
}, options?: {
    readonly signal?: AbortSignal | undefined;
    readonly fetch?: typeof fetch | undefined;
}): Promise<TreePath>;
export type TileReader = (hash: Field, level: number) => Promise<readonly (readonly Field[])[]>;
export declare function tileReader(api: string, options: {
    readonly signal?: AbortSignal | undefined;
    readonly fetch?: typeof fetch | undefined;
}): TileReader;
export declare function pathIn(read: TileReader, { root, depth, index }: {
    readonly root: Field;
    readonly depth: Depth;
    readonly index: bigint;
}): Promise<TreePath>;
export declare function countTiles(read: TileReader, root: Field, depth: Depth): Promise<bigint>;

// tree.d.ts
import { type Field } from "./field.js";
export type Depth = 10 | 16;
export type Siblings = readonly [Field, Field, Field];
export declare function emptySubtree(level: number): Field;
export declare function parentOf(children: readonly Field[]): Field;
export declare function positionAt(index: bigint, level: number): number;
export declare function checkIndex(index: bigint, depth: Depth): void;
export declare function rootOfPath(leaf: Field, index: bigint, path: readonly Siblings[]): Field;

// vault.d.ts
export interface Vault {
    get(name: string): Promise<unknown>;
    set(name: string, value: unknown): Promise<void>;
}
export declare function memoryVault(): Vault;
export declare function browserVault(name?: string): Vault;
export declare function defaultVault(): Vault;

// wallet-identity.d.ts
import type { SealedMaster } from "@bauta/prover";
import { type Cluster } from "./cluster.js";
import type { SignInWallet } from "./identity.js";
export declare function walletMaster(wallet: SignInWallet, cluster: Cluster): Promise<{
    readonly master: SealedMaster;
    readonly prefix: string;
}>;

// wallet-signer.d.ts
import { type TransactionSigner } from "@solana/kit";
import type { Wallet } from "./wallet.js";
export declare function connect(choose?: (from: readonly Wallet[]) => Wallet | undefined | Promise<Wallet | undefined>, chain?: string): Promise<TransactionSigner>;

// wallet.d.ts
import type { TransactionSigner } from "@solana/kit";
export interface WalletAccount {
    readonly address: string;
    readonly publicKey: ArrayLike<number>;
    readonly chains: readonly string[];
    readonly features: readonly string[];
}
export interface Wallet {
    readonly version: string;
    readonly name: string;
    readonly icon: string;
    readonly chains: readonly string[];
    readonly features: Readonly<Record<string, unknown>>;
    readonly accounts: readonly WalletAccount[];
}
export declare function connectWallet(choose?: (from: readonly Wallet[]) => Wallet | undefined | Promise<Wallet | undefined>, chain?: `solana:${string}`): Promise<TransactionSigner>;
