// Makes proofs of the ownership statement in one or two workers. It runs in browsers and in Node.

// A module with one f64x2.relaxed_madd. Engines without relaxed SIMD refuse it.
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15,
  65, 0, 253, 15, 253, 135, 2, 11,
);

/** The builds of the module, the fastest first. */
export const BUILDS = ['fused', 'baseline'];

/** Returns whether this engine accepts a build. `supported` of the module decides after that. */
export function accepts(build) {
  return build === 'baseline' || WebAssembly.validate(RELAXED_SIMD);
}

/** A worker with numbered requests. */
class Caller {
  #worker;
  #waiting = new Map();
  #next = 0;

  constructor(worker) {
    this.#worker = worker;
    const answer = ({ id, value, error }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    };
    const fail = (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message ?? 'the worker failed'));
      this.#waiting.clear();
    };
    if (worker.on) worker.on('message', answer).on('error', fail);
    else [worker.onmessage, worker.onerror] = [({ data }) => answer(data), fail];
  }

  call(call, message = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, ...message });
    });
  }

  end() {
    this.#worker.terminate();
  }
}

/**
 * Starts a prover.
 *
 * `load(build)` returns the compiled `WebAssembly.Module` of a build. `worker()` starts a worker of
 * worker.js. `key` is a web-key file, or a promise of one. `workers` is 1 or 2. `builds` are the
 * builds to try.
 */
export async function createProver({ load, worker, key, workers = 1, builds = BUILDS }) {
  for (const build of builds.filter(accepts)) {
    // The workers start while the module loads.
    const loading = load(build);
    const callers = Array.from({ length: workers }, () => new Caller(worker()));
    try {
      const module = await loading;
      const supported = await Promise.all(callers.map((caller) => caller.call('start', { module })));
      if (supported.every(Boolean)) {
        const input = await key;
        await Promise.all(callers.map((caller) => caller.call('load_key', { input })));
        return new Prover(build, callers);
      }
    } catch (error) {
      callers.forEach((caller) => caller.end());
      throw error;
    }
    callers.forEach((caller) => caller.end());
  }
  throw new Error(`this engine supports none of the builds ${builds.join(', ')}`);
}

class Prover {
  #callers;

  constructor(build, callers) {
    this.build = build;
    this.#callers = callers;
  }

  /**
   * Makes a proof from the inputs without the seed (docs/web-prover.md). Returns the proof in the
   * program's form and its public values.
   */
  async prove(inputs) {
    const input = new Uint8Array(32 + inputs.length);
    crypto.getRandomValues(input.subarray(0, 32));
    input.set(inputs, 32);
    try {
      const [first, second] = this.#callers;
      if (!second) return await first.call('prove', { input });
      const [c] = await Promise.all([second.call('prove_c', { input }), first.call('prove_rest', { input })]);
      try {
        return await first.call('combine', { input: c });
      } finally {
        c.fill(0);
      }
    } finally {
      input.fill(0);
    }
  }

  /** Returns the size of the modules' memories in bytes. */
  async memory() {
    const sizes = await Promise.all(this.#callers.map((caller) => caller.call('memory')));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Ends the workers. */
  end() {
    this.#callers.forEach((caller) => caller.end());
  }
}
