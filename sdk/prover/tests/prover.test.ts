// The prover with a worker of the test.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createProver, type Build, type EntrySecret, type WorkerLike } from "../src/index.ts";

type Message = { id: number; call: string; input?: Uint8Array; module?: unknown; secret?: unknown };
type Handler = (message: Message) => unknown;

/** What a worker returns that does not answer. */
const SILENCE = Symbol();

/** Starts false workers, and records their calls. */
function workers(handle: Handler) {
  const calls: string[] = [];
  const state = { started: 0, ended: 0 };
  const start = (): WorkerLike => {
    const number = state.started++;
    let answer: (value: never) => void = () => undefined;
    return {
      on: (event, listener) => event === "message" && (answer = listener),
      postMessage: (message) => {
        const { id, call } = message as Message;
        calls.push(`${number} ${call}`);
        queueMicrotask(() => {
          try {
            const value = handle(message as Message);
            if (value !== SILENCE) answer({ id, value } as never);
          } catch (error) {
            const { message, isBroken } = error as Error & { isBroken?: boolean };
            answer({ id, error: message, isBroken } as never);
          }
        });
      },
      terminate: () => state.ended++,
    };
  };
  return { calls, state, start };
}

const key = { sha256: "00".repeat(32) };
const load = async () => Uint8Array.of(1);
const wasm = async () => ({}) as WebAssembly.Module;
const builds: readonly Build[] = ["baseline"];
const secret = {} as EntrySecret;
const inputs = Uint8Array.of(1);
const honest: Handler = ({ call }) => (call === "start" ? true : Uint8Array.of(9));

test("two workers share a proof, and a further proof starts nothing", async () => {
  const { calls, state, start } = workers(honest);
  const prover = createProver({ key, wasm, worker: start, workers: 2, builds });
  for (let proof = 0; proof < 2; proof++) {
    assert.deepEqual(await prover.prove(secret, inputs, load), Uint8Array.of(9));
  }
  const proof = ["1 prove_c", "0 prove_rest", "0 combine"];
  assert.deepEqual(calls, ["0 start", "1 start", "0 load_key", "1 load_key", ...proof, ...proof]);
  prover.end();
  await prover.commitment(secret);
  assert.deepEqual(state, { started: 3, ended: 2 });
});

test("a commitment needs one worker and no proving key, and a later proof starts the other one", async () => {
  const { calls, start } = workers(honest);
  const prover = createProver({ key, wasm, worker: start, workers: 2, builds });
  await prover.commitment(secret);
  await prover.nullifier(secret, new Uint8Array(32));
  assert.deepEqual(calls, ["0 start", "0 commit", "0 nullify"]);
  await prover.prove(secret, inputs, load);
  assert.deepEqual(calls.slice(3, 6), ["1 start", "0 load_key", "1 load_key"]);
});

test("each proof has another seed", async () => {
  const seeds = new Set<string>();
  const { start } = workers((message) => {
    if (message.call === "prove") seeds.add(Buffer.from(message.input!.slice(0, 32)).toString("hex"));
    return honest(message);
  });
  const prover = createProver({ key, wasm, worker: start, builds });
  for (let proof = 0; proof < 3; proof++) await prover.prove(secret, inputs, load);
  assert.equal(seeds.size, 3);
});

test("a build whose arithmetic is wrong on this engine is not used", async () => {
  const { state, start } = workers(({ call }) => (call === "start" ? state.started > 1 : Uint8Array.of(9)));
  const loaded: string[] = [];
  const recorded = async (build: Build) => (loaded.push(build), {}) as WebAssembly.Module;
  const prover = createProver({ key, wasm: recorded, worker: start, builds: ["baseline", "baseline"] });
  await prover.prove(secret, inputs, load);
  assert.deepEqual(loaded, ["baseline", "baseline"]);
  assert.deepEqual(state, { started: 2, ended: 1 });
  const none = createProver({ key, wasm, worker: workers(() => false).start, builds });
  await assert.rejects(none.prove(secret, inputs, load), /supports none of the builds/);
});

test("a build that can't be loaded is not used, and its error is reported if there is no other one", async () => {
  let loaded = 0;
  const second = async () => {
    if (loaded++ === 0) throw new Error("404");
    return {} as WebAssembly.Module;
  };
  const prover = createProver({ wasm: second, worker: workers(honest).start, builds: ["baseline", "baseline"] });
  assert.deepEqual(await prover.commitment(secret), Uint8Array.of(9));
  const none = createProver({ wasm: () => Promise.reject(new Error("404")), worker: workers(honest).start, builds });
  await assert.rejects(none.commitment(secret), { name: "ProverError", code: "not-loaded", message: /baseline.*404/ });
});

test("modules and workers that the page can't load are named", async () => {
  const missing = { name: "ProverError", code: "not-loaded" };
  const closed = createProver({ wasm: "http://127.0.0.1:1", worker: workers(honest).start, builds });
  await assert.rejects(closed.commitment(secret), missing);
  const forbidden = createProver({ wasm, worker: () => { throw new DOMException("forbidden", "SecurityError"); }, builds });
  await assert.rejects(forbidden.commitment(secret), { ...missing, message: /forbidden/ });
  // The script of the worker is not loaded: there is an event without a message, and no answer.
  const silent = (): WorkerLike => {
    const worker: WorkerLike = { postMessage: () => queueMicrotask(() => (worker.onerror as (event: object) => void)({})), terminate: () => undefined };
    return worker;
  };
  await assert.rejects(createProver({ wasm, worker: silent, builds }).commitment(secret), { ...missing, message: /Content-Security-Policy/ });
});

