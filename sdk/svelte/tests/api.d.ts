// index.d.ts
export { useJob, type Job, type JobProgress } from "./job.js";
export { loaded, type Loaded, type Reloadable } from "./loaded.js";
export { connectProver, performanceProfiler, ProofPriority, ProverError, workerPool, type ProfileOptions, type ProfileReport, type ProofTask, type ProverAddress, type WorkerPoolStats, type WorkerRegistration, } from "./pipeline.js";
export { useProve, type Proving, type ProvingState } from "./prove.js";
export { useMembership, useScope } from "./reads.js";

// job.d.ts
import { type Readable } from "svelte/store";
import type { Loaded } from "./loaded.js";
export interface JobProgress {
    readonly stage: string;
    readonly progress: number;
    readonly eta_ms: number | null;
}
export type Job = Loaded<unknown> & {
    readonly progress?: JobProgress | undefined;
};
export declare function useJob(url: string, id: string): Readable<Job>;

// loaded.d.ts
import { type Readable } from "svelte/store";
export type Loaded<T> = {
    readonly status: "idle" | "loading";
    readonly value?: undefined;
    readonly error?: undefined;
} | {
    readonly status: "ready";
    readonly value: T;
    readonly error?: undefined;
} | {
    readonly status: "failed";
    readonly value?: undefined;
    readonly error: unknown;
};
export type Reloadable<T> = Readable<Loaded<T>> & {
    reload(): void;
};
export declare function loaded<T>(load: () => Promise<T>): Reloadable<T>;

// pipeline.d.ts
export declare const ProofPriority: {
    readonly HIGH: 1;
    readonly NORMAL: 5;
    readonly LOW: 10;
};
export type ProofPriority = (typeof ProofPriority)[keyof typeof ProofPriority];
export interface ProverAddress {
    readonly url: string;
    readonly apiKey?: string | undefined;
}
export interface ProofTask {
    readonly attestations: readonly unknown[];
    readonly proofType: "exact" | "threshold";
    readonly priority?: ProofPriority | undefined;
    readonly requestId?: string | undefined;
}
export interface WorkerRegistration {
    readonly id: string;
    readonly url: string;
    readonly maxConcurrency: number;
}
export interface WorkerPoolStats {
    readonly workers: readonly {
        readonly id: string;
        readonly startedAt: number;
        readonly lastHeartbeatAt: number;
    }[];
    readonly recommended: number;
    readonly arrivalsPerSecond: number;
    readonly serviceTimeMs: number;
}
export interface ProfileOptions {
    readonly circuitTypes?: readonly ("default" | "optimized")[] | undefined;
    readonly networkSizes?: readonly number[] | undefined;
    readonly iterations?: number | undefined;
    readonly warmupIterations?: number | undefined;
    readonly includeMemory?: boolean | undefined;
    readonly includeCPU?: boolean | undefined;
}
export interface ProfileReport {
    readonly circuitId: string;
    readonly iterations: number;
    readonly cases: readonly {
        readonly circuitType: string;
        readonly networkSize: number;
        readonly avgMs: number;
        readonly minMs: number;
        readonly maxMs: number;
        readonly p50Ms: number;
        readonly p95Ms: number;
        readonly p99Ms: number;
    }[];
    readonly recommendations: readonly string[];
}
export declare class ProverError extends Error {
    readonly status: number;
    readonly code: string;
    constructor(status: number, 
    code: string, detail: string);
}
export declare function connectProver(address: ProverAddress): void;
export declare const workerPool: {
    registerWorker: (worker: WorkerRegistration) => Promise<{
        registered: boolean;
        note: string;
    }>;
    submitTask: (task: ProofTask) => Promise<unknown>;
    getStats: () => Promise<WorkerPoolStats>;
};
export declare const performanceProfiler: {
    profile: (options?: ProfileOptions) => Promise<ProfileReport>;
    generateHTMLReport: (options?: ProfileOptions) => Promise<string>;
};

// prove.d.ts
import type { Bauta, Progress, ProofRequest, ScopedProof } from "@bauta/sdk";
import { type Readable } from "svelte/store";
import type { Loaded } from "./loaded.js";
export type ProvingState = Loaded<ScopedProof> & {
    readonly progress?: Progress | undefined;
};
export type Proving = Readable<ProvingState> & {
    prove(request: Omit<ProofRequest, "signal" | "onProgress">): Promise<ScopedProof>;
    cancel(): void;
};
export declare function useProve(bauta: Bauta): Proving;

// reads.d.ts
import type { Bauta, Identity, Membership, Scope } from "@bauta/sdk";
import type { Address } from "@solana/kit";
import { type Reloadable } from "./loaded.js";
export declare function useScope(bauta: Bauta, address: Address): Reloadable<Scope>;
export declare function useMembership(bauta: Bauta, identity: Identity, registry: Address): Reloadable<Membership | null>;
