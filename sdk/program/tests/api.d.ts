// accounts.d.ts
import { type Account, type EncodedAccount, type FixedSizeDecoder, type MaybeAccount, type MaybeEncodedAccount } from "@solana/kit";
export declare function decodeAccount<TData extends object, TAddress extends string>(account: EncodedAccount<TAddress>, decoder: FixedSizeDecoder<TData>): Account<TData, TAddress>;
export declare function decodeAccount<TData extends object, TAddress extends string>(account: MaybeEncodedAccount<TAddress>, decoder: FixedSizeDecoder<TData>): MaybeAccount<TData, TAddress>;

// circuit.d.ts
import type { Address, ProgramDerivedAddress } from "@solana/kit";
import { type RegisterCircuitInstructionDataArgs } from "./generated/instructions/registerCircuit.js";
export type CircuitRegistration = RegisterCircuitInstructionDataArgs;
export declare function findCircuitPdaOf(registration: CircuitRegistration, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;
export declare function resolveCircuit(scope: {
    programAddress: Address;
    args: CircuitRegistration;
}): Promise<{
    value: ProgramDerivedAddress;
}>;

// client-error.d.ts
export type BautaClientErrorCode = 
"foreign-account"
 | "account-length"
 | "unknown-event"
 | "malformed-event"
 | "no-inner-instructions"
 | "return-data";
export declare class BautaClientError extends Error {
    readonly code: BautaClientErrorCode;
    readonly name = "BautaClientError";
    constructor(code: BautaClientErrorCode, message: string, options?: ErrorOptions);
}

// errors.d.ts
import { type Address } from "@solana/kit";
export interface ProgramError {
    readonly code: number;
    readonly name: string;
    readonly message: string;
}
export declare function describeErrorCode(code: number): ProgramError;
export declare function programErrorOf(error: unknown, transactionMessage: {
    instructions: Record<number, {
        programAddress: Address;
    }>;
}): ProgramError | undefined;

// events.d.ts
import { type Address, type ReadonlyUint8Array } from "@solana/kit";
import { type BautaEvent } from "./generated/events.js";
export interface InnerInstruction {
    readonly programAddress: Address;
    readonly accounts: readonly Address[];
    readonly data: ReadonlyUint8Array;
}
export interface TransactionWithResults {
    readonly transaction: {
        readonly message: {
            readonly accountKeys: readonly Address[];
        };
    };
    readonly meta: {
        readonly err: unknown;
        readonly innerInstructions?: readonly {
            readonly instructions: readonly {
                readonly programIdIndex: number;
                readonly accounts: readonly number[];
                readonly data: string;
            }[];
        }[] | null | undefined;
        readonly loadedAddresses?: {
            readonly writable: readonly Address[];
            readonly readonly: readonly Address[];
        } | undefined;
    } | null;
}
export declare function decodeEvent(instruction: InnerInstruction): Promise<BautaEvent | undefined>;
export declare function eventsOfTransaction(transaction: TransactionWithResults): Promise<BautaEvent[]>;

// generated/accounts/circuit.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { CircuitSeeds } from "../pdas/index.js";
export declare const CIRCUIT_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getCircuitDiscriminatorBytes(): ReadonlyUint8Array;
export type Circuit = {
    statement: ReadonlyUint8Array;
    version: number;
    depth: number;
    leafFormat: number;
    provenance: number;
    status: number;
    bump: number;
    auxiliaryFormat: number;
    vkHash: ReadonlyUint8Array;
    constraintSystemHash: ReadonlyUint8Array;
    transcriptHash: ReadonlyUint8Array;
    verifyingKey: ReadonlyUint8Array;
    retiresAt: bigint;
};
export type CircuitArgs = {
    statement: ReadonlyUint8Array;
    version: number;
    depth: number;
    leafFormat: number;
    provenance: number;
    status: number;
    bump: number;
    auxiliaryFormat: number;
    vkHash: ReadonlyUint8Array;
    constraintSystemHash: ReadonlyUint8Array;
    transcriptHash: ReadonlyUint8Array;
    verifyingKey: ReadonlyUint8Array;
    retiresAt: number | bigint;
};
export declare function getCircuitEncoder(): FixedSizeEncoder<CircuitArgs>;
export declare function getCircuitDecoder(): FixedSizeDecoder<Circuit>;
export declare function getCircuitCodec(): FixedSizeCodec<CircuitArgs, Circuit>;
export declare function decodeCircuit<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Circuit, TAddress>;
export declare function decodeCircuit<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Circuit, TAddress>;
export declare function fetchCircuit<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Circuit, TAddress>>;
export declare function fetchMaybeCircuit<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Circuit, TAddress>>;
export declare function fetchAllCircuit(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Circuit>[]>;
export declare function fetchAllMaybeCircuit(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Circuit>[]>;
export declare function getCircuitSize(): number;
export declare function fetchCircuitFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: CircuitSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Circuit>>;
export declare function fetchMaybeCircuitFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: CircuitSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Circuit>>;

// generated/accounts/collection.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { CollectionSeeds } from "../pdas/index.js";
export declare const COLLECTION_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getCollectionDiscriminatorBytes(): ReadonlyUint8Array;
export type Collection = {
    registry: Address;
    key: Address;
    kind: number;
    bump: number;
    rules: number;
    number: number;
    padding: ReadonlyUint8Array;
    track: bigint;
};
export type CollectionArgs = {
    registry: Address;
    key: Address;
    kind: number;
    bump: number;
    rules: number;
    number: number;
    padding: ReadonlyUint8Array;
    track: number | bigint;
};
export declare function getCollectionEncoder(): FixedSizeEncoder<CollectionArgs>;
export declare function getCollectionDecoder(): FixedSizeDecoder<Collection>;
export declare function getCollectionCodec(): FixedSizeCodec<CollectionArgs, Collection>;
export declare function decodeCollection<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Collection, TAddress>;
export declare function decodeCollection<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Collection, TAddress>;
export declare function fetchCollection<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Collection, TAddress>>;
export declare function fetchMaybeCollection<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Collection, TAddress>>;
export declare function fetchAllCollection(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Collection>[]>;
export declare function fetchAllMaybeCollection(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Collection>[]>;
export declare function getCollectionSize(): number;
export declare function fetchCollectionFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: CollectionSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Collection>>;
export declare function fetchMaybeCollectionFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: CollectionSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Collection>>;

// generated/accounts/config.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
export declare const CONFIG_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getConfigDiscriminatorBytes(): ReadonlyUint8Array;
export type Config = {
    admin: Address;
    pendingAdmin: Address;
    clusterTag: ReadonlyUint8Array;
    paused: number;
    developmentKeysAllowed: number;
    bump: number;
    padding: ReadonlyUint8Array;
};
export type ConfigArgs = Config;
export declare function getConfigEncoder(): FixedSizeEncoder<ConfigArgs>;
export declare function getConfigDecoder(): FixedSizeDecoder<Config>;
export declare function getConfigCodec(): FixedSizeCodec<ConfigArgs, Config>;
export declare function decodeConfig<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Config, TAddress>;
export declare function decodeConfig<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Config, TAddress>;
export declare function fetchConfig<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Config, TAddress>>;
export declare function fetchMaybeConfig<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Config, TAddress>>;
export declare function fetchAllConfig(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Config>[]>;
export declare function fetchAllMaybeConfig(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Config>[]>;
export declare function getConfigSize(): number;
export declare function fetchConfigFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Config>>;
export declare function fetchMaybeConfigFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Config>>;

// generated/accounts/holding.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { HoldingSeeds } from "../pdas/index.js";
export declare const HOLDING_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getHoldingDiscriminatorBytes(): ReadonlyUint8Array;
export type Holding = {
    registry: Address;
    mint: Address;
    owner: Address;
    commitment: ReadonlyUint8Array;
    index: bigint;
    track: bigint;
    lastChange: bigint;
    live: number;
    bump: number;
    form: number;
    padding0: number;
    collection: number;
    padding1: ReadonlyUint8Array;
};
export type HoldingArgs = {
    registry: Address;
    mint: Address;
    owner: Address;
    commitment: ReadonlyUint8Array;
    index: number | bigint;
    track: number | bigint;
    lastChange: number | bigint;
    live: number;
    bump: number;
    form: number;
    padding0: number;
    collection: number;
    padding1: ReadonlyUint8Array;
};
export declare function getHoldingEncoder(): FixedSizeEncoder<HoldingArgs>;
export declare function getHoldingDecoder(): FixedSizeDecoder<Holding>;
export declare function getHoldingCodec(): FixedSizeCodec<HoldingArgs, Holding>;
export declare function decodeHolding<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Holding, TAddress>;
export declare function decodeHolding<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Holding, TAddress>;
export declare function fetchHolding<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Holding, TAddress>>;
export declare function fetchMaybeHolding<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Holding, TAddress>>;
export declare function fetchAllHolding(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Holding>[]>;
export declare function fetchAllMaybeHolding(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Holding>[]>;
export declare function getHoldingSize(): number;
export declare function fetchHoldingFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: HoldingSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Holding>>;
export declare function fetchMaybeHoldingFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: HoldingSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Holding>>;

// generated/accounts/index.d.ts
export * from "./circuit.js";
export * from "./collection.js";
export * from "./config.js";
export * from "./holding.js";
export * from "./nullifier.js";
export * from "./registry.js";
export * from "./scope.js";
export * from "./tree.js";

// generated/accounts/nullifier.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { NullifierSeeds } from "../pdas/index.js";
export declare const NULLIFIER_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getNullifierDiscriminatorBytes(): ReadonlyUint8Array;
export type Nullifier = {
    rentPayer: Address;
    scopeTag: ReadonlyUint8Array;
    nullifierPrefix: ReadonlyUint8Array;
};
export type NullifierArgs = Nullifier;
export declare function getNullifierEncoder(): FixedSizeEncoder<NullifierArgs>;
export declare function getNullifierDecoder(): FixedSizeDecoder<Nullifier>;
export declare function getNullifierCodec(): FixedSizeCodec<NullifierArgs, Nullifier>;
export declare function decodeNullifier<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Nullifier, TAddress>;
export declare function decodeNullifier<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Nullifier, TAddress>;
export declare function fetchNullifier<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Nullifier, TAddress>>;
export declare function fetchMaybeNullifier<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Nullifier, TAddress>>;
export declare function fetchAllNullifier(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Nullifier>[]>;
export declare function fetchAllMaybeNullifier(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Nullifier>[]>;
export declare function getNullifierSize(): number;
export declare function fetchNullifierFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: NullifierSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Nullifier>>;
export declare function fetchMaybeNullifierFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: NullifierSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Nullifier>>;

// generated/accounts/registry.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { RegistrySeeds } from "../pdas/index.js";
import { type KeptRoot, type KeptRootArgs } from "../types/index.js";
export declare const REGISTRY_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getRegistryDiscriminatorBytes(): ReadonlyUint8Array;
export type Registry = {
    authority: Address;
    tree: Address;
    kind: number;
    depth: number;
    leafFormat: number;
    sealed: number;
    bump: number;
    padding: number;
    collectionCount: number;
    nonce: bigint;
    nextIndex: bigint;
    sequence: bigint;
    root: ReadonlyUint8Array;
    rootSince: bigint;
    rootTtl: bigint;
    keptCount: bigint;
    lastKeptAt: bigint;
    kept: Array<KeptRoot>;
    recentCount: bigint;
    lastRecentAt: bigint;
    recent: Array<KeptRoot>;
};
export type RegistryArgs = {
    authority: Address;
    tree: Address;
    kind: number;
    depth: number;
    leafFormat: number;
    sealed: number;
    bump: number;
    padding: number;
    collectionCount: number;
    nonce: number | bigint;
    nextIndex: number | bigint;
    sequence: number | bigint;
    root: ReadonlyUint8Array;
    rootSince: number | bigint;
    rootTtl: number | bigint;
    keptCount: number | bigint;
    lastKeptAt: number | bigint;
    kept: Array<KeptRootArgs>;
    recentCount: number | bigint;
    lastRecentAt: number | bigint;
    recent: Array<KeptRootArgs>;
};
export declare function getRegistryEncoder(): FixedSizeEncoder<RegistryArgs>;
export declare function getRegistryDecoder(): FixedSizeDecoder<Registry>;
export declare function getRegistryCodec(): FixedSizeCodec<RegistryArgs, Registry>;
export declare function decodeRegistry<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Registry, TAddress>;
export declare function decodeRegistry<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Registry, TAddress>;
export declare function fetchRegistry<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Registry, TAddress>>;
export declare function fetchMaybeRegistry<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Registry, TAddress>>;
export declare function fetchAllRegistry(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Registry>[]>;
export declare function fetchAllMaybeRegistry(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Registry>[]>;
export declare function getRegistrySize(): number;
export declare function fetchRegistryFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: RegistrySeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Registry>>;
export declare function fetchMaybeRegistryFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: RegistrySeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Registry>>;

// generated/accounts/scope.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { ScopeSeeds } from "../pdas/index.js";
export declare const SCOPE_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getScopeDiscriminatorBytes(): ReadonlyUint8Array;
export type Scope = {
    creator: Address;
    registry: Address;
    circuit: Address;
    auxiliaryRegistry: Address;
    gate: Address;
    scope: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
    requiredClaim: ReadonlyUint8Array;
    hasRequiredClaim: number;
    padding0: ReadonlyUint8Array;
    opensAt: bigint;
    closesAt: bigint;
    mode: number;
    status: number;
    depth: number;
    leafFormat: number;
    bump: number;
    padding1: ReadonlyUint8Array;
    nonce: bigint;
};
export type ScopeArgs = {
    creator: Address;
    registry: Address;
    circuit: Address;
    auxiliaryRegistry: Address;
    gate: Address;
    scope: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
    requiredClaim: ReadonlyUint8Array;
    hasRequiredClaim: number;
    padding0: ReadonlyUint8Array;
    opensAt: number | bigint;
    closesAt: number | bigint;
    mode: number;
    status: number;
    depth: number;
    leafFormat: number;
    bump: number;
    padding1: ReadonlyUint8Array;
    nonce: number | bigint;
};
export declare function getScopeEncoder(): FixedSizeEncoder<ScopeArgs>;
export declare function getScopeDecoder(): FixedSizeDecoder<Scope>;
export declare function getScopeCodec(): FixedSizeCodec<ScopeArgs, Scope>;
export declare function decodeScope<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Scope, TAddress>;
export declare function decodeScope<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Scope, TAddress>;
export declare function fetchScope<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Scope, TAddress>>;
export declare function fetchMaybeScope<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Scope, TAddress>>;
export declare function fetchAllScope(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Scope>[]>;
export declare function fetchAllMaybeScope(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Scope>[]>;
export declare function getScopeSize(): number;
export declare function fetchScopeFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: ScopeSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<Account<Scope>>;
export declare function fetchMaybeScopeFromSeeds(rpc: Parameters<typeof fetchEncodedAccount>[0], seeds: ScopeSeeds, config?: FetchAccountConfig & {
    programAddress?: Address;
}): Promise<MaybeAccount<Scope>>;

// generated/accounts/tree.d.ts
import { fetchEncodedAccount, fetchEncodedAccounts, type Account, type Address, type EncodedAccount, type FetchAccountConfig, type FetchAccountsConfig, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type MaybeAccount, type MaybeEncodedAccount, type ReadonlyUint8Array } from "@solana/kit";
import { type Change, type ChangeArgs } from "../types/index.js";
export declare const TREE_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getTreeDiscriminatorBytes(): ReadonlyUint8Array;
export type Tree = {
    registry: Address;
    frontier: Array<Array<ReadonlyUint8Array>>;
    canopy: Array<ReadonlyUint8Array>;
    changeCount: bigint;
    changeStart: bigint;
    changelog: Array<Change>;
};
export type TreeArgs = {
    registry: Address;
    frontier: Array<Array<ReadonlyUint8Array>>;
    canopy: Array<ReadonlyUint8Array>;
    changeCount: number | bigint;
    changeStart: number | bigint;
    changelog: Array<ChangeArgs>;
};
export declare function getTreeEncoder(): FixedSizeEncoder<TreeArgs>;
export declare function getTreeDecoder(): FixedSizeDecoder<Tree>;
export declare function getTreeCodec(): FixedSizeCodec<TreeArgs, Tree>;
export declare function decodeTree<TAddress extends string = string>(encodedAccount: EncodedAccount<TAddress>): Account<Tree, TAddress>;
export declare function decodeTree<TAddress extends string = string>(encodedAccount: MaybeEncodedAccount<TAddress>): MaybeAccount<Tree, TAddress>;
export declare function fetchTree<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<Account<Tree, TAddress>>;
export declare function fetchMaybeTree<TAddress extends string = string>(rpc: Parameters<typeof fetchEncodedAccount>[0], address: Address<TAddress>, config?: FetchAccountConfig): Promise<MaybeAccount<Tree, TAddress>>;
export declare function fetchAllTree(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<Account<Tree>[]>;
export declare function fetchAllMaybeTree(rpc: Parameters<typeof fetchEncodedAccounts>[0], addresses: Array<Address>, config?: FetchAccountsConfig): Promise<MaybeAccount<Tree>[]>;
export declare function getTreeSize(): number;

// generated/errors/bauta.d.ts
import { type Address, type SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM, type SolanaError } from "@solana/kit";
export declare const BAUTA_ERROR__NOT_UPGRADE_AUTHORITY = 6000;
export declare const BAUTA_ERROR__ZERO_ADMIN = 6001;
export declare const BAUTA_ERROR__NOT_ADMIN = 6002;
export declare const BAUTA_ERROR__NOT_PENDING_ADMIN = 6003;
export declare const BAUTA_ERROR__PAUSED = 6004;
export declare const BAUTA_ERROR__ROOT_NOT_CANONICAL = 6005;
export declare const BAUTA_ERROR__NULLIFIER_NOT_CANONICAL = 6006;
export declare const BAUTA_ERROR__CLAIM_NOT_CANONICAL = 6007;
export declare const BAUTA_ERROR__AUXILIARY_ROOT_NOT_CANONICAL = 6008;
export declare const BAUTA_ERROR__COMMITMENT_NOT_CANONICAL = 6009;
export declare const BAUTA_ERROR__ZERO_COMMITMENT = 6010;
export declare const BAUTA_ERROR__LEAF_NOT_CANONICAL = 6011;
export declare const BAUTA_ERROR__REQUIRED_CLAIM_NOT_CANONICAL = 6012;
export declare const BAUTA_ERROR__PATH_NOT_CANONICAL = 6013;
export declare const BAUTA_ERROR__UNKNOWN_DEPTH = 6014;
export declare const BAUTA_ERROR__ZERO_LEAF_FORMAT = 6015;
export declare const BAUTA_ERROR__BAD_STATEMENT_NAME = 6016;
export declare const BAUTA_ERROR__ZERO_VERSION = 6017;
export declare const BAUTA_ERROR__DEVELOPMENT_KEY_REFUSED = 6018;
export declare const BAUTA_ERROR__MISSING_TRANSCRIPT = 6019;
export declare const BAUTA_ERROR__FORGEABLE_KEY = 6020;
export declare const BAUTA_ERROR__KEY_POINT_AT_INFINITY = 6021;
export declare const BAUTA_ERROR__KEY_POINT_INVALID = 6022;
export declare const BAUTA_ERROR__CIRCUIT_RETIRED = 6023;
export declare const BAUTA_ERROR__NOT_REGISTRY_AUTHORITY = 6024;
export declare const BAUTA_ERROR__WRONG_REGISTRY_KIND = 6025;
export declare const BAUTA_ERROR__WRONG_DEPTH_FOR_KIND = 6026;
export declare const BAUTA_ERROR__WRONG_LEAF_FORMAT_FOR_KIND = 6027;
export declare const BAUTA_ERROR__ROOT_TTL_OUT_OF_RANGE = 6028;
export declare const BAUTA_ERROR__WRONG_TREE_PRESENCE = 6029;
export declare const BAUTA_ERROR__TREE_NOT_OWNED = 6030;
export declare const BAUTA_ERROR__TREE_WRONG_SIZE = 6031;
export declare const BAUTA_ERROR__TREE_IN_USE = 6032;
export declare const BAUTA_ERROR__TREE_NOT_RENT_EXEMPT = 6033;
export declare const BAUTA_ERROR__TREE_OF_ANOTHER_REGISTRY = 6034;
export declare const BAUTA_ERROR__REGISTRY_SEALED = 6035;
export declare const BAUTA_ERROR__EMPTY_BATCH = 6036;
export declare const BAUTA_ERROR__BATCH_TOO_LARGE = 6037;
export declare const BAUTA_ERROR__APPENDED_EMPTY_LEAF = 6038;
export declare const BAUTA_ERROR__TREE_FULL = 6039;
export declare const BAUTA_ERROR__INDEX_NOT_APPENDED = 6040;
export declare const BAUTA_ERROR__STALE_PATH = 6041;
export declare const BAUTA_ERROR__NOT_AMINT = 6042;
export declare const BAUTA_ERROR__INVALID_MINT = 6043;
export declare const BAUTA_ERROR__SUPPLY_NOT_ONE = 6044;
export declare const BAUTA_ERROR__DECIMALS_NOT_ZERO = 6045;
export declare const BAUTA_ERROR__HAS_MINT_AUTHORITY = 6046;
export declare const BAUTA_ERROR__HAS_MINT_CLOSE_AUTHORITY = 6047;
export declare const BAUTA_ERROR__HAS_PERMANENT_DELEGATE = 6048;
export declare const BAUTA_ERROR__HAS_CONFIDENTIAL_EXTENSION = 6049;
export declare const BAUTA_ERROR__INVALID_TOKEN_ACCOUNT = 6050;
export declare const BAUTA_ERROR__TOKEN_ACCOUNT_OF_ANOTHER_MINT = 6051;
export declare const BAUTA_ERROR__NOT_TOKEN_OWNER = 6052;
export declare const BAUTA_ERROR__AMOUNT_NOT_ONE = 6053;
export declare const BAUTA_ERROR__TOKEN_FROZEN = 6054;
export declare const BAUTA_ERROR__COLLECTION_OF_ANOTHER_REGISTRY = 6055;
export declare const BAUTA_ERROR__NOT_IN_COLLECTION = 6056;
export declare const BAUTA_ERROR__GROUP_MEMBER_OF_ANOTHER_MINT = 6057;
export declare const BAUTA_ERROR__WRONG_HOLDING = 6058;
export declare const BAUTA_ERROR__MISSING_PATH = 6059;
export declare const BAUTA_ERROR__UNEXPECTED_PATH = 6060;
export declare const BAUTA_ERROR__CHANGED_TOO_RECENTLY = 6061;
export declare const BAUTA_ERROR__ALREADY_EVICTED = 6062;
export declare const BAUTA_ERROR__NO_EVIDENCE = 6063;
export declare const BAUTA_ERROR__DEPTH_MISMATCH = 6064;
export declare const BAUTA_ERROR__LEAF_FORMAT_MISMATCH = 6065;
export declare const BAUTA_ERROR__ZERO_GATE = 6066;
export declare const BAUTA_ERROR__BAD_OPENING_TIMES = 6067;
export declare const BAUTA_ERROR__NOT_SCOPE_CREATOR = 6068;
export declare const BAUTA_ERROR__SCOPE_CLOSED = 6069;
export declare const BAUTA_ERROR__SCOPE_NOT_OPEN_YET = 6070;
export declare const BAUTA_ERROR__SCOPE_ENDED = 6071;
export declare const BAUTA_ERROR__SCOPE_STILL_OPEN = 6072;
export declare const BAUTA_ERROR__WRONG_CIRCUIT = 6073;
export declare const BAUTA_ERROR__GATE_MUST_SIGN = 6074;
export declare const BAUTA_ERROR__PROOF_EXPIRED = 6075;
export declare const BAUTA_ERROR__WRONG_CLAIM = 6076;
export declare const BAUTA_ERROR__NOT_THE_SNAPSHOT = 6077;
export declare const BAUTA_ERROR__MISSING_REGISTRY = 6078;
export declare const BAUTA_ERROR__WRONG_REGISTRY = 6079;
export declare const BAUTA_ERROR__UNKNOWN_ROOT = 6080;
export declare const BAUTA_ERROR__MISSING_AUXILIARY = 6081;
export declare const BAUTA_ERROR__UNEXPECTED_AUXILIARY = 6082;
export declare const BAUTA_ERROR__WRONG_AUXILIARY_REGISTRY = 6083;
export declare const BAUTA_ERROR__UNKNOWN_AUXILIARY_ROOT = 6084;
export declare const BAUTA_ERROR__PROOF_REFUSED = 6085;
export declare const BAUTA_ERROR__PROOF_POINT_INVALID = 6086;
export declare const BAUTA_ERROR__WRONG_NULLIFIER_ADDRESS = 6087;
export declare const BAUTA_ERROR__NULLIFIER_USED = 6088;
export declare const BAUTA_ERROR__WRONG_RENT_PAYER = 6089;
export declare const BAUTA_ERROR__OUT_OF_RANGE = 6090;
export declare const BAUTA_ERROR__HAS_TRANSFER_FEE = 6091;
export declare const BAUTA_ERROR__UNKNOWN_MINT_EXTENSION = 6092;
export declare const BAUTA_ERROR__MISSING_AUXILIARY_REGISTRY = 6093;
export declare const BAUTA_ERROR__UNEXPECTED_AUXILIARY_REGISTRY = 6094;
export declare const BAUTA_ERROR__AUXILIARY_FORMAT_MISMATCH = 6095;
export declare const BAUTA_ERROR__AUXILIARY_DEPTH_MISMATCH = 6096;
export declare const BAUTA_ERROR__UNEXPECTED_ROOT = 6097;
export declare const BAUTA_ERROR__CIRCUIT_SUSPENDED = 6098;
export declare const BAUTA_ERROR__CIRCUIT_NOT_SUSPENDED = 6099;
export declare const BAUTA_ERROR__RETIREMENT_SCHEDULED = 6100;
export declare const BAUTA_ERROR__RETIREMENT_NOT_SCHEDULED = 6101;
export declare const BAUTA_ERROR__SCOPE_OUTLIVES_CIRCUIT = 6102;
export declare const BAUTA_ERROR__UNKNOWN_RULE = 6103;
export declare const BAUTA_ERROR__WRONG_EDITION = 6104;
export declare const BAUTA_ERROR__PRINT_REFUSED = 6105;
export declare const BAUTA_ERROR__NOT_APRINT = 6106;
export declare const BAUTA_ERROR__PRINT_OF_ANOTHER_MASTER = 6107;
export declare const BAUTA_ERROR__WRONG_METADATA = 6108;
export declare const BAUTA_ERROR__INVALID_METADATA = 6109;
export declare const BAUTA_ERROR__COLLECTION_NOT_VERIFIED = 6110;
export declare const BAUTA_ERROR__WRONG_TOKEN_RECORD = 6111;
export declare const BAUTA_ERROR__ASSET_LOCKED = 6112;
export declare const BAUTA_ERROR__NOT_ACORE_ASSET = 6113;
export declare const BAUTA_ERROR__INVALID_CORE_ASSET = 6114;
export declare const BAUTA_ERROR__WRONG_CORE_COLLECTION = 6115;
export declare const BAUTA_ERROR__UNKNOWN_PLUGIN = 6116;
export declare const BAUTA_ERROR__HAS_PERMANENT_TRANSFER_DELEGATE = 6117;
export declare const BAUTA_ERROR__WRONG_COLLECTION = 6118;
export type BautaError = typeof BAUTA_ERROR__NOT_UPGRADE_AUTHORITY | typeof BAUTA_ERROR__ZERO_ADMIN | typeof BAUTA_ERROR__NOT_ADMIN | typeof BAUTA_ERROR__NOT_PENDING_ADMIN | typeof BAUTA_ERROR__PAUSED | typeof BAUTA_ERROR__ROOT_NOT_CANONICAL | typeof BAUTA_ERROR__NULLIFIER_NOT_CANONICAL | typeof BAUTA_ERROR__CLAIM_NOT_CANONICAL | typeof BAUTA_ERROR__AUXILIARY_ROOT_NOT_CANONICAL | typeof BAUTA_ERROR__COMMITMENT_NOT_CANONICAL | typeof BAUTA_ERROR__ZERO_COMMITMENT | typeof BAUTA_ERROR__LEAF_NOT_CANONICAL | typeof BAUTA_ERROR__REQUIRED_CLAIM_NOT_CANONICAL | typeof BAUTA_ERROR__PATH_NOT_CANONICAL | typeof BAUTA_ERROR__UNKNOWN_DEPTH | typeof BAUTA_ERROR__ZERO_LEAF_FORMAT | typeof BAUTA_ERROR__BAD_STATEMENT_NAME | typeof BAUTA_ERROR__ZERO_VERSION | typeof BAUTA_ERROR__DEVELOPMENT_KEY_REFUSED | typeof BAUTA_ERROR__MISSING_TRANSCRIPT | typeof BAUTA_ERROR__FORGEABLE_KEY | typeof BAUTA_ERROR__KEY_POINT_AT_INFINITY | typeof BAUTA_ERROR__KEY_POINT_INVALID | typeof BAUTA_ERROR__CIRCUIT_RETIRED | typeof BAUTA_ERROR__NOT_REGISTRY_AUTHORITY | typeof BAUTA_ERROR__WRONG_REGISTRY_KIND | typeof BAUTA_ERROR__WRONG_DEPTH_FOR_KIND | typeof BAUTA_ERROR__WRONG_LEAF_FORMAT_FOR_KIND | typeof BAUTA_ERROR__ROOT_TTL_OUT_OF_RANGE | typeof BAUTA_ERROR__WRONG_TREE_PRESENCE | typeof BAUTA_ERROR__TREE_NOT_OWNED | typeof BAUTA_ERROR__TREE_WRONG_SIZE | typeof BAUTA_ERROR__TREE_IN_USE | typeof BAUTA_ERROR__TREE_NOT_RENT_EXEMPT | typeof BAUTA_ERROR__TREE_OF_ANOTHER_REGISTRY | typeof BAUTA_ERROR__REGISTRY_SEALED | typeof BAUTA_ERROR__EMPTY_BATCH | typeof BAUTA_ERROR__BATCH_TOO_LARGE | typeof BAUTA_ERROR__APPENDED_EMPTY_LEAF | typeof BAUTA_ERROR__TREE_FULL | typeof BAUTA_ERROR__INDEX_NOT_APPENDED | typeof BAUTA_ERROR__STALE_PATH | typeof BAUTA_ERROR__NOT_AMINT | typeof BAUTA_ERROR__INVALID_MINT | typeof BAUTA_ERROR__SUPPLY_NOT_ONE | typeof BAUTA_ERROR__DECIMALS_NOT_ZERO | typeof BAUTA_ERROR__HAS_MINT_AUTHORITY | typeof BAUTA_ERROR__HAS_MINT_CLOSE_AUTHORITY | typeof BAUTA_ERROR__HAS_PERMANENT_DELEGATE | typeof BAUTA_ERROR__HAS_CONFIDENTIAL_EXTENSION | typeof BAUTA_ERROR__INVALID_TOKEN_ACCOUNT | typeof BAUTA_ERROR__TOKEN_ACCOUNT_OF_ANOTHER_MINT | typeof BAUTA_ERROR__NOT_TOKEN_OWNER | typeof BAUTA_ERROR__AMOUNT_NOT_ONE | typeof BAUTA_ERROR__TOKEN_FROZEN | typeof BAUTA_ERROR__COLLECTION_OF_ANOTHER_REGISTRY | typeof BAUTA_ERROR__NOT_IN_COLLECTION | typeof BAUTA_ERROR__GROUP_MEMBER_OF_ANOTHER_MINT | typeof BAUTA_ERROR__WRONG_HOLDING | typeof BAUTA_ERROR__MISSING_PATH | typeof BAUTA_ERROR__UNEXPECTED_PATH | typeof BAUTA_ERROR__CHANGED_TOO_RECENTLY | typeof BAUTA_ERROR__ALREADY_EVICTED | typeof BAUTA_ERROR__NO_EVIDENCE | typeof BAUTA_ERROR__DEPTH_MISMATCH | typeof BAUTA_ERROR__LEAF_FORMAT_MISMATCH | typeof BAUTA_ERROR__ZERO_GATE | typeof BAUTA_ERROR__BAD_OPENING_TIMES | typeof BAUTA_ERROR__NOT_SCOPE_CREATOR | typeof BAUTA_ERROR__SCOPE_CLOSED | typeof BAUTA_ERROR__SCOPE_NOT_OPEN_YET | typeof BAUTA_ERROR__SCOPE_ENDED | typeof BAUTA_ERROR__SCOPE_STILL_OPEN | typeof BAUTA_ERROR__WRONG_CIRCUIT | typeof BAUTA_ERROR__GATE_MUST_SIGN | typeof BAUTA_ERROR__PROOF_EXPIRED | typeof BAUTA_ERROR__WRONG_CLAIM | typeof BAUTA_ERROR__NOT_THE_SNAPSHOT | typeof BAUTA_ERROR__MISSING_REGISTRY | typeof BAUTA_ERROR__WRONG_REGISTRY | typeof BAUTA_ERROR__UNKNOWN_ROOT | typeof BAUTA_ERROR__MISSING_AUXILIARY | typeof BAUTA_ERROR__UNEXPECTED_AUXILIARY | typeof BAUTA_ERROR__WRONG_AUXILIARY_REGISTRY | typeof BAUTA_ERROR__UNKNOWN_AUXILIARY_ROOT | typeof BAUTA_ERROR__PROOF_REFUSED | typeof BAUTA_ERROR__PROOF_POINT_INVALID | typeof BAUTA_ERROR__WRONG_NULLIFIER_ADDRESS | typeof BAUTA_ERROR__NULLIFIER_USED | typeof BAUTA_ERROR__WRONG_RENT_PAYER | typeof BAUTA_ERROR__OUT_OF_RANGE | typeof BAUTA_ERROR__HAS_TRANSFER_FEE | typeof BAUTA_ERROR__UNKNOWN_MINT_EXTENSION | typeof BAUTA_ERROR__MISSING_AUXILIARY_REGISTRY | typeof BAUTA_ERROR__UNEXPECTED_AUXILIARY_REGISTRY | typeof BAUTA_ERROR__AUXILIARY_FORMAT_MISMATCH | typeof BAUTA_ERROR__AUXILIARY_DEPTH_MISMATCH | typeof BAUTA_ERROR__UNEXPECTED_ROOT | typeof BAUTA_ERROR__CIRCUIT_SUSPENDED | typeof BAUTA_ERROR__CIRCUIT_NOT_SUSPENDED | typeof BAUTA_ERROR__RETIREMENT_SCHEDULED | typeof BAUTA_ERROR__RETIREMENT_NOT_SCHEDULED | typeof BAUTA_ERROR__SCOPE_OUTLIVES_CIRCUIT | typeof BAUTA_ERROR__UNKNOWN_RULE | typeof BAUTA_ERROR__WRONG_EDITION | typeof BAUTA_ERROR__PRINT_REFUSED | typeof BAUTA_ERROR__NOT_APRINT | typeof BAUTA_ERROR__PRINT_OF_ANOTHER_MASTER | typeof BAUTA_ERROR__WRONG_METADATA | typeof BAUTA_ERROR__INVALID_METADATA | typeof BAUTA_ERROR__COLLECTION_NOT_VERIFIED | typeof BAUTA_ERROR__WRONG_TOKEN_RECORD | typeof BAUTA_ERROR__ASSET_LOCKED | typeof BAUTA_ERROR__NOT_ACORE_ASSET | typeof BAUTA_ERROR__INVALID_CORE_ASSET | typeof BAUTA_ERROR__WRONG_CORE_COLLECTION | typeof BAUTA_ERROR__UNKNOWN_PLUGIN | typeof BAUTA_ERROR__HAS_PERMANENT_TRANSFER_DELEGATE | typeof BAUTA_ERROR__WRONG_COLLECTION;
export declare const BAUTA_ERRORS: Readonly<Record<BautaError, readonly [name: string, message: string]>>;
export declare function isBautaError<TCode extends BautaError>(error: unknown, transactionMessage: {
    instructions: Record<number, {
        programAddress: Address;
    }>;
}, code?: TCode): error is SolanaError<typeof SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM> & Readonly<{
    context: Readonly<{
        code: TCode;
    }>;
}>;

// generated/errors/index.d.ts
export * from "./bauta.js";

// generated/events.d.ts
import type { Decoder, ReadonlyUint8Array } from "@solana/kit";
import { type CircuitRegistered, type CircuitStatusChanged, type CollectionAdded, type ConfigChanged, type HolderEvicted, type HolderRegistered, type LeafReplaced, type LeavesAppended, type MerkleRootUpdated, type NullifierReclaimed, type OwnershipVerified, type RegistryCreated, type RegistrySealed, type RootPublished, type ScopeClosed, type ScopeCreated } from "./types/index.js";
export type BautaEvent = {
    readonly name: "CircuitRegistered";
    readonly data: CircuitRegistered;
} | {
    readonly name: "CircuitStatusChanged";
    readonly data: CircuitStatusChanged;
} | {
    readonly name: "CollectionAdded";
    readonly data: CollectionAdded;
} | {
    readonly name: "ConfigChanged";
    readonly data: ConfigChanged;
} | {
    readonly name: "HolderEvicted";
    readonly data: HolderEvicted;
} | {
    readonly name: "HolderRegistered";
    readonly data: HolderRegistered;
} | {
    readonly name: "LeafReplaced";
    readonly data: LeafReplaced;
} | {
    readonly name: "LeavesAppended";
    readonly data: LeavesAppended;
} | {
    readonly name: "MerkleRootUpdated";
    readonly data: MerkleRootUpdated;
} | {
    readonly name: "NullifierReclaimed";
    readonly data: NullifierReclaimed;
} | {
    readonly name: "OwnershipVerified";
    readonly data: OwnershipVerified;
} | {
    readonly name: "RegistryCreated";
    readonly data: RegistryCreated;
} | {
    readonly name: "RegistrySealed";
    readonly data: RegistrySealed;
} | {
    readonly name: "RootPublished";
    readonly data: RootPublished;
} | {
    readonly name: "ScopeClosed";
    readonly data: ScopeClosed;
} | {
    readonly name: "ScopeCreated";
    readonly data: ScopeCreated;
};
export declare const EVENT_DECODERS: {
    readonly [Name in BautaEvent["name"]]: readonly [
        discriminator: ReadonlyUint8Array,
        decoder: () => Decoder<Extract<BautaEvent, {
            name: Name;
        }>["data"]>
    ];
};

// generated/index.d.ts
export * from "./accounts/index.js";
export * from "./errors/index.js";
export * from "./instructions/index.js";
export * from "./pdas/index.js";
export * from "./programs/index.js";
export * from "./types/index.js";
export * from "./events.js";

// generated/instructions/acceptAdmin.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const ACCEPT_ADMIN_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getAcceptAdminDiscriminatorBytes(): ReadonlyUint8Array;
export type AcceptAdminInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountNewAdmin extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountNewAdmin extends string ? ReadonlySignerAccount<TAccountNewAdmin> & AccountSignerMeta<TAccountNewAdmin> : TAccountNewAdmin,
    TAccountConfig extends string ? WritableAccount<TAccountConfig> : TAccountConfig,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type AcceptAdminInstructionData = {
    discriminator: ReadonlyUint8Array;
};
export type AcceptAdminInstructionDataArgs = {};
export declare function getAcceptAdminInstructionDataEncoder(): FixedSizeEncoder<AcceptAdminInstructionDataArgs>;
export declare function getAcceptAdminInstructionDataDecoder(): FixedSizeDecoder<AcceptAdminInstructionData>;
export declare function getAcceptAdminInstructionDataCodec(): FixedSizeCodec<AcceptAdminInstructionDataArgs, AcceptAdminInstructionData>;
export type AcceptAdminAsyncInput<TAccountNewAdmin extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    newAdmin: TransactionSigner<TAccountNewAdmin>;
    config?: Address<TAccountConfig>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
};
export declare function getAcceptAdminInstructionAsync<TAccountNewAdmin extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: AcceptAdminAsyncInput<TAccountNewAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<AcceptAdminInstruction<TProgramAddress, TAccountNewAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>>;
export type AcceptAdminInput<TAccountNewAdmin extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    newAdmin: TransactionSigner<TAccountNewAdmin>;
    config: Address<TAccountConfig>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
};
export declare function getAcceptAdminInstruction<TAccountNewAdmin extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: AcceptAdminInput<TAccountNewAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): AcceptAdminInstruction<TProgramAddress, TAccountNewAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>;
export type ParsedAcceptAdminInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        newAdmin: TAccountMetas[0];
        config: TAccountMetas[1];
        eventAuthority: TAccountMetas[2];
        program: TAccountMetas[3];
    };
    data: AcceptAdminInstructionData;
};
export declare function parseAcceptAdminInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedAcceptAdminInstruction<TProgram, TAccountMetas>;

// generated/instructions/addCollection.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
import { type CollectionKind, type CollectionKindArgs } from "../types/index.js";
export declare const ADD_COLLECTION_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getAddCollectionDiscriminatorBytes(): ReadonlyUint8Array;
export type AddCollectionInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountAuthority extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountCollection extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountAuthority extends string ? ReadonlySignerAccount<TAccountAuthority> & AccountSignerMeta<TAccountAuthority> : TAccountAuthority,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountCollection extends string ? WritableAccount<TAccountCollection> : TAccountCollection,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type AddCollectionInstructionData = {
    discriminator: ReadonlyUint8Array;
    key: Address;
    kind: CollectionKind;
    rules: number;
    track: bigint;
};
export type AddCollectionInstructionDataArgs = {
    key: Address;
    kind: CollectionKindArgs;
    rules: number;
    track: number | bigint;
};
export declare function getAddCollectionInstructionDataEncoder(): FixedSizeEncoder<AddCollectionInstructionDataArgs>;
export declare function getAddCollectionInstructionDataDecoder(): FixedSizeDecoder<AddCollectionInstructionData>;
export declare function getAddCollectionInstructionDataCodec(): FixedSizeCodec<AddCollectionInstructionDataArgs, AddCollectionInstructionData>;
export type AddCollectionAsyncInput<TAccountPayer extends string = string, TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountCollection extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    collection?: Address<TAccountCollection>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    key: AddCollectionInstructionDataArgs["key"];
    kind: AddCollectionInstructionDataArgs["kind"];
    rules: AddCollectionInstructionDataArgs["rules"];
    track: AddCollectionInstructionDataArgs["track"];
};
export declare function getAddCollectionInstructionAsync<TAccountPayer extends string, TAccountAuthority extends string, TAccountRegistry extends string, TAccountCollection extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: AddCollectionAsyncInput<TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountCollection, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<AddCollectionInstruction<TProgramAddress, TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountCollection, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type AddCollectionInput<TAccountPayer extends string = string, TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountCollection extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    collection: Address<TAccountCollection>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    key: AddCollectionInstructionDataArgs["key"];
    kind: AddCollectionInstructionDataArgs["kind"];
    rules: AddCollectionInstructionDataArgs["rules"];
    track: AddCollectionInstructionDataArgs["track"];
};
export declare function getAddCollectionInstruction<TAccountPayer extends string, TAccountAuthority extends string, TAccountRegistry extends string, TAccountCollection extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: AddCollectionInput<TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountCollection, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): AddCollectionInstruction<TProgramAddress, TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountCollection, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedAddCollectionInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        authority: TAccountMetas[1];
        registry: TAccountMetas[2];
        collection: TAccountMetas[3];
        systemProgram: TAccountMetas[4];
        eventAuthority: TAccountMetas[5];
        program: TAccountMetas[6];
    };
    data: AddCollectionInstructionData;
};
export declare function parseAddCollectionInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedAddCollectionInstruction<TProgram, TAccountMetas>;

// generated/instructions/appendLeaves.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type Codec, type Decoder, type Encoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const APPEND_LEAVES_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getAppendLeavesDiscriminatorBytes(): ReadonlyUint8Array;
export type AppendLeavesInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAuthority extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountTree extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAuthority extends string ? ReadonlySignerAccount<TAccountAuthority> & AccountSignerMeta<TAccountAuthority> : TAccountAuthority,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountTree extends string ? WritableAccount<TAccountTree> : TAccountTree,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type AppendLeavesInstructionData = {
    discriminator: ReadonlyUint8Array;
    leaves: Array<ReadonlyUint8Array>;
};
export type AppendLeavesInstructionDataArgs = {
    leaves: Array<ReadonlyUint8Array>;
};
export declare function getAppendLeavesInstructionDataEncoder(): Encoder<AppendLeavesInstructionDataArgs>;
export declare function getAppendLeavesInstructionDataDecoder(): Decoder<AppendLeavesInstructionData>;
export declare function getAppendLeavesInstructionDataCodec(): Codec<AppendLeavesInstructionDataArgs, AppendLeavesInstructionData>;
export type AppendLeavesAsyncInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    leaves: AppendLeavesInstructionDataArgs["leaves"];
};
export declare function getAppendLeavesInstructionAsync<TAccountAuthority extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: AppendLeavesAsyncInput<TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<AppendLeavesInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>>;
export type AppendLeavesInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    leaves: AppendLeavesInstructionDataArgs["leaves"];
};
export declare function getAppendLeavesInstruction<TAccountAuthority extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: AppendLeavesInput<TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): AppendLeavesInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>;
export type ParsedAppendLeavesInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        authority: TAccountMetas[0];
        registry: TAccountMetas[1];
        tree: TAccountMetas[2];
        eventAuthority: TAccountMetas[3];
        program: TAccountMetas[4];
    };
    data: AppendLeavesInstructionData;
};
export declare function parseAppendLeavesInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedAppendLeavesInstruction<TProgram, TAccountMetas>;

// generated/instructions/closeScope.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const CLOSE_SCOPE_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getCloseScopeDiscriminatorBytes(): ReadonlyUint8Array;
export type CloseScopeInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountCreator extends string | AccountMeta<string> = string, TAccountScope extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountCreator extends string ? ReadonlySignerAccount<TAccountCreator> & AccountSignerMeta<TAccountCreator> : TAccountCreator,
    TAccountScope extends string ? WritableAccount<TAccountScope> : TAccountScope,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type CloseScopeInstructionData = {
    discriminator: ReadonlyUint8Array;
};
export type CloseScopeInstructionDataArgs = {};
export declare function getCloseScopeInstructionDataEncoder(): FixedSizeEncoder<CloseScopeInstructionDataArgs>;
export declare function getCloseScopeInstructionDataDecoder(): FixedSizeDecoder<CloseScopeInstructionData>;
export declare function getCloseScopeInstructionDataCodec(): FixedSizeCodec<CloseScopeInstructionDataArgs, CloseScopeInstructionData>;
export type CloseScopeAsyncInput<TAccountCreator extends string = string, TAccountScope extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    creator: TransactionSigner<TAccountCreator>;
    scope: Address<TAccountScope>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
};
export declare function getCloseScopeInstructionAsync<TAccountCreator extends string, TAccountScope extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: CloseScopeAsyncInput<TAccountCreator, TAccountScope, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<CloseScopeInstruction<TProgramAddress, TAccountCreator, TAccountScope, TAccountEventAuthority, TAccountProgram>>;
export type CloseScopeInput<TAccountCreator extends string = string, TAccountScope extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    creator: TransactionSigner<TAccountCreator>;
    scope: Address<TAccountScope>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
};
export declare function getCloseScopeInstruction<TAccountCreator extends string, TAccountScope extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: CloseScopeInput<TAccountCreator, TAccountScope, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): CloseScopeInstruction<TProgramAddress, TAccountCreator, TAccountScope, TAccountEventAuthority, TAccountProgram>;
export type ParsedCloseScopeInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        creator: TAccountMetas[0];
        scope: TAccountMetas[1];
        eventAuthority: TAccountMetas[2];
        program: TAccountMetas[3];
    };
    data: CloseScopeInstructionData;
};
export declare function parseCloseScopeInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedCloseScopeInstruction<TProgram, TAccountMetas>;

