// The parts of the prover service that the component ProofPipelineUI shows: docs/prover-service.md.

/** Statistics of a prover service. */
export interface PipelineSnapshot {
  readonly proofs: {
    /** The number of recent proofs. */
    readonly proofs: number;
    /** 0 to 1. */
    readonly successRate: number;
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
  };
  /** The jobs, or `null` if the service has no database. */
  readonly queue: {
    readonly totalQueued: number;
    readonly totalProcessing: number;
    readonly totalCompleted: number;
    readonly totalFailed: number;
  } | null;
}

/** How far a request is. */
export interface PipelineProgress {
  readonly stage: string;
  /** 0 to 1. */
  readonly progress: number;
  /** The remaining milliseconds, or `null` if the service has no estimate. */
  readonly eta_ms: number | null;
}

/** The longest line of an event stream. */
const MAX_LINE = 64 << 10;

/** A client of the prover service. */
export class ProverService {
  readonly #url: string;

  constructor(
    url: string,
    private readonly apiKey: string | undefined,
  ) {
    this.#url = url.replace(/\/+$/, "");
  }

  /** Reads the statistics. The API key needs the permission `admin`. */
  async snapshot(signal: AbortSignal): Promise<PipelineSnapshot> {
    return (await this.#fetch("/api/metrics/snapshot", { signal })).json() as Promise<PipelineSnapshot>;
  }

  /** Requests a proof, and reports its progress until the answer arrives. */
  async generate(body: object, onProgress: (progress: PipelineProgress) => void, signal: AbortSignal): Promise<unknown> {
    const id = crypto.randomUUID();
    const following = new AbortController();
    const either = AbortSignal.any([signal, following.signal]);
    // The progress is for display, so its failure does not end the request.
    const events = this.#follow(id, onProgress, either).catch(() => undefined);
    try {
      const headers = { "content-type": "application/json", "x-request-id": id };
      const answer = await this.#fetch("/api/proof/generate", { method: "POST", body: JSON.stringify(body), headers, signal });
      return await answer.json();
    } finally {
      following.abort();
      await events;
    }
  }

  async #follow(id: string, onProgress: (progress: PipelineProgress) => void, signal: AbortSignal): Promise<void> {
    const { body } = await this.#fetch(`/requests/${id}/events`, { signal });
    const decoder = new TextDecoder();
    const reader = body!.getReader();
    let event = "";
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (rest.length > MAX_LINE) throw new RangeError("the event stream has a line without an end");
      for (const line of lines) {
        const [, name, text] = /^(event|data): ?(.*?)\r?$/.exec(line) ?? [];
        if (name === "event") event = text!;
        else if (name === "data" && event === "progress") onProgress(JSON.parse(text!) as PipelineProgress);
      }
    }
  }

  async #fetch(path: string, options: RequestInit): Promise<Response> {
    const headers = new Headers(options.headers);
    if (this.apiKey !== undefined) headers.set("authorization", `Bearer ${this.apiKey}`);
    const response = await fetch(this.#url + path, { ...options, headers });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as { detail?: string; error?: string };
    throw new Error(problem.detail ?? problem.error ?? `the prover service answered ${response.status}`);
  }
}
