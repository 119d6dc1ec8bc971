// error.d.ts
export declare class ProverError extends Error {
    readonly code: "failed" | "not-loaded";
    readonly name = "ProverError";
    constructor(message: string, 
    code?: "failed" | "not-loaded", options?: ErrorOptions);
}
export declare function failed(reason: string): ProverError;
export declare function notLoaded(part: string, cause: unknown): ProverError;

// index.d.ts
export { ProverError } from "./error.js";
export { createProver, type Build, type EntrySecret, type Prover, type ProverOptions, type ProvingKey, type SealedMaster, type SealRequest, type WorkerLike, } from "./prover.js";

// prover.d.ts
export type Build = "fused" | "baseline";
export interface ProvingKey {
    readonly sha256: string;
    readonly url?: string | URL;
}
export interface SealedMaster {
    readonly key: CryptoKey;
    readonly iv: Uint8Array<ArrayBuffer>;
    readonly sealed: Uint8Array<ArrayBuffer>;
}
export interface EntrySecret extends SealedMaster {
    readonly registry: Uint8Array;
    readonly entryId: Uint8Array;
    readonly counter: number;
}
export interface SealRequest {
    readonly publicKey: Uint8Array;
    readonly info: Uint8Array;
    readonly associated: Uint8Array;
    readonly before: Uint8Array;
    readonly after: Uint8Array;
}
export interface Prover {
    readonly key: ProvingKey | undefined;
    commitment(secret: EntrySecret): Promise<Uint8Array>;
    nullifier(secret: EntrySecret, scope: Uint8Array): Promise<Uint8Array>;
    prove(secret: EntrySecret, inputs: Uint8Array, load: () => Promise<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array>;
    verify(verifyingKey: Uint8Array, proof: Uint8Array, digest: Uint8Array): Promise<boolean>;
    seal(secret: EntrySecret, request: SealRequest): Promise<Uint8Array>;
    end(): void;
}
export interface WorkerLike {
    postMessage(message: unknown): void;
    terminate(): unknown;
    on?(event: "message" | "error", listener: (value: never) => void): unknown;
    ref?(): void;
    unref?(): void;
    onmessage?: unknown;
    onerror?: unknown;
}
export interface ProverOptions {
    readonly key?: ProvingKey;
    readonly wasm?: string | URL | ((build: Build) => Promise<WebAssembly.Module>);
    readonly workers?: 1 | 2;
    readonly worker?: (sealing: boolean) => WorkerLike;
    readonly builds?: readonly Build[];
}
export declare function createProver(options?: ProverOptions): Prover;

// sealing-source.d.ts
export declare const SEALING_SOURCE: string;

// worker-source.d.ts
export declare const WORKER_SOURCE: string;

// workers.d.ts
import type { EntrySecret, Prover, ProverOptions, ProvingKey, SealRequest } from "./prover.js";
export declare class WasmProver implements Prover {
    #private;
    private readonly options;
    readonly key: ProvingKey | undefined;
    constructor(options: ProverOptions);
    commitment(secret: EntrySecret): Promise<Uint8Array>;
    nullifier(secret: EntrySecret, scope: Uint8Array): Promise<Uint8Array>;
    seal(secret: EntrySecret, request: SealRequest): Promise<Uint8Array>;
    verify(...parts: readonly [verifyingKey: Uint8Array, proof: Uint8Array, digest: Uint8Array]): Promise<boolean>;
    prove(secret: EntrySecret, inputs: Uint8Array, load: () => Promise<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array>;
    end(): void;
}