// generated/instructions/createRegistry.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
import { type RegistryKind, type RegistryKindArgs } from "../types/index.js";
export declare const CREATE_REGISTRY_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getCreateRegistryDiscriminatorBytes(): ReadonlyUint8Array;
export type CreateRegistryInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountAuthority extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountTree extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountAuthority extends string ? ReadonlySignerAccount<TAccountAuthority> & AccountSignerMeta<TAccountAuthority> : TAccountAuthority,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountTree extends string ? WritableSignerAccount<TAccountTree> & AccountSignerMeta<TAccountTree> : TAccountTree,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type CreateRegistryInstructionData = {
    discriminator: ReadonlyUint8Array;
    nonce: bigint;
    kind: RegistryKind;
    depth: number;
    leafFormat: number;
    rootTtl: bigint;
};
export type CreateRegistryInstructionDataArgs = {
    nonce: number | bigint;
    kind: RegistryKindArgs;
    depth: number;
    leafFormat: number;
    rootTtl: number | bigint;
};
export declare function getCreateRegistryInstructionDataEncoder(): FixedSizeEncoder<CreateRegistryInstructionDataArgs>;
export declare function getCreateRegistryInstructionDataDecoder(): FixedSizeDecoder<CreateRegistryInstructionData>;
export declare function getCreateRegistryInstructionDataCodec(): FixedSizeCodec<CreateRegistryInstructionDataArgs, CreateRegistryInstructionData>;
export type CreateRegistryAsyncInput<TAccountPayer extends string = string, TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    authority: TransactionSigner<TAccountAuthority>;
    registry?: Address<TAccountRegistry>;
    tree?: TransactionSigner<TAccountTree>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    nonce: CreateRegistryInstructionDataArgs["nonce"];
    kind: CreateRegistryInstructionDataArgs["kind"];
    depth: CreateRegistryInstructionDataArgs["depth"];
    leafFormat: CreateRegistryInstructionDataArgs["leafFormat"];
    rootTtl: CreateRegistryInstructionDataArgs["rootTtl"];
};
export declare function getCreateRegistryInstructionAsync<TAccountPayer extends string, TAccountAuthority extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: CreateRegistryAsyncInput<TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<CreateRegistryInstruction<TProgramAddress, TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type CreateRegistryInput<TAccountPayer extends string = string, TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    tree?: TransactionSigner<TAccountTree>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    nonce: CreateRegistryInstructionDataArgs["nonce"];
    kind: CreateRegistryInstructionDataArgs["kind"];
    depth: CreateRegistryInstructionDataArgs["depth"];
    leafFormat: CreateRegistryInstructionDataArgs["leafFormat"];
    rootTtl: CreateRegistryInstructionDataArgs["rootTtl"];
};
export declare function getCreateRegistryInstruction<TAccountPayer extends string, TAccountAuthority extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: CreateRegistryInput<TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): CreateRegistryInstruction<TProgramAddress, TAccountPayer, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedCreateRegistryInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        authority: TAccountMetas[1];
        registry: TAccountMetas[2];
        tree?: TAccountMetas[3] | undefined;
        systemProgram: TAccountMetas[4];
        eventAuthority: TAccountMetas[5];
        program: TAccountMetas[6];
    };
    data: CreateRegistryInstructionData;
};
export declare function parseCreateRegistryInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedCreateRegistryInstruction<TProgram, TAccountMetas>;

