"use client";

import type { Progress, ProofRequest, ScopedProof } from "@bauta/sdk";
import { useCallback, useEffect, useRef, useState } from "react";

import { useBauta } from "./context.js";
import type { Loaded } from "./loaded.js";

/** A proof that is being made, with a function that makes it. */
export type Proving = Loaded<ScopedProof> & {
  /** How far the proof is. */
  readonly progress: Progress | undefined;
  /** Makes a proof. Aborts the one that is being made. */
  prove(request: Omit<ProofRequest, "signal" | "onProgress">): Promise<ScopedProof>;
  /** Aborts the proof that is being made. */
  cancel(): void;
};

/** Makes proofs, and shows their progress. The proof is aborted when the component is removed. */
export function useProve(): Proving {
  const bauta = useBauta();
  const [state, setState] = useState<Loaded<ScopedProof>>({ status: "idle" });
  const [progress, setProgress] = useState<Progress>();
  const running = useRef<AbortController | undefined>(undefined);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);
  const prove = useCallback(
    async (request: Omit<ProofRequest, "signal" | "onProgress">) => {
      running.current?.abort();
      const controller = (running.current = new AbortController());
      const { signal } = controller;
      const isCurrent = () => running.current === controller;
      setState({ status: "loading" });
      setProgress(undefined);
      try {
        const onProgress = (next: Progress) => isCurrent() && setProgress(next);
        const value = await bauta.prove({ ...request, signal, onProgress });
        if (isCurrent()) setState({ status: "ready", value });
        return value;
      } catch (error) {
        if (isCurrent()) setState(signal.aborted ? { status: "idle" } : { status: "failed", error });
        throw error;
      }
    },
    [bauta],
  );
  return { ...state, progress, prove, cancel };
}
