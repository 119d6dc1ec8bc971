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
