// The store of a job, with a false websocket.

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

import { useJob, type Job } from "../src/index.ts";

/** A websocket whose other end is the test. */
class FalseSocket {
  static readonly all: FalseSocket[] = [];
  readonly sent: unknown[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  constructor(readonly url: string) {
    FalseSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
    this.onclose?.();
  }

  answer(message: unknown): void {
    this.onmessage!({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
}

const { WebSocket: original } = globalThis as { WebSocket?: unknown };
Object.assign(globalThis, { WebSocket: FalseSocket });
after(() => void Object.assign(globalThis, { WebSocket: original }));
beforeEach(() => void (FalseSocket.all.length = 0));

const URL = "wss://prover.example/v1/ws";

/** Follows a job. Returns its states and the websocket. */
function follow(id: string) {
  const states: Job[] = [];
  const stop = useJob(URL, id).subscribe((state) => void states.push(state));
  const [socket] = FalseSocket.all;
  assert(socket);
  socket.onopen!();
  return { states, stop, socket };
}

test("a job is followed to its result", () => {
  const { states, socket, stop } = follow("job-1");
  assert.equal(socket.url, URL);
  assert.deepEqual(socket.sent, [{ type: "subscribe", requestId: "job-1" }]);
  const progress = { stage: "proving", progress: 0.5, eta_ms: 30 };
  socket.answer({ type: "progress", requestId: "job-1", data: progress });
  socket.answer("no JSON");
  socket.answer("null");
  socket.answer({ type: "of a later release" });
  socket.answer({ type: "result", requestId: "job-1", data: { state: "succeeded" } });
  assert.deepEqual(states, [
    { status: "loading" },
    { status: "loading", progress },
    { status: "ready", value: { state: "succeeded" } },
  ]);
  assert(socket.closed);
  stop();
  assert.equal(states.length, 3);
});

test("an error of the service and a closed connection are failures", () => {
  for (const [act, reason] of [
    [(socket: FalseSocket) => socket.answer({ type: "error", data: { code: "unknown_job", detail: "there is no such job" } }), /there is no such job/],
    [(socket: FalseSocket) => socket.answer({ type: "error", data: { code: "unknown_job" } }), /unknown_job/],
    [(socket: FalseSocket) => socket.answer({ type: "error" }), /refused the subscription/],
    [(socket: FalseSocket) => socket.close(), /closed the connection/],
  ] as const) {
    FalseSocket.all.length = 0;
    const { states, socket } = follow("job-1");
    act(socket);
    assert.equal(states.length, 2);
    assert.match(String(states[1]!.error), reason);
    assert(socket.closed);
  }
});

test("the connection ends with the last subscriber, without a failure", () => {
  const { states, socket, stop } = follow("job-1");
  stop();
  assert(socket.closed);
  assert.deepEqual(states, [{ status: "loading" }]);
});