// generated/instructions/createScope.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type Codec, type Decoder, type Encoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type Option, type OptionOrNullable, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
import { type ScopeMode, type ScopeModeArgs } from "../types/index.js";
export declare const CREATE_SCOPE_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getCreateScopeDiscriminatorBytes(): ReadonlyUint8Array;
export type CreateScopeInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountCreator extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountCircuit extends string | AccountMeta<string> = string, TAccountAuxiliaryRegistry extends string | AccountMeta<string> = string, TAccountScope extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountCreator extends string ? ReadonlySignerAccount<TAccountCreator> & AccountSignerMeta<TAccountCreator> : TAccountCreator,
    TAccountConfig extends string ? ReadonlyAccount<TAccountConfig> : TAccountConfig,
    TAccountRegistry extends string ? ReadonlyAccount<TAccountRegistry> : TAccountRegistry,
    TAccountCircuit extends string ? ReadonlyAccount<TAccountCircuit> : TAccountCircuit,
    TAccountAuxiliaryRegistry extends string ? ReadonlyAccount<TAccountAuxiliaryRegistry> : TAccountAuxiliaryRegistry,
    TAccountScope extends string ? WritableAccount<TAccountScope> : TAccountScope,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type CreateScopeInstructionData = {
    discriminator: ReadonlyUint8Array;
    nonce: bigint;
    mode: ScopeMode;
    gate: Option<Address>;
    requiredClaim: Option<ReadonlyUint8Array>;
    opensAt: bigint;
    closesAt: bigint;
    expectedRoot: Option<ReadonlyUint8Array>;
};
export type CreateScopeInstructionDataArgs = {
    nonce: number | bigint;
    mode: ScopeModeArgs;
    gate: OptionOrNullable<Address>;
    requiredClaim: OptionOrNullable<ReadonlyUint8Array>;
    opensAt: number | bigint;
    closesAt: number | bigint;
    expectedRoot: OptionOrNullable<ReadonlyUint8Array>;
};
export declare function getCreateScopeInstructionDataEncoder(): Encoder<CreateScopeInstructionDataArgs>;
export declare function getCreateScopeInstructionDataDecoder(): Decoder<CreateScopeInstructionData>;
export declare function getCreateScopeInstructionDataCodec(): Codec<CreateScopeInstructionDataArgs, CreateScopeInstructionData>;
export type CreateScopeAsyncInput<TAccountPayer extends string = string, TAccountCreator extends string = string, TAccountConfig extends string = string, TAccountRegistry extends string = string, TAccountCircuit extends string = string, TAccountAuxiliaryRegistry extends string = string, TAccountScope extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    creator: TransactionSigner<TAccountCreator>;
    config?: Address<TAccountConfig>;
    registry: Address<TAccountRegistry>;
    circuit: Address<TAccountCircuit>;
    auxiliaryRegistry?: Address<TAccountAuxiliaryRegistry>;
    scope?: Address<TAccountScope>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    nonce: CreateScopeInstructionDataArgs["nonce"];
    mode: CreateScopeInstructionDataArgs["mode"];
    gate: CreateScopeInstructionDataArgs["gate"];
    requiredClaim: CreateScopeInstructionDataArgs["requiredClaim"];
    opensAt: CreateScopeInstructionDataArgs["opensAt"];
    closesAt: CreateScopeInstructionDataArgs["closesAt"];
    expectedRoot: CreateScopeInstructionDataArgs["expectedRoot"];
};
export declare function getCreateScopeInstructionAsync<TAccountPayer extends string, TAccountCreator extends string, TAccountConfig extends string, TAccountRegistry extends string, TAccountCircuit extends string, TAccountAuxiliaryRegistry extends string, TAccountScope extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: CreateScopeAsyncInput<TAccountPayer, TAccountCreator, TAccountConfig, TAccountRegistry, TAccountCircuit, TAccountAuxiliaryRegistry, TAccountScope, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<CreateScopeInstruction<TProgramAddress, TAccountPayer, TAccountCreator, TAccountConfig, TAccountRegistry, TAccountCircuit, TAccountAuxiliaryRegistry, TAccountScope, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type CreateScopeInput<TAccountPayer extends string = string, TAccountCreator extends string = string, TAccountConfig extends string = string, TAccountRegistry extends string = string, TAccountCircuit extends string = string, TAccountAuxiliaryRegistry extends string = string, TAccountScope extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    creator: TransactionSigner<TAccountCreator>;
    config: Address<TAccountConfig>;
    registry: Address<TAccountRegistry>;
    circuit: Address<TAccountCircuit>;
    auxiliaryRegistry?: Address<TAccountAuxiliaryRegistry>;
    scope: Address<TAccountScope>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    nonce: CreateScopeInstructionDataArgs["nonce"];
    mode: CreateScopeInstructionDataArgs["mode"];
    gate: CreateScopeInstructionDataArgs["gate"];
    requiredClaim: CreateScopeInstructionDataArgs["requiredClaim"];
    opensAt: CreateScopeInstructionDataArgs["opensAt"];
    closesAt: CreateScopeInstructionDataArgs["closesAt"];
    expectedRoot: CreateScopeInstructionDataArgs["expectedRoot"];
};
export declare function getCreateScopeInstruction<TAccountPayer extends string, TAccountCreator extends string, TAccountConfig extends string, TAccountRegistry extends string, TAccountCircuit extends string, TAccountAuxiliaryRegistry extends string, TAccountScope extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: CreateScopeInput<TAccountPayer, TAccountCreator, TAccountConfig, TAccountRegistry, TAccountCircuit, TAccountAuxiliaryRegistry, TAccountScope, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): CreateScopeInstruction<TProgramAddress, TAccountPayer, TAccountCreator, TAccountConfig, TAccountRegistry, TAccountCircuit, TAccountAuxiliaryRegistry, TAccountScope, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedCreateScopeInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        creator: TAccountMetas[1];
        config: TAccountMetas[2];
        registry: TAccountMetas[3];
        circuit: TAccountMetas[4];
        auxiliaryRegistry?: TAccountMetas[5] | undefined;
        scope: TAccountMetas[6];
        systemProgram: TAccountMetas[7];
        eventAuthority: TAccountMetas[8];
        program: TAccountMetas[9];
    };
    data: CreateScopeInstructionData;
};
export declare function parseCreateScopeInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedCreateScopeInstruction<TProgram, TAccountMetas>;

