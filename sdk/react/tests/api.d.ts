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

// prove.d.ts
import type { Progress, ProofRequest, ScopedProof } from "@bauta/sdk";
import type { Loaded } from "./loaded.js";
export type Proving = Loaded<ScopedProof> & {
    readonly progress: Progress | undefined;
    prove(request: Omit<ProofRequest, "signal" | "onProgress">): Promise<ScopedProof>;
    cancel(): void;
};
export declare function useProve(): Proving;

// reads.d.ts
import type { Identity, Membership, Scope } from "@bauta/sdk";
import type { Address } from "@solana/kit";
import { type Reloadable } from "./loaded.js";
export declare function useScope(address: Address | undefined): Reloadable<Scope>;
export declare function useMembership(identity: Identity | undefined, registry: Address | undefined): Reloadable<Membership | null>;
