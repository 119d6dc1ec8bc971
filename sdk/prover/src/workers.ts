// The prover in workers. docs/web-prover.md describes its messages.

import { failed, notLoaded, ProverError } from "./error.js";
import type { Build, EntrySecret, Prover, ProverOptions, ProvingKey, SealRequest, WorkerLike } from "./prover.js";
import { WORKER_SOURCE } from "./worker-source.js";

/** A module with one f64x2.relaxed_madd. Engines without relaxed SIMD refuse it. */
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15],
  ...[65, 0, 253, 15, 253, 135, 2, 11],
);
const IDLE_MS = 30_000;
/** The time within which a worker must answer a call. */
const CALL_MS = 120_000;
/** The time within which a module must be downloaded. */
const DOWNLOAD_MS = 300_000;
const SEED_BYTES = 32;

/** The parts of a request to a worker besides its number and the name of the call. */
interface Message {
  readonly input?: Uint8Array;
  readonly secret?: EntrySecret;
  readonly request?: SealRequest;
  readonly module?: WebAssembly.Module;
}

/** A worker with numbered requests. */
class Caller {
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: unknown): void }>();
  #next = 0;
  #end: { readonly reason: unknown } | undefined;
  /** Calls `end` if a call is not answered in time. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasAnswered = false;
  /** Whether the worker has the proving key. */
  hasKey = false;

  constructor(readonly worker: WorkerLike) {
    const answer = ({ id, value, error, isBroken }: { id: number; value: never; error?: string; isBroken?: boolean }) => {
      this.#hasAnswered = true;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) clearTimeout(this.#timer);
      if (error === undefined) return waiting?.resolve(value);
      const reason = failed(error);
      waiting?.reject(reason);
      if (isBroken) this.end(reason);
    };
    const fail = ({ message }: { message?: string }) => {
      // The script of a worker that a Content-Security-Policy forbids fails without a message.
      if (message || this.#hasAnswered) this.end(failed(message ?? "the worker failed"));
      else this.end(notLoaded("a worker", "its script failed, or a Content-Security-Policy forbids it"));
    };
    if (worker.on) {
      worker.on("message", answer);
      worker.on("error", fail);
    } else {
      worker.onmessage = ({ data }: { data: Parameters<typeof answer>[0] }) => answer(data);
      worker.onerror = fail;
    }
  }

  call<T = Uint8Array>(call: string, message: Message = {}): Promise<T> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end.reason);
      this.#waiting.set(id, { resolve, reject });
      clearTimeout(this.#timer);
      const late = () => this.end(failed(`a worker did not answer ${call} within ${CALL_MS / 1000} seconds`));
      this.#timer = setTimeout(late, CALL_MS);
      this.worker.postMessage({ id, call, ...message });
    });
  }

  /** Whether the worker ended, or failed. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Ends the worker. Its open requests fail. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    clearTimeout(this.#timer);
    this.worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}

/** The prover that {@link createProver} loads. */
export class WasmProver implements Prover {
  readonly key: ProvingKey | undefined;
  #module: { readonly build: Build; readonly module: WebAssembly.Module } | undefined;
  #callers: Caller[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ProverOptions) {
    this.key = options.key;
  }

  commitment(secret: EntrySecret): Promise<Uint8Array> {
    return this.#queued(1, ([first]) => first!.call("commit", { secret }));
  }

  nullifier(secret: EntrySecret, scope: Uint8Array): Promise<Uint8Array> {
    return this.#queued(1, ([first]) => first!.call("nullify", { secret, input: scope }));
  }

  seal(secret: EntrySecret, request: SealRequest): Promise<Uint8Array> {
    return this.#queued(1, async () => {
      // Loaded when it is needed: most members prove on their own device.
      const { SEALING_SOURCE } = await import("./sealing-source.js").catch((cause: unknown) => {
        throw notLoaded("the code that seals secrets", cause);
      });
      const caller = this.#startWorker(WORKER_SOURCE + SEALING_SOURCE, true);
      try {
        await caller.call("start", { module: this.#module!.module });
        return await caller.call("seal", { secret, request });
      } finally {
        caller.end(undefined);
      }
    });
  }

  async verify(...parts: readonly [verifyingKey: Uint8Array, proof: Uint8Array, digest: Uint8Array]): Promise<boolean> {
    const input = concat(parts);
    const [isValid] = await this.#queued(1, ([first]) => first!.call("verify", { input }));
    return isValid === 1;
  }

  prove(
    secret: EntrySecret,
    inputs: Uint8Array,
    load: () => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const prove = async ([first, second]: readonly Caller[]) => {
      // The seed blinds the proof.
      const input = concat([crypto.getRandomValues(new Uint8Array(SEED_BYTES)), inputs]);
      try {
        if (!second) return await first!.call("prove", { secret, input });
        const parts = [second.call("prove_c", { secret, input }), first!.call("prove_rest", { secret, input })];
        const [c] = await Promise.all(parts);
        try {
          return await first!.call("combine", { input: c! });
        } finally {
          // The unblinded C is as secret as the witness.
          c!.fill(0);
        }
      } catch (error) {
        // One of two modules still has its half of the proof.
        if (second) this.#end(error);
        throw error;
      } finally {
        input.fill(0);
      }
    };
    return this.#queued(this.options.workers ?? 1, prove, load, signal);
  }

  end(): void {
    this.#end(failed("the prover was ended"));
  }

  /**
   * Waits for the earlier calls, because a module does one at a time, and then calls workers. With
   * `load`, they have the proving key.
   */
  #queued<T>(
    count: number,
    work: (callers: readonly Caller[]) => Promise<T>,
    load?: () => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<T> {
    const done = this.#last.then(() => this.#run(count, work, load, signal));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run<T>(
    count: number,
    work: (callers: readonly Caller[]) => Promise<T>,
    load: (() => Promise<Uint8Array>) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const abort = () => this.#end(signal!.reason);
    signal?.addEventListener("abort", abort);
    try {
      const haveKey = this.#callers.length >= count && this.#callers.slice(0, count).every(({ hasKey }) => hasKey);
      // The key and the module are loaded at the same time.
      const key = haveKey ? undefined : load?.();
      key?.catch(() => undefined);
      const callers = await this.#start(count);
      callers.forEach(({ worker }) => worker.ref?.());
      if (key) await loadKey(callers, await key);
      signal?.throwIfAborted();
      return await work(callers);
    } finally {
      signal?.removeEventListener("abort", abort);
      // Workers that were started meanwhile end as well.
      if (signal?.aborted) this.#end(signal.reason);
      // The next call starts others instead of workers that failed.
      if (this.#callers.some(({ hasEnded }) => hasEnded)) this.#end(failed("another worker failed"));
      this.#callers.forEach(({ worker }) => worker.unref?.());
      this.#idle = setTimeout(() => this.end(), IDLE_MS);
      // Node.js ends although a timer waits.
      (this.#idle as { unref?(): void }).unref?.();
    }
  }

  /** Starts workers until there are `count`, and returns them. */
  async #start(count: number): Promise<readonly Caller[]> {
    try {
      this.#module ??= await this.#chooseModule();
      const { module } = this.#module;
      while (this.#callers.length < count) {
        const caller = this.#startWorker();
        this.#callers.push(caller);
        if (!(await caller.call<boolean>("start", { module }))) throw failed("a worker computes differently than the first one");
      }
      return this.#callers.slice(0, count);
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  /**
   * Loads the first build whose arithmetic is right on this engine. A build that can't be loaded is
   * not used.
   */
  async #chooseModule(): Promise<{ readonly build: Build; readonly module: WebAssembly.Module }> {
    const { builds = ["fused", "baseline"] } = this.options;
    let missing: unknown;
    for (const build of builds.filter((name) => name === "baseline" || WebAssembly.validate(RELAXED_SIMD))) {
      const module = await this.#loadModule(build).catch((cause: unknown) => {
        missing = notLoaded(`the module ${build}`, cause);
        return undefined;
      });
      if (!module) continue;
      const caller = this.#startWorker();
      this.#callers.push(caller);
      if (await caller.call<boolean>("start", { module })) return { build, module };
      this.#callers.pop();
      caller.end(undefined);
    }
    throw missing ?? failed(`this engine supports none of the builds ${builds.join(", ")}`);
  }

  #startWorker(source = WORKER_SOURCE, sealing = false): Caller {
    const { worker = () => startWorker(source) } = this.options;
    try {
      return new Caller(worker(sealing));
    } catch (cause) {
      throw cause instanceof ProverError ? cause : notLoaded("a worker", cause);
    }
  }

  async #loadModule(build: Build): Promise<WebAssembly.Module> {
    const { wasm } = this.options;
    if (typeof wasm === "function") return wasm(build);
    const url =
      wasm === undefined
        ? packaged(build)
        : new URL(`${String(wasm).replace(/\/+$/, "")}/${build}.wasm`, globalThis.location?.href);
    if (url.protocol === "file:") {
      const { readFile } = builtin<{ readFile(url: URL): Promise<Uint8Array> }>("node:fs/promises");
      return WebAssembly.compile(Uint8Array.from(await readFile(url)));
    }
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}: set the option wasm to the folder of the modules`);
    return WebAssembly.compile(await response.arrayBuffer());
  }

  #end(reason: unknown): void {
    clearTimeout(this.#idle);
    this.#callers.forEach((caller) => caller.end(reason));
    this.#callers = [];
  }
}

/** Gives the proving key to the workers that don't have it. */
async function loadKey(callers: readonly Caller[], input: Uint8Array): Promise<void> {
  const load = async (caller: Caller) => {
    await caller.call("load_key", { input });
    caller.hasKey = true;
  };
  await Promise.all(callers.filter(({ hasKey }) => !hasKey).map(load));
}

/** Returns the URL of a module in the package. Bundlers look for exactly this form. */
function packaged(build: Build): URL {
  return build === "fused"
    ? new URL("../assets/fused.wasm", import.meta.url)
    : new URL("../assets/baseline.wasm", import.meta.url);
}

/** The URLs of the workers' sources. They are not revoked, because later workers use them. */
const urls = new Map<string, string>();

function startWorker(source: string): WorkerLike {
  if (typeof Worker !== "undefined") {
    const url = urls.get(source) ?? URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    urls.set(source, url);
    return new Worker(url);
  }
  const { Worker: NodeWorker } = builtin<{ Worker: new (code: string, options: object) => WorkerLike }>("node:worker_threads");
  return new NodeWorker(source, { eval: true });
}

/** Returns a module of Node.js. An import would have to be resolved by bundlers for browsers. */
function builtin<T>(name: string): T {
  type Process = { getBuiltinModule?(name: string): unknown };
  const found = (globalThis as { process?: Process }).process?.getBuiltinModule?.(name);
  if (!found) throw failed(`this engine has neither workers of browsers nor ${name}`);
  return found as T;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
