// context.d.ts
import type { Bauta } from "@bauta/sdk";
import { type FunctionComponent, type ReactNode } from "react";
export declare const BautaProvider: FunctionComponent<{
    readonly bauta: Bauta;
    readonly children?: ReactNode;
}>;
export declare function useBauta(): Bauta;

// index.d.ts
export { BautaProvider, useBauta } from "./context.js";
export { useLoaded, type Loaded, type Reloadable } from "./loaded.js";
export { ProofPipelineUI, type ProofPipelineProps } from "./pipeline.js";
export { ProofPriority } from "./priority.js";
export { useMembership, useScope } from "./reads.js";
export { useProve, type Proving } from "./prove.js";

// loaded.d.ts
import { type DependencyList } from "react";
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
export type Reloadable<T> = Loaded<T> & {
    reload(): void;
};
export declare function useLoaded<T>(load: (() => Promise<T>) | undefined, dependencies: DependencyList): Reloadable<T>;

// pipeline.d.ts
import { type FunctionComponent } from "react";
export interface ProofPipelineProps {
    readonly url: string;
    readonly apiKey?: string;
    readonly attestations: readonly unknown[];
    readonly proofType: "exact" | "threshold";
    readonly priority?: number;
    readonly intervalMs?: number;
    onProof?(answer: unknown): void;
}
export declare const ProofPipelineUI: FunctionComponent<ProofPipelineProps>;

// priority.d.ts
export declare const ProofPriority: {
    readonly high: 1;
    readonly normal: 5;
    readonly low: 9;
};

// prove.d.ts
import type { Progress, ProofRequest, ScopedProof } from "@bauta/sdk";
import type { Loaded } from "./loaded.js";
export type Proving = Loaded<ScopedProof> & {
    readonly progress: Progress | undefined;
    prove(request: Omit<ProofRequest, "signal" | "onProgress">): Promise<ScopedProof>;
    cancel(): void;
};
export declare function useProve(): Proving;

// prover-service.d.ts
export interface PipelineSnapshot {
    readonly proofs: {
        readonly proofs: number;
        readonly successRate: number;
        readonly p50Ms: number | null;
        readonly p95Ms: number | null;
    };
    readonly queue: {
        readonly totalQueued: number;
        readonly totalProcessing: number;
        readonly totalCompleted: number;
        readonly totalFailed: number;
    } | null;
}
export interface PipelineProgress {
    readonly stage: string;
    readonly progress: number;
    readonly eta_ms: number | null;
}
export declare class ProverService {
    #private;
    private readonly apiKey;
    constructor(url: string, apiKey: string | undefined);
    snapshot(signal: AbortSignal): Promise<PipelineSnapshot>;
    generate(body: object, onProgress: (progress: PipelineProgress) => void, signal: AbortSignal): Promise<unknown>;
}

// reads.d.ts
import type { Identity, Membership, Scope } from "@bauta/sdk";
import type { Address } from "@solana/kit";
import { type Reloadable } from "./loaded.js";
export declare function useScope(address: Address | undefined): Reloadable<Scope>;
export declare function useMembership(identity: Identity | undefined, registry: Address | undefined): Reloadable<Membership | null>;