// generated/instructions/evictHolder.d.ts
import { type AccountMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlyUint8Array, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const EVICT_HOLDER_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getEvictHolderDiscriminatorBytes(): ReadonlyUint8Array;
export type EvictHolderInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountRegistry extends string | AccountMeta<string> = string, TAccountTree extends string | AccountMeta<string> = string, TAccountHolding extends string | AccountMeta<string> = string, TAccountMint extends string | AccountMeta<string> = string, TAccountTokenAccount extends string | AccountMeta<string> = string, TAccountCollection extends string | AccountMeta<string> = string, TAccountMetadata extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountTree extends string ? WritableAccount<TAccountTree> : TAccountTree,
    TAccountHolding extends string ? WritableAccount<TAccountHolding> : TAccountHolding,
    TAccountMint extends string ? ReadonlyAccount<TAccountMint> : TAccountMint,
    TAccountTokenAccount extends string ? ReadonlyAccount<TAccountTokenAccount> : TAccountTokenAccount,
    TAccountCollection extends string ? ReadonlyAccount<TAccountCollection> : TAccountCollection,
    TAccountMetadata extends string ? ReadonlyAccount<TAccountMetadata> : TAccountMetadata,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type EvictHolderInstructionData = {
    discriminator: ReadonlyUint8Array;
    path: Array<Array<ReadonlyUint8Array>>;
};
export type EvictHolderInstructionDataArgs = {
    path: Array<Array<ReadonlyUint8Array>>;
};
export declare function getEvictHolderInstructionDataEncoder(): FixedSizeEncoder<EvictHolderInstructionDataArgs>;
export declare function getEvictHolderInstructionDataDecoder(): FixedSizeDecoder<EvictHolderInstructionData>;
export declare function getEvictHolderInstructionDataCodec(): FixedSizeCodec<EvictHolderInstructionDataArgs, EvictHolderInstructionData>;
export type EvictHolderAsyncInput<TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountHolding extends string = string, TAccountMint extends string = string, TAccountTokenAccount extends string = string, TAccountCollection extends string = string, TAccountMetadata extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    holding?: Address<TAccountHolding>;
    mint: Address<TAccountMint>;
    tokenAccount?: Address<TAccountTokenAccount>;
    collection?: Address<TAccountCollection>;
    metadata?: Address<TAccountMetadata>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    path: EvictHolderInstructionDataArgs["path"];
};
export declare function getEvictHolderInstructionAsync<TAccountRegistry extends string, TAccountTree extends string, TAccountHolding extends string, TAccountMint extends string, TAccountTokenAccount extends string, TAccountCollection extends string, TAccountMetadata extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: EvictHolderAsyncInput<TAccountRegistry, TAccountTree, TAccountHolding, TAccountMint, TAccountTokenAccount, TAccountCollection, TAccountMetadata, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<EvictHolderInstruction<TProgramAddress, TAccountRegistry, TAccountTree, TAccountHolding, TAccountMint, TAccountTokenAccount, TAccountCollection, TAccountMetadata, TAccountEventAuthority, TAccountProgram>>;
export type EvictHolderInput<TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountHolding extends string = string, TAccountMint extends string = string, TAccountTokenAccount extends string = string, TAccountCollection extends string = string, TAccountMetadata extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    holding: Address<TAccountHolding>;
    mint: Address<TAccountMint>;
    tokenAccount?: Address<TAccountTokenAccount>;
    collection?: Address<TAccountCollection>;
    metadata?: Address<TAccountMetadata>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    path: EvictHolderInstructionDataArgs["path"];
};
export declare function getEvictHolderInstruction<TAccountRegistry extends string, TAccountTree extends string, TAccountHolding extends string, TAccountMint extends string, TAccountTokenAccount extends string, TAccountCollection extends string, TAccountMetadata extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: EvictHolderInput<TAccountRegistry, TAccountTree, TAccountHolding, TAccountMint, TAccountTokenAccount, TAccountCollection, TAccountMetadata, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): EvictHolderInstruction<TProgramAddress, TAccountRegistry, TAccountTree, TAccountHolding, TAccountMint, TAccountTokenAccount, TAccountCollection, TAccountMetadata, TAccountEventAuthority, TAccountProgram>;
export type ParsedEvictHolderInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        registry: TAccountMetas[0];
        tree: TAccountMetas[1];
        holding: TAccountMetas[2];
        mint: TAccountMetas[3];
        tokenAccount?: TAccountMetas[4] | undefined;
        collection?: TAccountMetas[5] | undefined;
        metadata?: TAccountMetas[6] | undefined;
        eventAuthority: TAccountMetas[7];
        program: TAccountMetas[8];
    };
    data: EvictHolderInstructionData;
};
export declare function parseEvictHolderInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedEvictHolderInstruction<TProgram, TAccountMetas>;

// generated/instructions/index.d.ts
export * from "./acceptAdmin.js";
export * from "./addCollection.js";
export * from "./appendLeaves.js";
export * from "./closeScope.js";
export * from "./createRegistry.js";
export * from "./createScope.js";
export * from "./evictHolder.js";
export * from "./initialize.js";
export * from "./pause.js";
export * from "./publishRoot.js";
export * from "./reclaimNullifier.js";
export * from "./registerCircuit.js";
export * from "./registerCoreHolder.js";
export * from "./registerHolder.js";
export * from "./replaceAdmin.js";
export * from "./replaceLeaf.js";
export * from "./retireCircuit.js";
export * from "./sealRegistry.js";
export * from "./setAdmin.js";
export * from "./suspendCircuit.js";
export * from "./verify.js";

// generated/instructions/initialize.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const INITIALIZE_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getInitializeDiscriminatorBytes(): ReadonlyUint8Array;
export type InitializeInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountUpgradeAuthority extends string | AccountMeta<string> = string, TAccountProgramData extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountUpgradeAuthority extends string ? ReadonlySignerAccount<TAccountUpgradeAuthority> & AccountSignerMeta<TAccountUpgradeAuthority> : TAccountUpgradeAuthority,
    TAccountProgramData extends string ? ReadonlyAccount<TAccountProgramData> : TAccountProgramData,
    TAccountConfig extends string ? WritableAccount<TAccountConfig> : TAccountConfig,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type InitializeInstructionData = {
    discriminator: ReadonlyUint8Array;
    clusterTag: ReadonlyUint8Array;
    admin: Address;
    developmentKeysAllowed: boolean;
};
export type InitializeInstructionDataArgs = {
    clusterTag: ReadonlyUint8Array;
    admin: Address;
    developmentKeysAllowed: boolean;
};
export declare function getInitializeInstructionDataEncoder(): FixedSizeEncoder<InitializeInstructionDataArgs>;
export declare function getInitializeInstructionDataDecoder(): FixedSizeDecoder<InitializeInstructionData>;
export declare function getInitializeInstructionDataCodec(): FixedSizeCodec<InitializeInstructionDataArgs, InitializeInstructionData>;
export type InitializeAsyncInput<TAccountPayer extends string = string, TAccountUpgradeAuthority extends string = string, TAccountProgramData extends string = string, TAccountConfig extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    upgradeAuthority: TransactionSigner<TAccountUpgradeAuthority>;
    programData?: Address<TAccountProgramData>;
    config?: Address<TAccountConfig>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    clusterTag: InitializeInstructionDataArgs["clusterTag"];
    admin: InitializeInstructionDataArgs["admin"];
    developmentKeysAllowed: InitializeInstructionDataArgs["developmentKeysAllowed"];
};
export declare function getInitializeInstructionAsync<TAccountPayer extends string, TAccountUpgradeAuthority extends string, TAccountProgramData extends string, TAccountConfig extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: InitializeAsyncInput<TAccountPayer, TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<InitializeInstruction<TProgramAddress, TAccountPayer, TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type InitializeInput<TAccountPayer extends string = string, TAccountUpgradeAuthority extends string = string, TAccountProgramData extends string = string, TAccountConfig extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    upgradeAuthority: TransactionSigner<TAccountUpgradeAuthority>;
    programData: Address<TAccountProgramData>;
    config: Address<TAccountConfig>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    clusterTag: InitializeInstructionDataArgs["clusterTag"];
    admin: InitializeInstructionDataArgs["admin"];
    developmentKeysAllowed: InitializeInstructionDataArgs["developmentKeysAllowed"];
};
export declare function getInitializeInstruction<TAccountPayer extends string, TAccountUpgradeAuthority extends string, TAccountProgramData extends string, TAccountConfig extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: InitializeInput<TAccountPayer, TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): InitializeInstruction<TProgramAddress, TAccountPayer, TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedInitializeInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        upgradeAuthority: TAccountMetas[1];
        programData: TAccountMetas[2];
        config: TAccountMetas[3];
        systemProgram: TAccountMetas[4];
        eventAuthority: TAccountMetas[5];
        program: TAccountMetas[6];
    };
    data: InitializeInstructionData;
};
export declare function parseInitializeInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedInitializeInstruction<TProgram, TAccountMetas>;

// generated/instructions/pause.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const PAUSE_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getPauseDiscriminatorBytes(): ReadonlyUint8Array;
export type PauseInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAdmin extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAdmin extends string ? ReadonlySignerAccount<TAccountAdmin> & AccountSignerMeta<TAccountAdmin> : TAccountAdmin,
    TAccountConfig extends string ? WritableAccount<TAccountConfig> : TAccountConfig,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type PauseInstructionData = {
    discriminator: ReadonlyUint8Array;
    paused: boolean;
};
export type PauseInstructionDataArgs = {
    paused: boolean;
};
export declare function getPauseInstructionDataEncoder(): FixedSizeEncoder<PauseInstructionDataArgs>;
export declare function getPauseInstructionDataDecoder(): FixedSizeDecoder<PauseInstructionData>;
export declare function getPauseInstructionDataCodec(): FixedSizeCodec<PauseInstructionDataArgs, PauseInstructionData>;
export type PauseAsyncInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config?: Address<TAccountConfig>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    paused: PauseInstructionDataArgs["paused"];
};
export declare function getPauseInstructionAsync<TAccountAdmin extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: PauseAsyncInput<TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<PauseInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>>;
export type PauseInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config: Address<TAccountConfig>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    paused: PauseInstructionDataArgs["paused"];
};
export declare function getPauseInstruction<TAccountAdmin extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: PauseInput<TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): PauseInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>;
export type ParsedPauseInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        admin: TAccountMetas[0];
        config: TAccountMetas[1];
        eventAuthority: TAccountMetas[2];
        program: TAccountMetas[3];
    };
    data: PauseInstructionData;
};
export declare function parsePauseInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedPauseInstruction<TProgram, TAccountMetas>;

// generated/instructions/publishRoot.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const PUBLISH_ROOT_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getPublishRootDiscriminatorBytes(): ReadonlyUint8Array;
export type PublishRootInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAuthority extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAuthority extends string ? ReadonlySignerAccount<TAccountAuthority> & AccountSignerMeta<TAccountAuthority> : TAccountAuthority,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type PublishRootInstructionData = {
    discriminator: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
};
export type PublishRootInstructionDataArgs = {
    root: ReadonlyUint8Array;
};
export declare function getPublishRootInstructionDataEncoder(): FixedSizeEncoder<PublishRootInstructionDataArgs>;
export declare function getPublishRootInstructionDataDecoder(): FixedSizeDecoder<PublishRootInstructionData>;
export declare function getPublishRootInstructionDataCodec(): FixedSizeCodec<PublishRootInstructionDataArgs, PublishRootInstructionData>;
export type PublishRootAsyncInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    root: PublishRootInstructionDataArgs["root"];
};
export declare function getPublishRootInstructionAsync<TAccountAuthority extends string, TAccountRegistry extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: PublishRootAsyncInput<TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<PublishRootInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>>;
export type PublishRootInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    root: PublishRootInstructionDataArgs["root"];
};
export declare function getPublishRootInstruction<TAccountAuthority extends string, TAccountRegistry extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: PublishRootInput<TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): PublishRootInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>;
export type ParsedPublishRootInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        authority: TAccountMetas[0];
        registry: TAccountMetas[1];
        eventAuthority: TAccountMetas[2];
        program: TAccountMetas[3];
    };
    data: PublishRootInstructionData;
};
export declare function parsePublishRootInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedPublishRootInstruction<TProgram, TAccountMetas>;

