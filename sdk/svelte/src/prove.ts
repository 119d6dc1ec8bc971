import type { Bauta, Progress, ProofRequest, ScopedProof } from "@bauta/sdk";
import { writable, type Readable } from "svelte/store";

import type { Loaded } from "./loaded.js";

/** A proof that is being made. */
export type ProvingState = Loaded<ScopedProof> & {
  /** How far the proof is. */
  readonly progress?: Progress | undefined;
};

/** A store with a proof, and the functions that make and abort it. */
export type Proving = Readable<ProvingState> & {
  /** Makes a proof. Aborts the one that is being made. */
  prove(request: Omit<ProofRequest, "signal" | "onProgress">): Promise<ScopedProof>;
  /** Aborts the proof that is being made. Call it when the component is removed. */
  cancel(): void;
};

/** Creates a store that makes proofs, and shows their progress. */
export function useProve(bauta: Bauta): Proving {
  const { subscribe, set } = writable<ProvingState>({ status: "idle" });
  let running: AbortController | undefined;
  return {
    subscribe,
    cancel: () => running?.abort(),
    async prove(request) {
      running?.abort();
      const controller = (running = new AbortController());
      const { signal } = controller;
      const put = (state: ProvingState) => running === controller && set(state);
      put({ status: "loading" });
      try {
        const onProgress = (progress: Progress) => void put({ status: "loading", progress });
        const value = await bauta.prove({ ...request, signal, onProgress });
        put({ status: "ready", value });
        return value;
      } catch (error) {
        put(signal.aborted ? { status: "idle" } : { status: "failed", error });
        throw error;
      }
    },
  };
}
