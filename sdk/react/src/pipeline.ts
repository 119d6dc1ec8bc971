"use client";

import { createElement as h, useEffect, useMemo, useRef, useState, type FunctionComponent, type ReactNode } from "react";

import type { Loaded } from "./loaded.js";
import { ProofPriority } from "./priority.js";
import { ProverService, type PipelineProgress, type PipelineSnapshot } from "./prover-service.js";

/** The properties of {@link ProofPipelineUI}. */
export interface ProofPipelineProps {
  /** The URL of the prover service. A page of Next.js has it in `NEXT_PUBLIC_PROVER_URL`. */
  readonly url: string;
  /** An API key of the prover service. Statistics need the permission `admin`. */
  readonly apiKey?: string;
  /** What is proved. */
  readonly attestations: readonly unknown[];
  readonly proofType: "exact" | "threshold";
  /** 1 to 10. The default is `ProofPriority.normal`. */
  readonly priority?: number;
  /** Milliseconds between two requests for statistics. The default is 5,000. */
  readonly intervalMs?: number;
  /** Receives the answer of the prover service. */
  onProof?(answer: unknown): void;
}

const INTERVAL_MS = 5_000;

/**
 * Shows the queue and the figures of a prover service, and requests a proof of attestations with
 * its progress. It uses elements without styles.
 */
export const ProofPipelineUI: FunctionComponent<ProofPipelineProps> = ({
  url,
  apiKey,
  attestations,
  proofType,
  priority = ProofPriority.normal,
  intervalMs = INTERVAL_MS,
  onProof,
}) => {
  const service = useMemo(() => new ProverService(url, apiKey), [url, apiKey]);
  const snapshot = useSnapshot(service, intervalMs);
  const { state, progress, start } = useGeneration(service);
  const generate = () => void start({ attestations, proofType, priority }, onProof);
  return h(
    "section",
    { "aria-label": "Proof pipeline" },
    h("p", { role: "status" }, connectionText(snapshot)),
    snapshot.value && h(Figures, snapshot.value),
    h("button", { type: "button", disabled: state.status === "loading", onClick: generate }, "Generate proof"),
    state.status === "loading" && h(ProgressOf, { progress }),
    state.status === "ready" && h("p", { role: "status" }, "The proof is ready."),
    state.status === "failed" && h("p", { role: "alert" }, textOf(state.error)),
  );
};

function connectionText(snapshot: Loaded<PipelineSnapshot>): string {
  if (snapshot.status === "failed") return `No statistics: ${textOf(snapshot.error)}`;
  return snapshot.status === "ready" ? "Connected" : "Connecting";
}

const Figures: FunctionComponent<PipelineSnapshot> = ({ proofs, queue }) => {
  const rows: [string, ReactNode][] = [
    ["Success rate", `${Math.round(1000 * proofs.successRate) / 10} %`],
    ["Median time", milliseconds(proofs.p50Ms)],
    ["95th percentile", milliseconds(proofs.p95Ms)],
  ];
  if (queue) {
    rows.push(["Queued", queue.totalQueued], ["In progress", queue.totalProcessing]);
    rows.push(["Completed", queue.totalCompleted], ["Failed", queue.totalFailed]);
  }
  const cells = rows.map(([name, value]) => h("tr", { key: name }, h("th", { scope: "row" }, name), h("td", null, value)));
  return h("table", null, h("caption", null, "Prover service"), h("tbody", null, cells));
};

const ProgressOf: FunctionComponent<{ readonly progress: PipelineProgress | undefined }> = ({ progress }) =>
  h(
    "p",
    null,
    h("progress", { "aria-label": "Progress of the proof", ...(progress ? { value: progress.progress, max: 1 } : {}) }),
    ` ${progress?.stage ?? "sent"}, remaining time: ${milliseconds(progress?.eta_ms ?? null)}`,
  );

function milliseconds(value: number | null): string {
  return value === null ? "unknown" : `${Math.round(value)} ms`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Reads the statistics again and again. An answer of an earlier service is dropped. */
function useSnapshot(service: ProverService, intervalMs: number): Loaded<PipelineSnapshot> {
  const [state, setState] = useState<Loaded<PipelineSnapshot>>({ status: "loading" });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setState({ status: "loading" });
    const read = async () => {
      const next: Loaded<PipelineSnapshot> = await service.snapshot(signal).then(
        (value) => ({ status: "ready", value }),
        (error: unknown) => ({ status: "failed", error }),
      );
      if (signal.aborted) return;
      setState(next);
      timer = setTimeout(() => void read(), intervalMs);
    };
    void read();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [service, intervalMs]);
  return state;
}

/** Requests proofs. The request is aborted when the component is removed. */
function useGeneration(service: ProverService) {
  const [state, setState] = useState<Loaded<unknown>>({ status: "idle" });
  const [progress, setProgress] = useState<PipelineProgress>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), [service]);
  const start = async (body: object, onProof: ((answer: unknown) => void) | undefined) => {
    const { signal } = (running.current = new AbortController());
    setState({ status: "loading" });
    setProgress(undefined);
    try {
      const value = await service.generate(body, (next) => signal.aborted || setProgress(next), signal);
      setState({ status: "ready", value });
      onProof?.(value);
    } catch (error) {
      if (!signal.aborted) setState({ status: "failed", error });
    }
  };
  return { state, progress, start };
}