// generated/instructions/reclaimNullifier.d.ts
import { type AccountMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlyUint8Array, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const RECLAIM_NULLIFIER_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getReclaimNullifierDiscriminatorBytes(): ReadonlyUint8Array;
export type ReclaimNullifierInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountScope extends string | AccountMeta<string> = string, TAccountNullifierAccount extends string | AccountMeta<string> = string, TAccountRentPayer extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountScope extends string ? ReadonlyAccount<TAccountScope> : TAccountScope,
    TAccountNullifierAccount extends string ? WritableAccount<TAccountNullifierAccount> : TAccountNullifierAccount,
    TAccountRentPayer extends string ? WritableAccount<TAccountRentPayer> : TAccountRentPayer,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type ReclaimNullifierInstructionData = {
    discriminator: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
};
export type ReclaimNullifierInstructionDataArgs = {
    nullifier: ReadonlyUint8Array;
};
export declare function getReclaimNullifierInstructionDataEncoder(): FixedSizeEncoder<ReclaimNullifierInstructionDataArgs>;
export declare function getReclaimNullifierInstructionDataDecoder(): FixedSizeDecoder<ReclaimNullifierInstructionData>;
export declare function getReclaimNullifierInstructionDataCodec(): FixedSizeCodec<ReclaimNullifierInstructionDataArgs, ReclaimNullifierInstructionData>;
export type ReclaimNullifierAsyncInput<TAccountScope extends string = string, TAccountNullifierAccount extends string = string, TAccountRentPayer extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    scope: Address<TAccountScope>;
    nullifierAccount?: Address<TAccountNullifierAccount>;
    rentPayer: Address<TAccountRentPayer>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    nullifier: ReclaimNullifierInstructionDataArgs["nullifier"];
};
export declare function getReclaimNullifierInstructionAsync<TAccountScope extends string, TAccountNullifierAccount extends string, TAccountRentPayer extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: ReclaimNullifierAsyncInput<TAccountScope, TAccountNullifierAccount, TAccountRentPayer, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<ReclaimNullifierInstruction<TProgramAddress, TAccountScope, TAccountNullifierAccount, TAccountRentPayer, TAccountEventAuthority, TAccountProgram>>;
export type ReclaimNullifierInput<TAccountScope extends string = string, TAccountNullifierAccount extends string = string, TAccountRentPayer extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    scope: Address<TAccountScope>;
    nullifierAccount: Address<TAccountNullifierAccount>;
    rentPayer: Address<TAccountRentPayer>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    nullifier: ReclaimNullifierInstructionDataArgs["nullifier"];
};
export declare function getReclaimNullifierInstruction<TAccountScope extends string, TAccountNullifierAccount extends string, TAccountRentPayer extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: ReclaimNullifierInput<TAccountScope, TAccountNullifierAccount, TAccountRentPayer, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): ReclaimNullifierInstruction<TProgramAddress, TAccountScope, TAccountNullifierAccount, TAccountRentPayer, TAccountEventAuthority, TAccountProgram>;
export type ParsedReclaimNullifierInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        scope: TAccountMetas[0];
        nullifierAccount: TAccountMetas[1];
        rentPayer: TAccountMetas[2];
        eventAuthority: TAccountMetas[3];
        program: TAccountMetas[4];
    };
    data: ReclaimNullifierInstructionData;
};
export declare function parseReclaimNullifierInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedReclaimNullifierInstruction<TProgram, TAccountMetas>;

// generated/instructions/registerCircuit.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
import { type Provenance, type ProvenanceArgs } from "../types/index.js";
export declare const REGISTER_CIRCUIT_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getRegisterCircuitDiscriminatorBytes(): ReadonlyUint8Array;
export type RegisterCircuitInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountAdmin extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountCircuit extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountAdmin extends string ? ReadonlySignerAccount<TAccountAdmin> & AccountSignerMeta<TAccountAdmin> : TAccountAdmin,
    TAccountConfig extends string ? ReadonlyAccount<TAccountConfig> : TAccountConfig,
    TAccountCircuit extends string ? WritableAccount<TAccountCircuit> : TAccountCircuit,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type RegisterCircuitInstructionData = {
    discriminator: ReadonlyUint8Array;
    statement: ReadonlyUint8Array;
    version: number;
    depth: number;
    leafFormat: number;
    auxiliaryFormat: number;
    provenance: Provenance;
    constraintSystemHash: ReadonlyUint8Array;
    transcriptHash: ReadonlyUint8Array;
    verifyingKey: ReadonlyUint8Array;
};
export type RegisterCircuitInstructionDataArgs = {
    statement: ReadonlyUint8Array;
    version: number;
    depth: number;
    leafFormat: number;
    auxiliaryFormat: number;
    provenance: ProvenanceArgs;
    constraintSystemHash: ReadonlyUint8Array;
    transcriptHash: ReadonlyUint8Array;
    verifyingKey: ReadonlyUint8Array;
};
export declare function getRegisterCircuitInstructionDataEncoder(): FixedSizeEncoder<RegisterCircuitInstructionDataArgs>;
export declare function getRegisterCircuitInstructionDataDecoder(): FixedSizeDecoder<RegisterCircuitInstructionData>;
export declare function getRegisterCircuitInstructionDataCodec(): FixedSizeCodec<RegisterCircuitInstructionDataArgs, RegisterCircuitInstructionData>;
export type RegisterCircuitAsyncInput<TAccountPayer extends string = string, TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountCircuit extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    admin: TransactionSigner<TAccountAdmin>;
    config?: Address<TAccountConfig>;
    circuit?: Address<TAccountCircuit>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    statement: RegisterCircuitInstructionDataArgs["statement"];
    version: RegisterCircuitInstructionDataArgs["version"];
    depth: RegisterCircuitInstructionDataArgs["depth"];
    leafFormat: RegisterCircuitInstructionDataArgs["leafFormat"];
    auxiliaryFormat: RegisterCircuitInstructionDataArgs["auxiliaryFormat"];
    provenance: RegisterCircuitInstructionDataArgs["provenance"];
    constraintSystemHash: RegisterCircuitInstructionDataArgs["constraintSystemHash"];
    transcriptHash: RegisterCircuitInstructionDataArgs["transcriptHash"];
    verifyingKey: RegisterCircuitInstructionDataArgs["verifyingKey"];
};
export declare function getRegisterCircuitInstructionAsync<TAccountPayer extends string, TAccountAdmin extends string, TAccountConfig extends string, TAccountCircuit extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RegisterCircuitAsyncInput<TAccountPayer, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<RegisterCircuitInstruction<TProgramAddress, TAccountPayer, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type RegisterCircuitInput<TAccountPayer extends string = string, TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountCircuit extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    admin: TransactionSigner<TAccountAdmin>;
    config: Address<TAccountConfig>;
    circuit: Address<TAccountCircuit>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    statement: RegisterCircuitInstructionDataArgs["statement"];
    version: RegisterCircuitInstructionDataArgs["version"];
    depth: RegisterCircuitInstructionDataArgs["depth"];
    leafFormat: RegisterCircuitInstructionDataArgs["leafFormat"];
    auxiliaryFormat: RegisterCircuitInstructionDataArgs["auxiliaryFormat"];
    provenance: RegisterCircuitInstructionDataArgs["provenance"];
    constraintSystemHash: RegisterCircuitInstructionDataArgs["constraintSystemHash"];
    transcriptHash: RegisterCircuitInstructionDataArgs["transcriptHash"];
    verifyingKey: RegisterCircuitInstructionDataArgs["verifyingKey"];
};
export declare function getRegisterCircuitInstruction<TAccountPayer extends string, TAccountAdmin extends string, TAccountConfig extends string, TAccountCircuit extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RegisterCircuitInput<TAccountPayer, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): RegisterCircuitInstruction<TProgramAddress, TAccountPayer, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedRegisterCircuitInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        admin: TAccountMetas[1];
        config: TAccountMetas[2];
        circuit: TAccountMetas[3];
        systemProgram: TAccountMetas[4];
        eventAuthority: TAccountMetas[5];
        program: TAccountMetas[6];
    };
    data: RegisterCircuitInstructionData;
};
export declare function parseRegisterCircuitInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedRegisterCircuitInstruction<TProgram, TAccountMetas>;

// generated/instructions/registerCoreHolder.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type Codec, type Decoder, type Encoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type Option, type OptionOrNullable, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const REGISTER_CORE_HOLDER_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getRegisterCoreHolderDiscriminatorBytes(): ReadonlyUint8Array;
export type RegisterCoreHolderInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountOwner extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountTree extends string | AccountMeta<string> = string, TAccountCollection extends string | AccountMeta<string> = string, TAccountAsset extends string | AccountMeta<string> = string, TAccountCoreCollection extends string | AccountMeta<string> = string, TAccountHolding extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountOwner extends string ? ReadonlySignerAccount<TAccountOwner> & AccountSignerMeta<TAccountOwner> : TAccountOwner,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountTree extends string ? WritableAccount<TAccountTree> : TAccountTree,
    TAccountCollection extends string ? ReadonlyAccount<TAccountCollection> : TAccountCollection,
    TAccountAsset extends string ? ReadonlyAccount<TAccountAsset> : TAccountAsset,
    TAccountCoreCollection extends string ? ReadonlyAccount<TAccountCoreCollection> : TAccountCoreCollection,
    TAccountHolding extends string ? WritableAccount<TAccountHolding> : TAccountHolding,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type RegisterCoreHolderInstructionData = {
    discriminator: ReadonlyUint8Array;
    commitment: ReadonlyUint8Array;
    path: Option<Array<Array<ReadonlyUint8Array>>>;
};
export type RegisterCoreHolderInstructionDataArgs = {
    commitment: ReadonlyUint8Array;
    path: OptionOrNullable<Array<Array<ReadonlyUint8Array>>>;
};
export declare function getRegisterCoreHolderInstructionDataEncoder(): Encoder<RegisterCoreHolderInstructionDataArgs>;
export declare function getRegisterCoreHolderInstructionDataDecoder(): Decoder<RegisterCoreHolderInstructionData>;
export declare function getRegisterCoreHolderInstructionDataCodec(): Codec<RegisterCoreHolderInstructionDataArgs, RegisterCoreHolderInstructionData>;
export type RegisterCoreHolderAsyncInput<TAccountPayer extends string = string, TAccountOwner extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountCollection extends string = string, TAccountAsset extends string = string, TAccountCoreCollection extends string = string, TAccountHolding extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    owner: TransactionSigner<TAccountOwner>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    collection: Address<TAccountCollection>;
    asset: Address<TAccountAsset>;
    coreCollection?: Address<TAccountCoreCollection>;
    holding?: Address<TAccountHolding>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    commitment: RegisterCoreHolderInstructionDataArgs["commitment"];
    path: RegisterCoreHolderInstructionDataArgs["path"];
};
export declare function getRegisterCoreHolderInstructionAsync<TAccountPayer extends string, TAccountOwner extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountCollection extends string, TAccountAsset extends string, TAccountCoreCollection extends string, TAccountHolding extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RegisterCoreHolderAsyncInput<TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountAsset, TAccountCoreCollection, TAccountHolding, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<RegisterCoreHolderInstruction<TProgramAddress, TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountAsset, TAccountCoreCollection, TAccountHolding, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type RegisterCoreHolderInput<TAccountPayer extends string = string, TAccountOwner extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountCollection extends string = string, TAccountAsset extends string = string, TAccountCoreCollection extends string = string, TAccountHolding extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    owner: TransactionSigner<TAccountOwner>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    collection: Address<TAccountCollection>;
    asset: Address<TAccountAsset>;
    coreCollection?: Address<TAccountCoreCollection>;
    holding: Address<TAccountHolding>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    commitment: RegisterCoreHolderInstructionDataArgs["commitment"];
    path: RegisterCoreHolderInstructionDataArgs["path"];
};
export declare function getRegisterCoreHolderInstruction<TAccountPayer extends string, TAccountOwner extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountCollection extends string, TAccountAsset extends string, TAccountCoreCollection extends string, TAccountHolding extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RegisterCoreHolderInput<TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountAsset, TAccountCoreCollection, TAccountHolding, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): RegisterCoreHolderInstruction<TProgramAddress, TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountAsset, TAccountCoreCollection, TAccountHolding, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedRegisterCoreHolderInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        owner: TAccountMetas[1];
        registry: TAccountMetas[2];
        tree: TAccountMetas[3];
        collection: TAccountMetas[4];
        asset: TAccountMetas[5];
        coreCollection?: TAccountMetas[6] | undefined;
        holding: TAccountMetas[7];
        systemProgram: TAccountMetas[8];
        eventAuthority: TAccountMetas[9];
        program: TAccountMetas[10];
    };
    data: RegisterCoreHolderInstructionData;
};
export declare function parseRegisterCoreHolderInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedRegisterCoreHolderInstruction<TProgram, TAccountMetas>;

// generated/instructions/registerHolder.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type Codec, type Decoder, type Encoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type Option, type OptionOrNullable, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const REGISTER_HOLDER_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getRegisterHolderDiscriminatorBytes(): ReadonlyUint8Array;
export type RegisterHolderInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountOwner extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountTree extends string | AccountMeta<string> = string, TAccountCollection extends string | AccountMeta<string> = string, TAccountMint extends string | AccountMeta<string> = string, TAccountTokenAccount extends string | AccountMeta<string> = string, TAccountHolding extends string | AccountMeta<string> = string, TAccountMetadata extends string | AccountMeta<string> = string, TAccountEdition extends string | AccountMeta<string> = string, TAccountTokenRecord extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountOwner extends string ? ReadonlySignerAccount<TAccountOwner> & AccountSignerMeta<TAccountOwner> : TAccountOwner,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountTree extends string ? WritableAccount<TAccountTree> : TAccountTree,
    TAccountCollection extends string ? ReadonlyAccount<TAccountCollection> : TAccountCollection,
    TAccountMint extends string ? ReadonlyAccount<TAccountMint> : TAccountMint,
    TAccountTokenAccount extends string ? ReadonlyAccount<TAccountTokenAccount> : TAccountTokenAccount,
    TAccountHolding extends string ? WritableAccount<TAccountHolding> : TAccountHolding,
    TAccountMetadata extends string ? ReadonlyAccount<TAccountMetadata> : TAccountMetadata,
    TAccountEdition extends string ? ReadonlyAccount<TAccountEdition> : TAccountEdition,
    TAccountTokenRecord extends string ? ReadonlyAccount<TAccountTokenRecord> : TAccountTokenRecord,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type RegisterHolderInstructionData = {
    discriminator: ReadonlyUint8Array;
    commitment: ReadonlyUint8Array;
    path: Option<Array<Array<ReadonlyUint8Array>>>;
};
export type RegisterHolderInstructionDataArgs = {
    commitment: ReadonlyUint8Array;
    path: OptionOrNullable<Array<Array<ReadonlyUint8Array>>>;
};
export declare function getRegisterHolderInstructionDataEncoder(): Encoder<RegisterHolderInstructionDataArgs>;
export declare function getRegisterHolderInstructionDataDecoder(): Decoder<RegisterHolderInstructionData>;
export declare function getRegisterHolderInstructionDataCodec(): Codec<RegisterHolderInstructionDataArgs, RegisterHolderInstructionData>;
export type RegisterHolderAsyncInput<TAccountPayer extends string = string, TAccountOwner extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountCollection extends string = string, TAccountMint extends string = string, TAccountTokenAccount extends string = string, TAccountHolding extends string = string, TAccountMetadata extends string = string, TAccountEdition extends string = string, TAccountTokenRecord extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    owner: TransactionSigner<TAccountOwner>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    collection: Address<TAccountCollection>;
    mint: Address<TAccountMint>;
    tokenAccount: Address<TAccountTokenAccount>;
    holding?: Address<TAccountHolding>;
    metadata?: Address<TAccountMetadata>;
    edition?: Address<TAccountEdition>;
    tokenRecord?: Address<TAccountTokenRecord>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    commitment: RegisterHolderInstructionDataArgs["commitment"];
    path: RegisterHolderInstructionDataArgs["path"];
};
export declare function getRegisterHolderInstructionAsync<TAccountPayer extends string, TAccountOwner extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountCollection extends string, TAccountMint extends string, TAccountTokenAccount extends string, TAccountHolding extends string, TAccountMetadata extends string, TAccountEdition extends string, TAccountTokenRecord extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RegisterHolderAsyncInput<TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountMint, TAccountTokenAccount, TAccountHolding, TAccountMetadata, TAccountEdition, TAccountTokenRecord, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<RegisterHolderInstruction<TProgramAddress, TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountMint, TAccountTokenAccount, TAccountHolding, TAccountMetadata, TAccountEdition, TAccountTokenRecord, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type RegisterHolderInput<TAccountPayer extends string = string, TAccountOwner extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountCollection extends string = string, TAccountMint extends string = string, TAccountTokenAccount extends string = string, TAccountHolding extends string = string, TAccountMetadata extends string = string, TAccountEdition extends string = string, TAccountTokenRecord extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    owner: TransactionSigner<TAccountOwner>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    collection: Address<TAccountCollection>;
    mint: Address<TAccountMint>;
    tokenAccount: Address<TAccountTokenAccount>;
    holding: Address<TAccountHolding>;
    metadata?: Address<TAccountMetadata>;
    edition?: Address<TAccountEdition>;
    tokenRecord?: Address<TAccountTokenRecord>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    commitment: RegisterHolderInstructionDataArgs["commitment"];
    path: RegisterHolderInstructionDataArgs["path"];
};
export declare function getRegisterHolderInstruction<TAccountPayer extends string, TAccountOwner extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountCollection extends string, TAccountMint extends string, TAccountTokenAccount extends string, TAccountHolding extends string, TAccountMetadata extends string, TAccountEdition extends string, TAccountTokenRecord extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RegisterHolderInput<TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountMint, TAccountTokenAccount, TAccountHolding, TAccountMetadata, TAccountEdition, TAccountTokenRecord, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): RegisterHolderInstruction<TProgramAddress, TAccountPayer, TAccountOwner, TAccountRegistry, TAccountTree, TAccountCollection, TAccountMint, TAccountTokenAccount, TAccountHolding, TAccountMetadata, TAccountEdition, TAccountTokenRecord, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedRegisterHolderInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        owner: TAccountMetas[1];
        registry: TAccountMetas[2];
        tree: TAccountMetas[3];
        collection: TAccountMetas[4];
        mint: TAccountMetas[5];
        tokenAccount: TAccountMetas[6];
        holding: TAccountMetas[7];
        metadata?: TAccountMetas[8] | undefined;
        edition?: TAccountMetas[9] | undefined;
        tokenRecord?: TAccountMetas[10] | undefined;
        systemProgram: TAccountMetas[11];
        eventAuthority: TAccountMetas[12];
        program: TAccountMetas[13];
    };
    data: RegisterHolderInstructionData;
};
export declare function parseRegisterHolderInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedRegisterHolderInstruction<TProgram, TAccountMetas>;