test("a worker's error is reported, and a failed start is tried again", async () => {
  const { start } = workers((message) => {
    if (message.call === "prove") throw new Error("the path does not lead from the leaf to the root");
    return honest(message);
  });
  const prover = createProver({ key, wasm, worker: start, builds });
  await assert.rejects(prover.prove(secret, inputs, load), { name: "ProverError", message: /does not lead/ });
  let attempts = 0;
  const once = async () => {
    if (attempts++ === 0) throw new Error("no key");
    return Uint8Array.of(1);
  };
  const second = createProver({ key, wasm, worker: workers(honest).start, builds });
  await assert.rejects(second.prove(secret, inputs, once), /no key/);
  await second.prove(secret, inputs, once);
});

test("an aborted proof ends the workers, and the next one starts them again", async () => {
  const controller = new AbortController();
  const { state, start } = workers((message) => {
    if (message.call === "prove" && state.started === 1) controller.abort(new Error("enough"));
    return honest(message);
  });
  const prover = createProver({ key, wasm, worker: start, builds });
  await assert.rejects(prover.prove(secret, inputs, load, controller.signal), /enough/);
  assert.equal(state.ended, 1);
  await assert.rejects(prover.prove(secret, inputs, load, controller.signal), /enough/);
  await prover.prove(secret, inputs, load);
  assert.equal(state.started, 2);
});

test("a proof that is aborted while its key is loaded does not wait for ended workers", async () => {
  const controller = new AbortController();
  const { start } = workers(honest);
  const prover = createProver({ key, wasm, worker: start, builds });
  const aborting = async () => {
    controller.abort(new Error("enough"));
    return Uint8Array.of(1);
  };
  await assert.rejects(prover.prove(secret, inputs, aborting, controller.signal), /enough/);
  assert.deepEqual(await prover.prove(secret, inputs, load), Uint8Array.of(9));
});

test("workers whose module ended are replaced, and those with a message of the module are kept", async () => {
  for (const isBroken of [true, false]) {
    const { state, start } = workers((message) => {
      if (message.call === "commit" && state.started === 1) throw Object.assign(new Error("unreachable"), { isBroken });
      return honest(message);
    });
    const prover = createProver({ key, wasm, worker: start, builds });
    await assert.rejects(prover.commitment(secret), { name: "ProverError", message: /unreachable/ });
    assert.equal(state.ended > 0, isBroken);
    if (isBroken) assert.deepEqual(await prover.commitment(secret), Uint8Array.of(9));
  }
});

test("a worker that fails by an event is replaced", async () => {
  let fail: (event: { message: string }) => void = () => undefined;
  const { state, start } = workers((message) => {
    if (message.call === "commit" && state.started === 1) {
      fail({ message: "out of memory" });
      return SILENCE;
    }
    return honest(message);
  });
  const worker = (): WorkerLike => {
    const started = start();
    return { ...started, on: (event, listener) => (event === "error" ? void (fail = listener as never) : started.on!(event, listener)) };
  };
  const prover = createProver({ key, wasm, worker, builds });
  await assert.rejects(prover.commitment(secret), /out of memory/);
  assert.deepEqual(await prover.commitment(secret), Uint8Array.of(9));
});

test("a worker that never answers is ended after the limit of time", async (context) => {
  const real = globalThis.setTimeout;
  const { state, start } = workers((message) => (message.call === "commit" && state.started === 1 ? SILENCE : honest(message)));
  const setTimeout = (run: () => void, ms?: number) => {
    const isLate = ms === 120_000;
    // The limit ends only the silent call: answered calls clear their timers first.
    return real(run, isLate && state.started === 1 ? 0 : ms);
  };
  const prover = createProver({ key, wasm, worker: start, builds });
  await prover.nullifier(secret, new Uint8Array(32));
  context.mock.method(globalThis, "setTimeout", setTimeout as typeof globalThis.setTimeout);
  await assert.rejects(prover.commitment(secret), /did not answer commit within 120 seconds/);
  assert.deepEqual(await prover.commitment(secret), Uint8Array.of(9));
  prover.end();
});

test("the unblinded part of a proof is overwritten, and workers with half of a proof are ended", async () => {
  const secretPart = Uint8Array.of(1, 2, 3);
  let combined: number[] = [];
  const { start } = workers((message) => {
    if (message.call === "prove_c") return secretPart;
    if (message.call === "combine") combined = [...message.input!];
    return honest(message);
  });
  await createProver({ key, wasm, worker: start, workers: 2, builds }).prove(secret, inputs, load);
  assert.deepEqual(combined, [1, 2, 3]);
  assert.deepEqual([...secretPart], [0, 0, 0]);
  const failing = workers((message) => {
    if (message.call === "prove_c" && failing.state.started === 2) throw new Error("no");
    return honest(message);
  });
  const prover = createProver({ key, wasm, worker: failing.start, workers: 2, builds });
  await assert.rejects(prover.prove(secret, inputs, load), /no/);
  assert.equal(failing.state.ended, 2);
  await prover.prove(secret, inputs, load);
});
