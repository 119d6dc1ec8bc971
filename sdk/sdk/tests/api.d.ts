// error.d.ts
export type BautaCode = 
"api-unreachable"
 | "api-refused"
 | "unknown-tile"
 | "false-tile";
export declare class BautaError extends Error {
    readonly code: BautaCode;
    readonly remedy: string;
    readonly name = "BautaError";
    constructor(code: BautaCode, message: string, 
    remedy: string, options?: ErrorOptions);
}

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

// index.d.ts
export { BautaError, type BautaCode } from "./error.js";
export { field, fieldFromBytes, fieldFromHex, fieldToBytes, fieldToHex, MODULUS, type Field } from "./field.js";
export { MAX_INPUTS, poseidon } from "./poseidon.js";
export { attributesOfTrack, claimWithAuxiliaryRoot, commitmentOf, contextOf, deriveSecret, digestOf, entryIdOf, hashToField, leafOf, nullifierOf, scopeElement, type PublicInputs, type VerificationContext, } from "./protocol.js";
export { readPath, type Membership } from "./tiles.js";
export { emptySubtree, parentOf, rootOfPath, type Depth, type Siblings } from "./tree.js";

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

// tiles.d.ts
import { type Field } from "./field.js";
import { type Depth, type Siblings } from "./tree.js";
export interface Membership {
    readonly leaf: Field;
    readonly path: readonly Siblings[];
}
export declare function readPath(api: string, tree: {
    readonly root: Field;
    readonly depth: Depth;
    readonly index: bigint;
}, options?: {
    readonly signal?: AbortSignal | undefined;
    readonly fetch?: typeof fetch | undefined;
}): Promise<Membership>;

// tree.d.ts
import { type Field } from "./field.js";
export type Depth = 10 | 16;
export type Siblings = readonly [Field, Field, Field];
export declare function emptySubtree(level: number): Field;
export declare function parentOf(children: readonly Field[]): Field;
export declare function positionAt(index: bigint, level: number): number;
export declare function checkIndex(index: bigint, depth: Depth): void;
export declare function rootOfPath(leaf: Field, index: bigint, path: readonly Siblings[]): Field;