// generated/instructions/replaceAdmin.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const REPLACE_ADMIN_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getReplaceAdminDiscriminatorBytes(): ReadonlyUint8Array;
export type ReplaceAdminInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountUpgradeAuthority extends string | AccountMeta<string> = string, TAccountProgramData extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountUpgradeAuthority extends string ? ReadonlySignerAccount<TAccountUpgradeAuthority> & AccountSignerMeta<TAccountUpgradeAuthority> : TAccountUpgradeAuthority,
    TAccountProgramData extends string ? ReadonlyAccount<TAccountProgramData> : TAccountProgramData,
    TAccountConfig extends string ? WritableAccount<TAccountConfig> : TAccountConfig,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type ReplaceAdminInstructionData = {
    discriminator: ReadonlyUint8Array;
    newAdmin: Address;
};
export type ReplaceAdminInstructionDataArgs = {
    newAdmin: Address;
};
export declare function getReplaceAdminInstructionDataEncoder(): FixedSizeEncoder<ReplaceAdminInstructionDataArgs>;
export declare function getReplaceAdminInstructionDataDecoder(): FixedSizeDecoder<ReplaceAdminInstructionData>;
export declare function getReplaceAdminInstructionDataCodec(): FixedSizeCodec<ReplaceAdminInstructionDataArgs, ReplaceAdminInstructionData>;
export type ReplaceAdminAsyncInput<TAccountUpgradeAuthority extends string = string, TAccountProgramData extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    upgradeAuthority: TransactionSigner<TAccountUpgradeAuthority>;
    programData?: Address<TAccountProgramData>;
    config?: Address<TAccountConfig>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    newAdmin: ReplaceAdminInstructionDataArgs["newAdmin"];
};
export declare function getReplaceAdminInstructionAsync<TAccountUpgradeAuthority extends string, TAccountProgramData extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: ReplaceAdminAsyncInput<TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<ReplaceAdminInstruction<TProgramAddress, TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountEventAuthority, TAccountProgram>>;
export type ReplaceAdminInput<TAccountUpgradeAuthority extends string = string, TAccountProgramData extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    upgradeAuthority: TransactionSigner<TAccountUpgradeAuthority>;
    programData: Address<TAccountProgramData>;
    config: Address<TAccountConfig>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    newAdmin: ReplaceAdminInstructionDataArgs["newAdmin"];
};
export declare function getReplaceAdminInstruction<TAccountUpgradeAuthority extends string, TAccountProgramData extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: ReplaceAdminInput<TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): ReplaceAdminInstruction<TProgramAddress, TAccountUpgradeAuthority, TAccountProgramData, TAccountConfig, TAccountEventAuthority, TAccountProgram>;
export type ParsedReplaceAdminInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        upgradeAuthority: TAccountMetas[0];
        programData: TAccountMetas[1];
        config: TAccountMetas[2];
        eventAuthority: TAccountMetas[3];
        program: TAccountMetas[4];
    };
    data: ReplaceAdminInstructionData;
};
export declare function parseReplaceAdminInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedReplaceAdminInstruction<TProgram, TAccountMetas>;

// generated/instructions/replaceLeaf.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const REPLACE_LEAF_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getReplaceLeafDiscriminatorBytes(): ReadonlyUint8Array;
export type ReplaceLeafInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAuthority extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountTree extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAuthority extends string ? ReadonlySignerAccount<TAccountAuthority> & AccountSignerMeta<TAccountAuthority> : TAccountAuthority,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountTree extends string ? WritableAccount<TAccountTree> : TAccountTree,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type ReplaceLeafInstructionData = {
    discriminator: ReadonlyUint8Array;
    index: bigint;
    oldLeaf: ReadonlyUint8Array;
    newLeaf: ReadonlyUint8Array;
    path: Array<Array<ReadonlyUint8Array>>;
};
export type ReplaceLeafInstructionDataArgs = {
    index: number | bigint;
    oldLeaf: ReadonlyUint8Array;
    newLeaf: ReadonlyUint8Array;
    path: Array<Array<ReadonlyUint8Array>>;
};
export declare function getReplaceLeafInstructionDataEncoder(): FixedSizeEncoder<ReplaceLeafInstructionDataArgs>;
export declare function getReplaceLeafInstructionDataDecoder(): FixedSizeDecoder<ReplaceLeafInstructionData>;
export declare function getReplaceLeafInstructionDataCodec(): FixedSizeCodec<ReplaceLeafInstructionDataArgs, ReplaceLeafInstructionData>;
export type ReplaceLeafAsyncInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    index: ReplaceLeafInstructionDataArgs["index"];
    oldLeaf: ReplaceLeafInstructionDataArgs["oldLeaf"];
    newLeaf: ReplaceLeafInstructionDataArgs["newLeaf"];
    path: ReplaceLeafInstructionDataArgs["path"];
};
export declare function getReplaceLeafInstructionAsync<TAccountAuthority extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: ReplaceLeafAsyncInput<TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<ReplaceLeafInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>>;
export type ReplaceLeafInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountTree extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    tree: Address<TAccountTree>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    index: ReplaceLeafInstructionDataArgs["index"];
    oldLeaf: ReplaceLeafInstructionDataArgs["oldLeaf"];
    newLeaf: ReplaceLeafInstructionDataArgs["newLeaf"];
    path: ReplaceLeafInstructionDataArgs["path"];
};
export declare function getReplaceLeafInstruction<TAccountAuthority extends string, TAccountRegistry extends string, TAccountTree extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: ReplaceLeafInput<TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): ReplaceLeafInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountTree, TAccountEventAuthority, TAccountProgram>;
export type ParsedReplaceLeafInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        authority: TAccountMetas[0];
        registry: TAccountMetas[1];
        tree: TAccountMetas[2];
        eventAuthority: TAccountMetas[3];
        program: TAccountMetas[4];
    };
    data: ReplaceLeafInstructionData;
};
export declare function parseReplaceLeafInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedReplaceLeafInstruction<TProgram, TAccountMetas>;

// generated/instructions/retireCircuit.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const RETIRE_CIRCUIT_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getRetireCircuitDiscriminatorBytes(): ReadonlyUint8Array;
export type RetireCircuitInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAdmin extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountCircuit extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAdmin extends string ? ReadonlySignerAccount<TAccountAdmin> & AccountSignerMeta<TAccountAdmin> : TAccountAdmin,
    TAccountConfig extends string ? ReadonlyAccount<TAccountConfig> : TAccountConfig,
    TAccountCircuit extends string ? WritableAccount<TAccountCircuit> : TAccountCircuit,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type RetireCircuitInstructionData = {
    discriminator: ReadonlyUint8Array;
    retire: boolean;
};
export type RetireCircuitInstructionDataArgs = {
    retire: boolean;
};
export declare function getRetireCircuitInstructionDataEncoder(): FixedSizeEncoder<RetireCircuitInstructionDataArgs>;
export declare function getRetireCircuitInstructionDataDecoder(): FixedSizeDecoder<RetireCircuitInstructionData>;
export declare function getRetireCircuitInstructionDataCodec(): FixedSizeCodec<RetireCircuitInstructionDataArgs, RetireCircuitInstructionData>;
export type RetireCircuitAsyncInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountCircuit extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config?: Address<TAccountConfig>;
    circuit: Address<TAccountCircuit>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    retire: RetireCircuitInstructionDataArgs["retire"];
};
export declare function getRetireCircuitInstructionAsync<TAccountAdmin extends string, TAccountConfig extends string, TAccountCircuit extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RetireCircuitAsyncInput<TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<RetireCircuitInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>>;
export type RetireCircuitInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountCircuit extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config: Address<TAccountConfig>;
    circuit: Address<TAccountCircuit>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    retire: RetireCircuitInstructionDataArgs["retire"];
};
export declare function getRetireCircuitInstruction<TAccountAdmin extends string, TAccountConfig extends string, TAccountCircuit extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: RetireCircuitInput<TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): RetireCircuitInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>;
export type ParsedRetireCircuitInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        admin: TAccountMetas[0];
        config: TAccountMetas[1];
        circuit: TAccountMetas[2];
        eventAuthority: TAccountMetas[3];
        program: TAccountMetas[4];
    };
    data: RetireCircuitInstructionData;
};
export declare function parseRetireCircuitInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedRetireCircuitInstruction<TProgram, TAccountMetas>;

// generated/instructions/sealRegistry.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const SEAL_REGISTRY_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getSealRegistryDiscriminatorBytes(): ReadonlyUint8Array;
export type SealRegistryInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAuthority extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAuthority extends string ? ReadonlySignerAccount<TAccountAuthority> & AccountSignerMeta<TAccountAuthority> : TAccountAuthority,
    TAccountRegistry extends string ? WritableAccount<TAccountRegistry> : TAccountRegistry,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type SealRegistryInstructionData = {
    discriminator: ReadonlyUint8Array;
};
export type SealRegistryInstructionDataArgs = {};
export declare function getSealRegistryInstructionDataEncoder(): FixedSizeEncoder<SealRegistryInstructionDataArgs>;
export declare function getSealRegistryInstructionDataDecoder(): FixedSizeDecoder<SealRegistryInstructionData>;
export declare function getSealRegistryInstructionDataCodec(): FixedSizeCodec<SealRegistryInstructionDataArgs, SealRegistryInstructionData>;
export type SealRegistryAsyncInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
};
export declare function getSealRegistryInstructionAsync<TAccountAuthority extends string, TAccountRegistry extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: SealRegistryAsyncInput<TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<SealRegistryInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>>;
export type SealRegistryInput<TAccountAuthority extends string = string, TAccountRegistry extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    authority: TransactionSigner<TAccountAuthority>;
    registry: Address<TAccountRegistry>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
};
export declare function getSealRegistryInstruction<TAccountAuthority extends string, TAccountRegistry extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: SealRegistryInput<TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): SealRegistryInstruction<TProgramAddress, TAccountAuthority, TAccountRegistry, TAccountEventAuthority, TAccountProgram>;
export type ParsedSealRegistryInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        authority: TAccountMetas[0];
        registry: TAccountMetas[1];
        eventAuthority: TAccountMetas[2];
        program: TAccountMetas[3];
    };
    data: SealRegistryInstructionData;
};
export declare function parseSealRegistryInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedSealRegistryInstruction<TProgram, TAccountMetas>;

// generated/instructions/setAdmin.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const SET_ADMIN_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getSetAdminDiscriminatorBytes(): ReadonlyUint8Array;
export type SetAdminInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAdmin extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAdmin extends string ? ReadonlySignerAccount<TAccountAdmin> & AccountSignerMeta<TAccountAdmin> : TAccountAdmin,
    TAccountConfig extends string ? WritableAccount<TAccountConfig> : TAccountConfig,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type SetAdminInstructionData = {
    discriminator: ReadonlyUint8Array;
    newAdmin: Address;
};
export type SetAdminInstructionDataArgs = {
    newAdmin: Address;
};
export declare function getSetAdminInstructionDataEncoder(): FixedSizeEncoder<SetAdminInstructionDataArgs>;
export declare function getSetAdminInstructionDataDecoder(): FixedSizeDecoder<SetAdminInstructionData>;
export declare function getSetAdminInstructionDataCodec(): FixedSizeCodec<SetAdminInstructionDataArgs, SetAdminInstructionData>;
export type SetAdminAsyncInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config?: Address<TAccountConfig>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    newAdmin: SetAdminInstructionDataArgs["newAdmin"];
};
export declare function getSetAdminInstructionAsync<TAccountAdmin extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: SetAdminAsyncInput<TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<SetAdminInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>>;
export type SetAdminInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config: Address<TAccountConfig>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    newAdmin: SetAdminInstructionDataArgs["newAdmin"];
};
export declare function getSetAdminInstruction<TAccountAdmin extends string, TAccountConfig extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: SetAdminInput<TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): SetAdminInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountEventAuthority, TAccountProgram>;
export type ParsedSetAdminInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        admin: TAccountMetas[0];
        config: TAccountMetas[1];
        eventAuthority: TAccountMetas[2];
        program: TAccountMetas[3];
    };
    data: SetAdminInstructionData;
};
export declare function parseSetAdminInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedSetAdminInstruction<TProgram, TAccountMetas>;

// generated/instructions/suspendCircuit.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const SUSPEND_CIRCUIT_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getSuspendCircuitDiscriminatorBytes(): ReadonlyUint8Array;
export type SuspendCircuitInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountAdmin extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountCircuit extends string | AccountMeta<string> = string, TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountAdmin extends string ? ReadonlySignerAccount<TAccountAdmin> & AccountSignerMeta<TAccountAdmin> : TAccountAdmin,
    TAccountConfig extends string ? ReadonlyAccount<TAccountConfig> : TAccountConfig,
    TAccountCircuit extends string ? WritableAccount<TAccountCircuit> : TAccountCircuit,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type SuspendCircuitInstructionData = {
    discriminator: ReadonlyUint8Array;
    suspended: boolean;
};
export type SuspendCircuitInstructionDataArgs = {
    suspended: boolean;
};
export declare function getSuspendCircuitInstructionDataEncoder(): FixedSizeEncoder<SuspendCircuitInstructionDataArgs>;
export declare function getSuspendCircuitInstructionDataDecoder(): FixedSizeDecoder<SuspendCircuitInstructionData>;
export declare function getSuspendCircuitInstructionDataCodec(): FixedSizeCodec<SuspendCircuitInstructionDataArgs, SuspendCircuitInstructionData>;
export type SuspendCircuitAsyncInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountCircuit extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config?: Address<TAccountConfig>;
    circuit: Address<TAccountCircuit>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    suspended: SuspendCircuitInstructionDataArgs["suspended"];
};
export declare function getSuspendCircuitInstructionAsync<TAccountAdmin extends string, TAccountConfig extends string, TAccountCircuit extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: SuspendCircuitAsyncInput<TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<SuspendCircuitInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>>;
export type SuspendCircuitInput<TAccountAdmin extends string = string, TAccountConfig extends string = string, TAccountCircuit extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    admin: TransactionSigner<TAccountAdmin>;
    config: Address<TAccountConfig>;
    circuit: Address<TAccountCircuit>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    suspended: SuspendCircuitInstructionDataArgs["suspended"];
};
export declare function getSuspendCircuitInstruction<TAccountAdmin extends string, TAccountConfig extends string, TAccountCircuit extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: SuspendCircuitInput<TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): SuspendCircuitInstruction<TProgramAddress, TAccountAdmin, TAccountConfig, TAccountCircuit, TAccountEventAuthority, TAccountProgram>;
export type ParsedSuspendCircuitInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        admin: TAccountMetas[0];
        config: TAccountMetas[1];
        circuit: TAccountMetas[2];
        eventAuthority: TAccountMetas[3];
        program: TAccountMetas[4];
    };
    data: SuspendCircuitInstructionData;
};
export declare function parseSuspendCircuitInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedSuspendCircuitInstruction<TProgram, TAccountMetas>;

