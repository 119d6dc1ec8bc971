// index.d.ts
export { useJob, type Job, type JobProgress } from "./job.js";
export { loaded, type Loaded, type Reloadable } from "./loaded.js";
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
