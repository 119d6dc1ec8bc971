// The prover in workers. docs/web-prover.md describes its messages.

import { BautaError } from "./error.js";
import type { ProvingKey } from "./proving-key.js";
import { WORKER_SOURCE } from "./worker-source.js";

/** A build of the module: `fused` needs relaxed SIMD. */
export type Build = "fused" | "baseline";

/** Makes proofs. {@link createProver} creates one; a dApp can have its own. */
export interface Prover {
  /** The proving key that the prover needs. */
  readonly key: ProvingKey;
  /**
   * Makes a proof from the inputs of docs/web-prover.md, and verifies it.
   *
   * @param load Returns the proving key. It is called if the prover does not have the key yet.
   * @returns The proof (256 bytes), then root, nullifier, scope, claim, context and digest.
   */
  prove(inputs: Uint8Array, load: () => Promise<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array>;
  /** Ends the workers. The next proof starts them again. */
  end(): void;
}

/** The parts of a worker of browsers and of Node.js that the prover needs. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
  on?(event: "message" | "error", listener: (value: never) => void): unknown;
  ref?(): void;
  unref?(): void;
  onmessage?: unknown;
  onerror?: unknown;
}

/** How a prover is created. */
export interface ProverOptions {
  /** The pinned proving key. */
  readonly key: ProvingKey;
  /** The folder with `fused.wasm` and `baseline.wasm`, or a function that loads a module. */
  readonly wasm: string | URL | ((build: Build) => Promise<WebAssembly.Module>);
  /** The number of workers. Two are faster and need twice the memory. The default is 1. */
  readonly workers?: 1 | 2;
  /** Starts a worker of `worker.js`. Without it, a worker is started from a `blob:` URL. */
  readonly worker?: () => WorkerLike;
  /** The builds to try, in their order. */
  readonly builds?: readonly Build[];
}

/** A module with one f64x2.relaxed_madd. Engines without relaxed SIMD refuse it. */
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15],
  ...[65, 0, 253, 15, 253, 135, 2, 11],
);
const IDLE_MS = 30_000;

/**
 * Creates a prover. It starts its workers at the first proof, and ends them after 30 idle seconds.
 */
export function createProver(options: ProverOptions): Prover {
  return new WasmProver(options);
}

/** A worker with numbered requests. */
class Caller {
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>();
  #next = 0;

  constructor(readonly worker: WorkerLike) {
    const answer = ({ id, value, error }: { id: number; value: never; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(failed(error));
    };
    const fail = (event: { message?: string }) => this.end(failed(event.message ?? "the worker failed"));
    if (worker.on) {
      worker.on("message", answer);
      worker.on("error", fail);
    } else {
      worker.onmessage = ({ data }: { data: Parameters<typeof answer>[0] }) => answer(data);
      worker.onerror = fail;
    }
  }

  call<T>(call: string, message: object = {}): Promise<T> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call, ...message });
    });
  }

  /** Ends the worker. Its open requests fail. */
  end(reason: unknown): void {
    this.worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}

class WasmProver implements Prover {
  readonly key: ProvingKey;
  #started: Promise<Caller[]> | undefined;
  #callers: Caller[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ProverOptions) {
    this.key = options.key;
  }

  prove(inputs: Uint8Array, load: () => Promise<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array> {
    // A module makes one proof at a time.
    const proof = this.#last.then(() => this.#prove(inputs, load, signal));
    this.#last = proof.catch(() => undefined);
    return proof;
  }

  end(): void {
    this.#end(failed("the prover was ended"));
  }

  async #prove(inputs: Uint8Array, load: () => Promise<Uint8Array>, signal: AbortSignal | undefined): Promise<Uint8Array> {
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const abort = () => this.#end(signal!.reason);
    signal?.addEventListener("abort", abort);
    // A seed of 32 random bytes blinds the proof.
    const input = new Uint8Array(32 + inputs.length);
    crypto.getRandomValues(input.subarray(0, 32));
    input.set(inputs, 32);
    try {
      const [first, second] = await (this.#started ??= this.#start(load));
      signal?.throwIfAborted();
      this.#callers.forEach(({ worker }) => worker.ref?.());
      if (!second) return await first!.call("prove", { input });
      const [c] = await Promise.all([second.call("prove_c", { input }), first!.call("prove_rest", { input })]);
      return await first!.call("combine", { input: c });
    } finally {
      input.fill(0);
      signal?.removeEventListener("abort", abort);
      // Workers that were started meanwhile end as well.
      if (signal?.aborted) this.#end(signal.reason);
      this.#callers.forEach(({ worker }) => worker.unref?.());
      this.#idle = setTimeout(() => this.end(), IDLE_MS);
      // Node.js ends although a timer waits.
      (this.#idle as { unref?(): void }).unref?.();
    }
  }

  async #start(load: () => Promise<Uint8Array>): Promise<Caller[]> {
    try {
      const { builds = ["fused", "baseline"], workers = 1, worker = startWorker } = this.options;
      const key = await load();
      for (const build of builds.filter((name) => name === "baseline" || WebAssembly.validate(RELAXED_SIMD))) {
        const module = await this.#module(build);
        this.#callers = Array.from({ length: workers }, () => new Caller(worker()));
        const supported = await Promise.all(this.#callers.map((caller) => caller.call<boolean>("start", { module })));
        if (supported.every(Boolean)) {
          await Promise.all(this.#callers.map((caller) => caller.call("load_key", { input: key })));
          return this.#callers;
        }
        this.#callers.forEach((caller) => caller.end(undefined));
      }
      throw failed(`this engine supports none of the builds ${builds.join(", ")}`);
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  async #module(build: Build): Promise<WebAssembly.Module> {
    const { wasm } = this.options;
    if (typeof wasm === "function") return wasm(build);
    const url = new URL(`${String(wasm).replace(/\/+$/, "")}/${build}.wasm`, globalThis.location?.href);
    if (url.protocol === "file:") {
      const { readFile } = builtin<{ readFile(url: URL): Promise<Uint8Array> }>("node:fs/promises");
      return WebAssembly.compile(Uint8Array.from(await readFile(url)));
    }
    const response = await fetch(url);
    if (!response.ok) throw failed(`${url} answered ${response.status}`);
    return WebAssembly.compile(await response.arrayBuffer());
  }

  #end(reason: unknown): void {
    clearTimeout(this.#idle);
    this.#callers.forEach((caller) => caller.end(reason));
    this.#callers = [];
    this.#started = undefined;
  }
}

/** The URL of the worker's source. It is not revoked, because later workers use it. */
let blobUrl: string | undefined;

function startWorker(): WorkerLike {
  if (typeof Worker !== "undefined") {
    return new Worker((blobUrl ??= URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }))));
  }
  const { Worker: NodeWorker } = builtin<{ Worker: new (code: string, options: object) => WorkerLike }>("node:worker_threads");
  return new NodeWorker(WORKER_SOURCE, { eval: true });
}

/** Returns a module of Node.js. An import would have to be resolved by bundlers for browsers. */
function builtin<T>(name: string): T {
  type Process = { getBuiltinModule?(name: string): unknown };
  const found = (globalThis as { process?: Process }).process?.getBuiltinModule?.(name);
  if (!found) throw failed(`this engine has neither workers of browsers nor ${name}`);
  return found as T;
}

function failed(reason: string): BautaError {
  return new BautaError("prover-failed", `the prover failed: ${reason}`, "Try again, or use the other build.");
}