// generated/instructions/verify.d.ts
import { type AccountMeta, type AccountSignerMeta, type Address, type Codec, type Decoder, type Encoder, type Instruction, type InstructionWithAccounts, type InstructionWithData, type Option, type OptionOrNullable, type ReadonlyAccount, type ReadonlySignerAccount, type ReadonlyUint8Array, type TransactionSigner, type WritableAccount, type WritableSignerAccount } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs/index.js";
export declare const VERIFY_DISCRIMINATOR: ReadonlyUint8Array;
export declare function getVerifyDiscriminatorBytes(): ReadonlyUint8Array;
export type VerifyInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountPayer extends string | AccountMeta<string> = string, TAccountRecipient extends string | AccountMeta<string> = string, TAccountConfig extends string | AccountMeta<string> = string, TAccountScope extends string | AccountMeta<string> = string, TAccountCircuit extends string | AccountMeta<string> = string, TAccountNullifierAccount extends string | AccountMeta<string> = string, TAccountRegistry extends string | AccountMeta<string> = string, TAccountAuxiliaryRegistry extends string | AccountMeta<string> = string, TAccountGate extends string | AccountMeta<string> = string, TAccountRelayer extends string | AccountMeta<string> = string, TAccountSystemProgram extends string | AccountMeta<string> = "11111111111111111111111111111111", TAccountEventAuthority extends string | AccountMeta<string> = string, TAccountProgram extends string | AccountMeta<string> = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2", TRemainingAccounts extends readonly AccountMeta<string>[] = []> = Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array> & InstructionWithAccounts<[
    TAccountPayer extends string ? WritableSignerAccount<TAccountPayer> & AccountSignerMeta<TAccountPayer> : TAccountPayer,
    TAccountRecipient extends string ? ReadonlyAccount<TAccountRecipient> : TAccountRecipient,
    TAccountConfig extends string ? ReadonlyAccount<TAccountConfig> : TAccountConfig,
    TAccountScope extends string ? ReadonlyAccount<TAccountScope> : TAccountScope,
    TAccountCircuit extends string ? ReadonlyAccount<TAccountCircuit> : TAccountCircuit,
    TAccountNullifierAccount extends string ? WritableAccount<TAccountNullifierAccount> : TAccountNullifierAccount,
    TAccountRegistry extends string ? ReadonlyAccount<TAccountRegistry> : TAccountRegistry,
    TAccountAuxiliaryRegistry extends string ? ReadonlyAccount<TAccountAuxiliaryRegistry> : TAccountAuxiliaryRegistry,
    TAccountGate extends string ? ReadonlySignerAccount<TAccountGate> & AccountSignerMeta<TAccountGate> : TAccountGate,
    TAccountRelayer extends string ? ReadonlySignerAccount<TAccountRelayer> & AccountSignerMeta<TAccountRelayer> : TAccountRelayer,
    TAccountSystemProgram extends string ? ReadonlyAccount<TAccountSystemProgram> : TAccountSystemProgram,
    TAccountEventAuthority extends string ? ReadonlyAccount<TAccountEventAuthority> : TAccountEventAuthority,
    TAccountProgram extends string ? ReadonlyAccount<TAccountProgram> : TAccountProgram,
    ...TRemainingAccounts
]>;
export type VerifyInstructionData = {
    discriminator: ReadonlyUint8Array;
    proof: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
    claim: ReadonlyUint8Array;
    auxiliaryRoot: Option<ReadonlyUint8Array>;
    expiry: bigint;
    payload: ReadonlyUint8Array;
};
export type VerifyInstructionDataArgs = {
    proof: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
    claim: ReadonlyUint8Array;
    auxiliaryRoot: OptionOrNullable<ReadonlyUint8Array>;
    expiry: number | bigint;
    payload: ReadonlyUint8Array;
};
export declare function getVerifyInstructionDataEncoder(): Encoder<VerifyInstructionDataArgs>;
export declare function getVerifyInstructionDataDecoder(): Decoder<VerifyInstructionData>;
export declare function getVerifyInstructionDataCodec(): Codec<VerifyInstructionDataArgs, VerifyInstructionData>;
export type VerifyAsyncInput<TAccountPayer extends string = string, TAccountRecipient extends string = string, TAccountConfig extends string = string, TAccountScope extends string = string, TAccountCircuit extends string = string, TAccountNullifierAccount extends string = string, TAccountRegistry extends string = string, TAccountAuxiliaryRegistry extends string = string, TAccountGate extends string = string, TAccountRelayer extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    recipient: Address<TAccountRecipient>;
    config?: Address<TAccountConfig>;
    scope: Address<TAccountScope>;
    circuit: Address<TAccountCircuit>;
    nullifierAccount?: Address<TAccountNullifierAccount>;
    registry?: Address<TAccountRegistry>;
    auxiliaryRegistry?: Address<TAccountAuxiliaryRegistry>;
    gate?: TransactionSigner<TAccountGate>;
    relayer?: TransactionSigner<TAccountRelayer>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority?: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    proof: VerifyInstructionDataArgs["proof"];
    root: VerifyInstructionDataArgs["root"];
    nullifier: VerifyInstructionDataArgs["nullifier"];
    claim: VerifyInstructionDataArgs["claim"];
    auxiliaryRoot: VerifyInstructionDataArgs["auxiliaryRoot"];
    expiry: VerifyInstructionDataArgs["expiry"];
    payload: VerifyInstructionDataArgs["payload"];
};
export declare function getVerifyInstructionAsync<TAccountPayer extends string, TAccountRecipient extends string, TAccountConfig extends string, TAccountScope extends string, TAccountCircuit extends string, TAccountNullifierAccount extends string, TAccountRegistry extends string, TAccountAuxiliaryRegistry extends string, TAccountGate extends string, TAccountRelayer extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: VerifyAsyncInput<TAccountPayer, TAccountRecipient, TAccountConfig, TAccountScope, TAccountCircuit, TAccountNullifierAccount, TAccountRegistry, TAccountAuxiliaryRegistry, TAccountGate, TAccountRelayer, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): Promise<VerifyInstruction<TProgramAddress, TAccountPayer, TAccountRecipient, TAccountConfig, TAccountScope, TAccountCircuit, TAccountNullifierAccount, TAccountRegistry, TAccountAuxiliaryRegistry, TAccountGate, TAccountRelayer, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>>;
export type VerifyInput<TAccountPayer extends string = string, TAccountRecipient extends string = string, TAccountConfig extends string = string, TAccountScope extends string = string, TAccountCircuit extends string = string, TAccountNullifierAccount extends string = string, TAccountRegistry extends string = string, TAccountAuxiliaryRegistry extends string = string, TAccountGate extends string = string, TAccountRelayer extends string = string, TAccountSystemProgram extends string = string, TAccountEventAuthority extends string = string, TAccountProgram extends string = string> = {
    payer: TransactionSigner<TAccountPayer>;
    recipient: Address<TAccountRecipient>;
    config: Address<TAccountConfig>;
    scope: Address<TAccountScope>;
    circuit: Address<TAccountCircuit>;
    nullifierAccount: Address<TAccountNullifierAccount>;
    registry?: Address<TAccountRegistry>;
    auxiliaryRegistry?: Address<TAccountAuxiliaryRegistry>;
    gate?: TransactionSigner<TAccountGate>;
    relayer?: TransactionSigner<TAccountRelayer>;
    systemProgram?: Address<TAccountSystemProgram>;
    eventAuthority: Address<TAccountEventAuthority>;
    program?: Address<TAccountProgram>;
    proof: VerifyInstructionDataArgs["proof"];
    root: VerifyInstructionDataArgs["root"];
    nullifier: VerifyInstructionDataArgs["nullifier"];
    claim: VerifyInstructionDataArgs["claim"];
    auxiliaryRoot: VerifyInstructionDataArgs["auxiliaryRoot"];
    expiry: VerifyInstructionDataArgs["expiry"];
    payload: VerifyInstructionDataArgs["payload"];
};
export declare function getVerifyInstruction<TAccountPayer extends string, TAccountRecipient extends string, TAccountConfig extends string, TAccountScope extends string, TAccountCircuit extends string, TAccountNullifierAccount extends string, TAccountRegistry extends string, TAccountAuxiliaryRegistry extends string, TAccountGate extends string, TAccountRelayer extends string, TAccountSystemProgram extends string, TAccountEventAuthority extends string, TAccountProgram extends string, TProgramAddress extends Address = typeof BAUTA_PROGRAM_ADDRESS>(input: VerifyInput<TAccountPayer, TAccountRecipient, TAccountConfig, TAccountScope, TAccountCircuit, TAccountNullifierAccount, TAccountRegistry, TAccountAuxiliaryRegistry, TAccountGate, TAccountRelayer, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>, config?: {
    programAddress?: TProgramAddress;
}): VerifyInstruction<TProgramAddress, TAccountPayer, TAccountRecipient, TAccountConfig, TAccountScope, TAccountCircuit, TAccountNullifierAccount, TAccountRegistry, TAccountAuxiliaryRegistry, TAccountGate, TAccountRelayer, TAccountSystemProgram, TAccountEventAuthority, TAccountProgram>;
export type ParsedVerifyInstruction<TProgram extends string = typeof BAUTA_PROGRAM_ADDRESS, TAccountMetas extends readonly AccountMeta[] = readonly AccountMeta[]> = {
    programAddress: Address<TProgram>;
    accounts: {
        payer: TAccountMetas[0];
        recipient: TAccountMetas[1];
        config: TAccountMetas[2];
        scope: TAccountMetas[3];
        circuit: TAccountMetas[4];
        nullifierAccount: TAccountMetas[5];
        registry?: TAccountMetas[6] | undefined;
        auxiliaryRegistry?: TAccountMetas[7] | undefined;
        gate?: TAccountMetas[8] | undefined;
        relayer?: TAccountMetas[9] | undefined;
        systemProgram: TAccountMetas[10];
        eventAuthority: TAccountMetas[11];
        program: TAccountMetas[12];
    };
    data: VerifyInstructionData;
};
export declare function parseVerifyInstruction<TProgram extends string, TAccountMetas extends readonly AccountMeta[]>(instruction: Instruction<TProgram> & InstructionWithAccounts<TAccountMetas> & InstructionWithData<ReadonlyUint8Array>): ParsedVerifyInstruction<TProgram, TAccountMetas>;

// generated/pdas/circuit.d.ts
import { type Address, type ProgramDerivedAddress, type ReadonlyUint8Array } from "@solana/kit";
export type CircuitSeeds = {
    vkHash: ReadonlyUint8Array;
    metadataHash: ReadonlyUint8Array;
};
export declare function findCircuitPda(seeds: CircuitSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/collection.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type CollectionSeeds = {
    registry: Address;
    key: Address;
};
export declare function findCollectionPda(seeds: CollectionSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/config.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export declare function findConfigPda(config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/edition.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type EditionSeeds = {
    mint: Address;
};
export declare function findEditionPda(seeds: EditionSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/eventAuthority.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export declare function findEventAuthorityPda(config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/holding.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type HoldingSeeds = {
    registry: Address;
    mint: Address;
};
export declare function findHoldingPda(seeds: HoldingSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/index.d.ts
export * from "./circuit.js";
export * from "./collection.js";
export * from "./config.js";
export * from "./edition.js";
export * from "./eventAuthority.js";
export * from "./holding.js";
export * from "./metadata.js";
export * from "./nullifier.js";
export * from "./programData.js";
export * from "./registry.js";
export * from "./scope.js";
export * from "./tokenRecord.js";

// generated/pdas/metadata.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type MetadataSeeds = {
    mint: Address;
};
export declare function findMetadataPda(seeds: MetadataSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/nullifier.d.ts
import { type Address, type ProgramDerivedAddress, type ReadonlyUint8Array } from "@solana/kit";
export type NullifierSeeds = {
    scope: Address;
    nullifier: ReadonlyUint8Array;
};
export declare function findNullifierPda(seeds: NullifierSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/programData.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type ProgramDataSeeds = {
    program: Address;
};
export declare function findProgramDataPda(seeds: ProgramDataSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/registry.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type RegistrySeeds = {
    authority: Address;
    nonce: number | bigint;
};
export declare function findRegistryPda(seeds: RegistrySeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/scope.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type ScopeSeeds = {
    registry: Address;
    creator: Address;
    nonce: number | bigint;
};
export declare function findScopePda(seeds: ScopeSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/pdas/tokenRecord.d.ts
import { type Address, type ProgramDerivedAddress } from "@solana/kit";
export type TokenRecordSeeds = {
    mint: Address;
    tokenAccount: Address;
};
export declare function findTokenRecordPda(seeds: TokenRecordSeeds, config?: {
    programAddress?: Address | undefined;
}): Promise<ProgramDerivedAddress>;

// generated/programs/bauta.d.ts
import { type Address, type Instruction, type InstructionWithData, type ReadonlyUint8Array } from "@solana/kit";
import { type ParsedAcceptAdminInstruction, type ParsedAddCollectionInstruction, type ParsedAppendLeavesInstruction, type ParsedCloseScopeInstruction, type ParsedCreateRegistryInstruction, type ParsedCreateScopeInstruction, type ParsedEvictHolderInstruction, type ParsedInitializeInstruction, type ParsedPauseInstruction, type ParsedPublishRootInstruction, type ParsedReclaimNullifierInstruction, type ParsedRegisterCircuitInstruction, type ParsedRegisterCoreHolderInstruction, type ParsedRegisterHolderInstruction, type ParsedReplaceAdminInstruction, type ParsedReplaceLeafInstruction, type ParsedRetireCircuitInstruction, type ParsedSealRegistryInstruction, type ParsedSetAdminInstruction, type ParsedSuspendCircuitInstruction, type ParsedVerifyInstruction } from "../instructions/index.js";
export declare const BAUTA_PROGRAM_ADDRESS: Address<"BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2">;
export declare enum BautaAccount {
    Circuit = 0,
    Collection = 1,
    Config = 2,
    Holding = 3,
    Nullifier = 4,
    Registry = 5,
    Scope = 6,
    Tree = 7
}
export declare function identifyBautaAccount(account: {
    data: ReadonlyUint8Array;
} | ReadonlyUint8Array): BautaAccount;
export declare enum BautaInstruction {
    AcceptAdmin = 0,
    AddCollection = 1,
    AppendLeaves = 2,
    CloseScope = 3,
    CreateRegistry = 4,
    CreateScope = 5,
    EvictHolder = 6,
    Initialize = 7,
    Pause = 8,
    PublishRoot = 9,
    ReclaimNullifier = 10,
    RegisterCircuit = 11,
    RegisterCoreHolder = 12,
    RegisterHolder = 13,
    ReplaceAdmin = 14,
    ReplaceLeaf = 15,
    RetireCircuit = 16,
    SealRegistry = 17,
    SetAdmin = 18,
    SuspendCircuit = 19,
    Verify = 20
}
export declare function identifyBautaInstruction(instruction: {
    data: ReadonlyUint8Array;
} | ReadonlyUint8Array): BautaInstruction;
export type ParsedBautaInstruction<TProgram extends string = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2"> = ({
    instructionType: BautaInstruction.AcceptAdmin;
} & ParsedAcceptAdminInstruction<TProgram>) | ({
    instructionType: BautaInstruction.AddCollection;
} & ParsedAddCollectionInstruction<TProgram>) | ({
    instructionType: BautaInstruction.AppendLeaves;
} & ParsedAppendLeavesInstruction<TProgram>) | ({
    instructionType: BautaInstruction.CloseScope;
} & ParsedCloseScopeInstruction<TProgram>) | ({
    instructionType: BautaInstruction.CreateRegistry;
} & ParsedCreateRegistryInstruction<TProgram>) | ({
    instructionType: BautaInstruction.CreateScope;
} & ParsedCreateScopeInstruction<TProgram>) | ({
    instructionType: BautaInstruction.EvictHolder;
} & ParsedEvictHolderInstruction<TProgram>) | ({
    instructionType: BautaInstruction.Initialize;
} & ParsedInitializeInstruction<TProgram>) | ({
    instructionType: BautaInstruction.Pause;
} & ParsedPauseInstruction<TProgram>) | ({
    instructionType: BautaInstruction.PublishRoot;
} & ParsedPublishRootInstruction<TProgram>) | ({
    instructionType: BautaInstruction.ReclaimNullifier;
} & ParsedReclaimNullifierInstruction<TProgram>) | ({
    instructionType: BautaInstruction.RegisterCircuit;
} & ParsedRegisterCircuitInstruction<TProgram>) | ({
    instructionType: BautaInstruction.RegisterCoreHolder;
} & ParsedRegisterCoreHolderInstruction<TProgram>) | ({
    instructionType: BautaInstruction.RegisterHolder;
} & ParsedRegisterHolderInstruction<TProgram>) | ({
    instructionType: BautaInstruction.ReplaceAdmin;
} & ParsedReplaceAdminInstruction<TProgram>) | ({
    instructionType: BautaInstruction.ReplaceLeaf;
} & ParsedReplaceLeafInstruction<TProgram>) | ({
    instructionType: BautaInstruction.RetireCircuit;
} & ParsedRetireCircuitInstruction<TProgram>) | ({
    instructionType: BautaInstruction.SealRegistry;
} & ParsedSealRegistryInstruction<TProgram>) | ({
    instructionType: BautaInstruction.SetAdmin;
} & ParsedSetAdminInstruction<TProgram>) | ({
    instructionType: BautaInstruction.SuspendCircuit;
} & ParsedSuspendCircuitInstruction<TProgram>) | ({
    instructionType: BautaInstruction.Verify;
} & ParsedVerifyInstruction<TProgram>);
export declare function parseBautaInstruction<TProgram extends string>(instruction: Instruction<TProgram> & InstructionWithData<ReadonlyUint8Array>): ParsedBautaInstruction<TProgram>;

// generated/programs/index.d.ts
export * from "./bauta.js";

// generated/types/assetForm.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export declare enum AssetForm {
    Token = 0,
    Core = 1
}
export type AssetFormArgs = AssetForm;
export declare function getAssetFormEncoder(): FixedSizeEncoder<AssetFormArgs>;
export declare function getAssetFormDecoder(): FixedSizeDecoder<AssetForm>;
export declare function getAssetFormCodec(): FixedSizeCodec<AssetFormArgs, AssetForm>;

// generated/types/change.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type Change = {
    index: bigint;
    nodes: Array<ReadonlyUint8Array>;
};
export type ChangeArgs = {
    index: number | bigint;
    nodes: Array<ReadonlyUint8Array>;
};
export declare function getChangeEncoder(): FixedSizeEncoder<ChangeArgs>;
export declare function getChangeDecoder(): FixedSizeDecoder<Change>;
export declare function getChangeCodec(): FixedSizeCodec<ChangeArgs, Change>;

// generated/types/circuitRegistered.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
import { type Provenance, type ProvenanceArgs } from "./index.js";
export type CircuitRegistered = {
    circuit: Address;
    vkHash: ReadonlyUint8Array;
    statement: ReadonlyUint8Array;
    version: number;
    depth: number;
    leafFormat: number;
    provenance: Provenance;
    constraintSystemHash: ReadonlyUint8Array;
    transcriptHash: ReadonlyUint8Array;
    timestamp: bigint;
    auxiliaryFormat: number;
};
export type CircuitRegisteredArgs = {
    circuit: Address;
    vkHash: ReadonlyUint8Array;
    statement: ReadonlyUint8Array;
    version: number;
    depth: number;
    leafFormat: number;
    provenance: ProvenanceArgs;
    constraintSystemHash: ReadonlyUint8Array;
    transcriptHash: ReadonlyUint8Array;
    timestamp: number | bigint;
    auxiliaryFormat: number;
};
export declare function getCircuitRegisteredEncoder(): FixedSizeEncoder<CircuitRegisteredArgs>;
export declare function getCircuitRegisteredDecoder(): FixedSizeDecoder<CircuitRegistered>;
export declare function getCircuitRegisteredCodec(): FixedSizeCodec<CircuitRegisteredArgs, CircuitRegistered>;

// generated/types/circuitStatusChanged.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type CircuitStatusChanged = {
    circuit: Address;
    vkHash: ReadonlyUint8Array;
    suspended: boolean;
    retiresAt: bigint;
    timestamp: bigint;
};
export type CircuitStatusChangedArgs = {
    circuit: Address;
    vkHash: ReadonlyUint8Array;
    suspended: boolean;
    retiresAt: number | bigint;
    timestamp: number | bigint;
};
export declare function getCircuitStatusChangedEncoder(): FixedSizeEncoder<CircuitStatusChangedArgs>;
export declare function getCircuitStatusChangedDecoder(): FixedSizeDecoder<CircuitStatusChanged>;
export declare function getCircuitStatusChangedCodec(): FixedSizeCodec<CircuitStatusChangedArgs, CircuitStatusChanged>;

// generated/types/collectionAdded.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
import { type CollectionKind, type CollectionKindArgs } from "./index.js";
export type CollectionAdded = {
    registry: Address;
    collection: Address;
    key: Address;
    kind: CollectionKind;
    track: bigint;
    timestamp: bigint;
    rules: number;
    number: number;
};
export type CollectionAddedArgs = {
    registry: Address;
    collection: Address;
    key: Address;
    kind: CollectionKindArgs;
    track: number | bigint;
    timestamp: number | bigint;
    rules: number;
    number: number;
};
export declare function getCollectionAddedEncoder(): FixedSizeEncoder<CollectionAddedArgs>;
export declare function getCollectionAddedDecoder(): FixedSizeDecoder<CollectionAdded>;
export declare function getCollectionAddedCodec(): FixedSizeCodec<CollectionAddedArgs, CollectionAdded>;

// generated/types/collectionKind.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export declare enum CollectionKind {
    Asset = 0,
    Group = 1,
    TokenMetadata = 2,
    Core = 3,
    Prints = 4
}
export type CollectionKindArgs = CollectionKind;
export declare function getCollectionKindEncoder(): FixedSizeEncoder<CollectionKindArgs>;
export declare function getCollectionKindDecoder(): FixedSizeDecoder<CollectionKind>;
export declare function getCollectionKindCodec(): FixedSizeCodec<CollectionKindArgs, CollectionKind>;

// generated/types/configChanged.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type ConfigChanged = {
    admin: Address;
    pendingAdmin: Address;
    clusterTag: ReadonlyUint8Array;
    paused: boolean;
    developmentKeysAllowed: boolean;
    timestamp: bigint;
};
export type ConfigChangedArgs = {
    admin: Address;
    pendingAdmin: Address;
    clusterTag: ReadonlyUint8Array;
    paused: boolean;
    developmentKeysAllowed: boolean;
    timestamp: number | bigint;
};
export declare function getConfigChangedEncoder(): FixedSizeEncoder<ConfigChangedArgs>;
export declare function getConfigChangedDecoder(): FixedSizeDecoder<ConfigChanged>;
export declare function getConfigChangedCodec(): FixedSizeCodec<ConfigChangedArgs, ConfigChanged>;

// generated/types/evidence.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export declare enum Evidence {
    SupplyZero = 0,
    MintClosed = 1,
    OtherOwner = 2,
    AssetGone = 3,
    LeftCollection = 4
}
export type EvidenceArgs = Evidence;
export declare function getEvidenceEncoder(): FixedSizeEncoder<EvidenceArgs>;
export declare function getEvidenceDecoder(): FixedSizeDecoder<Evidence>;
export declare function getEvidenceCodec(): FixedSizeCodec<EvidenceArgs, Evidence>;

// generated/types/holderEvicted.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
import { type Evidence, type EvidenceArgs } from "./index.js";
export type HolderEvicted = {
    registry: Address;
    sequence: bigint;
    mint: Address;
    owner: Address;
    index: bigint;
    evidence: Evidence;
    timestamp: bigint;
};
export type HolderEvictedArgs = {
    registry: Address;
    sequence: number | bigint;
    mint: Address;
    owner: Address;
    index: number | bigint;
    evidence: EvidenceArgs;
    timestamp: number | bigint;
};
export declare function getHolderEvictedEncoder(): FixedSizeEncoder<HolderEvictedArgs>;
export declare function getHolderEvictedDecoder(): FixedSizeDecoder<HolderEvicted>;
export declare function getHolderEvictedCodec(): FixedSizeCodec<HolderEvictedArgs, HolderEvicted>;

// generated/types/holderRegistered.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
import { type AssetForm, type AssetFormArgs } from "./index.js";
export type HolderRegistered = {
    registry: Address;
    sequence: bigint;
    mint: Address;
    owner: Address;
    commitment: ReadonlyUint8Array;
    track: bigint;
    index: bigint;
    replaced: boolean;
    timestamp: bigint;
    form: AssetForm;
    collection: number;
};
export type HolderRegisteredArgs = {
    registry: Address;
    sequence: number | bigint;
    mint: Address;
    owner: Address;
    commitment: ReadonlyUint8Array;
    track: number | bigint;
    index: number | bigint;
    replaced: boolean;
    timestamp: number | bigint;
    form: AssetFormArgs;
    collection: number;
};
export declare function getHolderRegisteredEncoder(): FixedSizeEncoder<HolderRegisteredArgs>;
export declare function getHolderRegisteredDecoder(): FixedSizeDecoder<HolderRegistered>;
export declare function getHolderRegisteredCodec(): FixedSizeCodec<HolderRegisteredArgs, HolderRegistered>;

// generated/types/index.d.ts
export * from "./assetForm.js";
export * from "./change.js";
export * from "./circuitRegistered.js";
export * from "./circuitStatusChanged.js";
export * from "./collectionAdded.js";
export * from "./collectionKind.js";
export * from "./configChanged.js";
export * from "./evidence.js";
export * from "./holderEvicted.js";
export * from "./holderRegistered.js";
export * from "./keptRoot.js";
export * from "./leafReplaced.js";
export * from "./leavesAppended.js";
export * from "./merkleRootUpdated.js";
export * from "./nullifierReclaimed.js";
export * from "./ownershipVerified.js";
export * from "./presentation.js";
export * from "./provenance.js";
export * from "./registryCreated.js";
export * from "./registryKind.js";
export * from "./registrySealed.js";
export * from "./rootPublished.js";
export * from "./scopeClosed.js";
export * from "./scopeCreated.js";
export * from "./scopeMode.js";

// generated/types/keptRoot.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type KeptRoot = {
    root: ReadonlyUint8Array;
    expiresAt: bigint;
};
export type KeptRootArgs = {
    root: ReadonlyUint8Array;
    expiresAt: number | bigint;
};
export declare function getKeptRootEncoder(): FixedSizeEncoder<KeptRootArgs>;
export declare function getKeptRootDecoder(): FixedSizeDecoder<KeptRoot>;
export declare function getKeptRootCodec(): FixedSizeCodec<KeptRootArgs, KeptRoot>;

// generated/types/leafReplaced.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type LeafReplaced = {
    registry: Address;
    sequence: bigint;
    index: bigint;
    oldLeaf: ReadonlyUint8Array;
    newLeaf: ReadonlyUint8Array;
    timestamp: bigint;
};
export type LeafReplacedArgs = {
    registry: Address;
    sequence: number | bigint;
    index: number | bigint;
    oldLeaf: ReadonlyUint8Array;
    newLeaf: ReadonlyUint8Array;
    timestamp: number | bigint;
};
export declare function getLeafReplacedEncoder(): FixedSizeEncoder<LeafReplacedArgs>;
export declare function getLeafReplacedDecoder(): FixedSizeDecoder<LeafReplaced>;
export declare function getLeafReplacedCodec(): FixedSizeCodec<LeafReplacedArgs, LeafReplaced>;

