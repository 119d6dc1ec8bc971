import type { Component } from "svelte";
import type { ProofPriority } from "@bauta/svelte";

/** Submits a proof to a prover service, and shows its connection, workers and progress. */
declare const ProofPipelineUI: Component<{
  /** What the proof is made of. */
  readonly attestations: readonly unknown[];
  readonly proofType: "exact" | "threshold";
  readonly priority?: ProofPriority;
  /** The websocket of the prover service. A page of Vite has it in `VITE_WS_URL`. */
  readonly wsUrl?: string;
  readonly apiKey?: string;
}>;

export default ProofPipelineUI;
