// The names that front ends of the earlier systems use, over the routes of a prover service:
// docs/prover-service.md, docs/migration.md.

/** The priority of a task: 1 is the most urgent, and 10 the least. */
export const ProofPriority = { HIGH: 1, NORMAL: 5, LOW: 10 } as const;

/** The priority of a task. */
export type ProofPriority = (typeof ProofPriority)[keyof typeof ProofPriority];

/** A prover service. */
export interface ProverAddress {
  /** Its origin, for example `https://prover.example`. */
  readonly url: string;
  /** An API key. Statistics, workers and profiles need the permission `admin`. */
  readonly apiKey?: string | undefined;
}

/** What a proof is made of. */
export interface ProofTask {
  readonly attestations: readonly unknown[];
  readonly proofType: "exact" | "threshold";
  readonly priority?: ProofPriority | undefined;
  /** The id that `useJob` follows. */
  readonly requestId?: string | undefined;
}

/** A worker of an earlier system. */
export interface WorkerRegistration {
  readonly id: string;
  readonly url: string;
  readonly maxConcurrency: number;
}

/** The workers of a prover service. */
export interface WorkerPoolStats {
  readonly workers: readonly { readonly id: string; readonly startedAt: number; readonly lastHeartbeatAt: number }[];
  /** The recommended number of workers. */
  readonly recommended: number;
  readonly arrivalsPerSecond: number;
  readonly serviceTimeMs: number;
}

/** What is measured. The service has a default for each absent field. */
export interface ProfileOptions {
  readonly circuitTypes?: readonly ("default" | "optimized")[] | undefined;
  readonly networkSizes?: readonly number[] | undefined;
  readonly iterations?: number | undefined;
  readonly warmupIterations?: number | undefined;
  readonly includeMemory?: boolean | undefined;
  readonly includeCPU?: boolean | undefined;
}

/** The measured times. */
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

/** The prover service refused a request. */
export class ProverError extends Error {
  constructor(
    readonly status: number,
    /** The code of the problem document. */
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

let prover: ProverAddress | undefined;

/**
 * Sets the prover service that `workerPool` and `performanceProfiler` use. Without a call, it is
 * the host of the websocket in `VITE_WS_URL`.
 */
export function connectProver(address: ProverAddress): void {
  prover = address;
}

/** The workers of the prover service, and the tasks for them. */
export const workerPool = {
  /** Registers a worker. The service records it: workers find their tasks in the queue. */
  registerWorker: (worker: WorkerRegistration) => post<{ registered: boolean; note: string }>("/api/workers/register", worker),
  /** Submits a task. Returns the response of the service. */
  submitTask: (task: ProofTask) => post<unknown>("/api/proof/generate", { priority: ProofPriority.NORMAL, ...task }),
  /** Returns the workers and the recommended number of workers. */
  getStats: () => send("GET", "/api/workers/stats").then((response) => response.json() as Promise<WorkerPoolStats>),
};

/** Measures the proving time of the prover service. */
export const performanceProfiler = {
  /** Measures, and returns the times. */
  profile: (options: ProfileOptions = {}) => post<ProfileReport>("/api/profiling/comprehensive?format=json", options),
  /** Measures, and returns a report as a web page. */
  generateHTMLReport: (options: ProfileOptions = {}) =>
    send("POST", "/api/profiling/comprehensive?format=html", options).then((response) => response.text()),
};

async function post<T>(path: string, body: unknown): Promise<T> {
  return (await send("POST", path, body)).json() as Promise<T>;
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const { url, apiKey } = prover ?? { url: originOf((import.meta as { env?: { VITE_WS_URL?: string } }).env?.VITE_WS_URL) };
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (apiKey) headers["authorization"] = `Bearer ${apiKey}`;
  const response = await fetch(new URL(path, url), { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  if (response.ok) return response;
  const { code, detail } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  throw new ProverError(response.status, code ?? "refused", detail ?? `the prover service answered ${response.status}`);
}

/** Returns the origin of the service that has a websocket. */
function originOf(websocket: string | undefined): string {
  if (!websocket) throw new Error("no prover service is known: call connectProver, or set VITE_WS_URL");
  const { protocol, host } = new URL(websocket);
  return `${protocol === "wss:" ? "https" : "http"}://${host}`;
}