// generated/types/leavesAppended.d.ts
import { type Address, type Codec, type Decoder, type Encoder, type ReadonlyUint8Array } from "@solana/kit";
export type LeavesAppended = {
    registry: Address;
    sequence: bigint;
    firstIndex: bigint;
    leaves: Array<ReadonlyUint8Array>;
    timestamp: bigint;
};
export type LeavesAppendedArgs = {
    registry: Address;
    sequence: number | bigint;
    firstIndex: number | bigint;
    leaves: Array<ReadonlyUint8Array>;
    timestamp: number | bigint;
};
export declare function getLeavesAppendedEncoder(): Encoder<LeavesAppendedArgs>;
export declare function getLeavesAppendedDecoder(): Decoder<LeavesAppended>;
export declare function getLeavesAppendedCodec(): Codec<LeavesAppendedArgs, LeavesAppended>;

// generated/types/merkleRootUpdated.d.ts
import { type Address, type Codec, type Decoder, type Encoder, type Option, type OptionOrNullable, type ReadonlyUint8Array } from "@solana/kit";
export type MerkleRootUpdated = {
    registry: Address;
    sequence: bigint;
    root: ReadonlyUint8Array;
    replacedRootExpiresAt: Option<bigint>;
    timestamp: bigint;
};
export type MerkleRootUpdatedArgs = {
    registry: Address;
    sequence: number | bigint;
    root: ReadonlyUint8Array;
    replacedRootExpiresAt: OptionOrNullable<number | bigint>;
    timestamp: number | bigint;
};
export declare function getMerkleRootUpdatedEncoder(): Encoder<MerkleRootUpdatedArgs>;
export declare function getMerkleRootUpdatedDecoder(): Decoder<MerkleRootUpdated>;
export declare function getMerkleRootUpdatedCodec(): Codec<MerkleRootUpdatedArgs, MerkleRootUpdated>;

// generated/types/nullifierReclaimed.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type NullifierReclaimed = {
    scope: Address;
    nullifier: ReadonlyUint8Array;
    rentPayer: Address;
    lamports: bigint;
    timestamp: bigint;
};
export type NullifierReclaimedArgs = {
    scope: Address;
    nullifier: ReadonlyUint8Array;
    rentPayer: Address;
    lamports: number | bigint;
    timestamp: number | bigint;
};
export declare function getNullifierReclaimedEncoder(): FixedSizeEncoder<NullifierReclaimedArgs>;
export declare function getNullifierReclaimedDecoder(): FixedSizeDecoder<NullifierReclaimed>;
export declare function getNullifierReclaimedCodec(): FixedSizeCodec<NullifierReclaimedArgs, NullifierReclaimed>;

// generated/types/ownershipVerified.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type OwnershipVerified = {
    scope: Address;
    registry: Address;
    circuit: Address;
    root: ReadonlyUint8Array;
    claim: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
    recipient: Address;
    relayer: Address;
    payloadHash: ReadonlyUint8Array;
    timestamp: bigint;
};
export type OwnershipVerifiedArgs = {
    scope: Address;
    registry: Address;
    circuit: Address;
    root: ReadonlyUint8Array;
    claim: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
    recipient: Address;
    relayer: Address;
    payloadHash: ReadonlyUint8Array;
    timestamp: number | bigint;
};
export declare function getOwnershipVerifiedEncoder(): FixedSizeEncoder<OwnershipVerifiedArgs>;
export declare function getOwnershipVerifiedDecoder(): FixedSizeDecoder<OwnershipVerified>;
export declare function getOwnershipVerifiedCodec(): FixedSizeCodec<OwnershipVerifiedArgs, OwnershipVerified>;

// generated/types/presentation.d.ts
import { type Codec, type Decoder, type Encoder, type Option, type OptionOrNullable, type ReadonlyUint8Array } from "@solana/kit";
export type Presentation = {
    proof: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
    claim: ReadonlyUint8Array;
    auxiliaryRoot: Option<ReadonlyUint8Array>;
    expiry: bigint;
    payload: ReadonlyUint8Array;
};
export type PresentationArgs = {
    proof: ReadonlyUint8Array;
    root: ReadonlyUint8Array;
    nullifier: ReadonlyUint8Array;
    claim: ReadonlyUint8Array;
    auxiliaryRoot: OptionOrNullable<ReadonlyUint8Array>;
    expiry: number | bigint;
    payload: ReadonlyUint8Array;
};
export declare function getPresentationEncoder(): Encoder<PresentationArgs>;
export declare function getPresentationDecoder(): Decoder<Presentation>;
export declare function getPresentationCodec(): Codec<PresentationArgs, Presentation>;

// generated/types/provenance.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export declare enum Provenance {
    Development = 0,
    Ceremony = 1
}
export type ProvenanceArgs = Provenance;
export declare function getProvenanceEncoder(): FixedSizeEncoder<ProvenanceArgs>;
export declare function getProvenanceDecoder(): FixedSizeDecoder<Provenance>;
export declare function getProvenanceCodec(): FixedSizeCodec<ProvenanceArgs, Provenance>;

// generated/types/registryCreated.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
import { type RegistryKind, type RegistryKindArgs } from "./index.js";
export type RegistryCreated = {
    registry: Address;
    authority: Address;
    nonce: bigint;
    tree: Address;
    kind: RegistryKind;
    depth: number;
    leafFormat: number;
    rootTtl: bigint;
    root: ReadonlyUint8Array;
    timestamp: bigint;
};
export type RegistryCreatedArgs = {
    registry: Address;
    authority: Address;
    nonce: number | bigint;
    tree: Address;
    kind: RegistryKindArgs;
    depth: number;
    leafFormat: number;
    rootTtl: number | bigint;
    root: ReadonlyUint8Array;
    timestamp: number | bigint;
};
export declare function getRegistryCreatedEncoder(): FixedSizeEncoder<RegistryCreatedArgs>;
export declare function getRegistryCreatedDecoder(): FixedSizeDecoder<RegistryCreated>;
export declare function getRegistryCreatedCodec(): FixedSizeCodec<RegistryCreatedArgs, RegistryCreated>;

// generated/types/registryKind.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export declare enum RegistryKind {
    Holders = 0,
    Managed = 1,
    Attested = 2
}
export type RegistryKindArgs = RegistryKind;
export declare function getRegistryKindEncoder(): FixedSizeEncoder<RegistryKindArgs>;
export declare function getRegistryKindDecoder(): FixedSizeDecoder<RegistryKind>;
export declare function getRegistryKindCodec(): FixedSizeCodec<RegistryKindArgs, RegistryKind>;

// generated/types/registrySealed.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export type RegistrySealed = {
    registry: Address;
    timestamp: bigint;
};
export type RegistrySealedArgs = {
    registry: Address;
    timestamp: number | bigint;
};
export declare function getRegistrySealedEncoder(): FixedSizeEncoder<RegistrySealedArgs>;
export declare function getRegistrySealedDecoder(): FixedSizeDecoder<RegistrySealed>;
export declare function getRegistrySealedCodec(): FixedSizeCodec<RegistrySealedArgs, RegistrySealed>;

// generated/types/rootPublished.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder, type ReadonlyUint8Array } from "@solana/kit";
export type RootPublished = {
    registry: Address;
    sequence: bigint;
    root: ReadonlyUint8Array;
    timestamp: bigint;
};
export type RootPublishedArgs = {
    registry: Address;
    sequence: number | bigint;
    root: ReadonlyUint8Array;
    timestamp: number | bigint;
};
export declare function getRootPublishedEncoder(): FixedSizeEncoder<RootPublishedArgs>;
export declare function getRootPublishedDecoder(): FixedSizeDecoder<RootPublished>;
export declare function getRootPublishedCodec(): FixedSizeCodec<RootPublishedArgs, RootPublished>;

// generated/types/scopeClosed.d.ts
import { type Address, type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export type ScopeClosed = {
    scope: Address;
    creator: Address;
    timestamp: bigint;
};
export type ScopeClosedArgs = {
    scope: Address;
    creator: Address;
    timestamp: number | bigint;
};
export declare function getScopeClosedEncoder(): FixedSizeEncoder<ScopeClosedArgs>;
export declare function getScopeClosedDecoder(): FixedSizeDecoder<ScopeClosed>;
export declare function getScopeClosedCodec(): FixedSizeCodec<ScopeClosedArgs, ScopeClosed>;

// generated/types/scopeCreated.d.ts
import { type Address, type Codec, type Decoder, type Encoder, type Option, type OptionOrNullable, type ReadonlyUint8Array } from "@solana/kit";
import { type ScopeMode, type ScopeModeArgs } from "./index.js";
export type ScopeCreated = {
    scope: Address;
    scopeElement: ReadonlyUint8Array;
    creator: Address;
    nonce: bigint;
    registry: Address;
    circuit: Address;
    auxiliaryRegistry: Address;
    gate: Address;
    mode: ScopeMode;
    root: ReadonlyUint8Array;
    requiredClaim: Option<ReadonlyUint8Array>;
    opensAt: bigint;
    closesAt: bigint;
    timestamp: bigint;
};
export type ScopeCreatedArgs = {
    scope: Address;
    scopeElement: ReadonlyUint8Array;
    creator: Address;
    nonce: number | bigint;
    registry: Address;
    circuit: Address;
    auxiliaryRegistry: Address;
    gate: Address;
    mode: ScopeModeArgs;
    root: ReadonlyUint8Array;
    requiredClaim: OptionOrNullable<ReadonlyUint8Array>;
    opensAt: number | bigint;
    closesAt: number | bigint;
    timestamp: number | bigint;
};
export declare function getScopeCreatedEncoder(): Encoder<ScopeCreatedArgs>;
export declare function getScopeCreatedDecoder(): Decoder<ScopeCreated>;
export declare function getScopeCreatedCodec(): Codec<ScopeCreatedArgs, ScopeCreated>;

// generated/types/scopeMode.d.ts
import { type FixedSizeCodec, type FixedSizeDecoder, type FixedSizeEncoder } from "@solana/kit";
export declare enum ScopeMode {
    Snapshot = 0,
    Live = 1
}
export type ScopeModeArgs = ScopeMode;
export declare function getScopeModeEncoder(): FixedSizeEncoder<ScopeModeArgs>;
export declare function getScopeModeDecoder(): FixedSizeDecoder<ScopeMode>;
export declare function getScopeModeCodec(): FixedSizeCodec<ScopeModeArgs, ScopeMode>;

// index.d.ts
export { findCircuitPdaOf, type CircuitRegistration } from "./circuit.js";
export { BautaClientError, type BautaClientErrorCode } from "./client-error.js";
export { describeErrorCode, programErrorOf, type ProgramError } from "./errors.js";
export { decodeEvent, eventsOfTransaction, type InnerInstruction, type TransactionWithResults } from "./events.js";
export * from "./generated/index.js";
export { decodeVerification, type Verification } from "./verification.js";

// verification.d.ts
import { type Address, type ReadonlyUint8Array } from "@solana/kit";
export interface Verification {
    readonly scope: Address;
    readonly registry: Address;
    readonly circuit: Address;
    readonly claim: ReadonlyUint8Array;
    readonly nullifier: ReadonlyUint8Array;
    readonly recipient: Address;
    readonly payloadHash: ReadonlyUint8Array;
}
export declare function decodeVerification(programAddress: Address, data: ReadonlyUint8Array): Verification;
