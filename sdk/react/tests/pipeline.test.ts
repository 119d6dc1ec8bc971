// The component with a false prover service over HTTP.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, test } from "node:test";

import { Window } from "happy-dom";
import { act, createElement } from "react";
import type { Root } from "react-dom/client";

import { ProofPipelineUI, ProofPriority, type ProofPipelineProps } from "../src/index.ts";

const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: window.navigator });
const { createRoot } = await import("react-dom/client");

const SNAPSHOT = {
  proofs: { proofs: 3, successRate: 0.995, p50Ms: 61.4, p95Ms: null },
  queue: { totalQueued: 12, totalProcessing: 3, totalCompleted: 40, totalFailed: 1 },
};

type Route = (request: IncomingMessage, response: ServerResponse, body: string) => void;
const routes = new Map<string, Route>();
const json =
  (body: object, status = 200): Route =>
  (_, response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const name = `${request.method} ${request.url!.replace(/\/requests\/[^/]+\//, "/requests/ID/")}`;
    (routes.get(name) ?? json({ detail: "no such route" }, 404))(request, response, Buffer.concat(parts).toString());
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
after(async () => {
  server.close().closeAllConnections();
  await window.happyDOM.close();
});

let root: Root | undefined;
afterEach(async () => {
  await act(() => root?.unmount());
  routes.clear();
});

async function show(props: Partial<ProofPipelineProps> = {}): Promise<HTMLElement> {
  const element = window.document.createElement("div") as unknown as HTMLElement;
  window.document.body.appendChild(element as never);
  root = createRoot(element);
  const all = { url, attestations: ["a"], proofType: "exact", intervalMs: 20, ...props } as const;
  await act(async () => root!.render(createElement(ProofPipelineUI, all)));
  return element;
}

/** Waits for a condition. */
async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (const start = Date.now(); !condition(); ) {
    assert.ok(Date.now() - start < 60_000, what());
    await act(() => new Promise((resolve) => setTimeout(resolve, 10)));
  }
}

/** Waits until the page has a text. */
function shown(element: HTMLElement, text: RegExp): Promise<void> {
  return until(
    () => text.test(element.textContent ?? ""),
    () => `${text} is not in ${element.textContent}`,
  );
}

test("the queue and the figures are read again and again, with the API key", async () => {
  const keys = new Set<string | undefined>();
  let queued = 12;
  routes.set("GET /api/metrics/snapshot", (request, response, body) => {
    keys.add(request.headers.authorization);
    json({ ...SNAPSHOT, queue: { ...SNAPSHOT.queue, totalQueued: queued } })(request, response, body);
  });
  const page = await show({ apiKey: "key" });
  await shown(page, /Connected.*99\.5 %.*61 ms.*unknown.*Queued12/s);
  queued = 13;
  await shown(page, /Queued13/);
  assert.deepEqual([...keys], ["Bearer key"]);
});

test("a service without a database has no queue, and an error is shown until the service answers", async () => {
  routes.set("GET /api/metrics/snapshot", json({ detail: "the API key has no permission admin" }, 403));
  const page = await show();
  await shown(page, /No statistics: the API key has no permission admin/);
  routes.set("GET /api/metrics/snapshot", json({ ...SNAPSHOT, queue: null }));
  await shown(page, /Connected/);
  assert.doesNotMatch(page.textContent!, /Queued/);
});

test("a proof shows its stage and its remaining time, and then its answer", async () => {
  routes.set("GET /api/metrics/snapshot", json(SNAPSHOT));
  let answer: (() => void) | undefined;
  let followed: string | undefined;
  let requested: { id: unknown; body: unknown } | undefined;
  routes.set("GET /requests/ID/events", (request, response) => {
    followed = request.url!.split("/")[2];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('event: progress\ndata: {"stage":"proving","progress":0.25,"eta_ms":1234}\n\nevent: pro');
    response.write('gress\ndata: {"stage":"proving","progress":0.5,"eta_ms":null}\n\n');
  });
  routes.set("POST /api/proof/generate", (request, response, body) => {
    requested = { id: request.headers["x-request-id"], body: JSON.parse(body) };
    answer = () => json({ success: true })(request, response, body);
  });
  const proofs: unknown[] = [];
  const page = await show({ priority: ProofPriority.high, onProof: (proof) => proofs.push(proof) });
  const button = page.querySelector("button")!;
  await act(async () => button.click());
  await shown(page, /proving, remaining time: unknown/);
  await until(
    () => answer !== undefined,
    () => "the service received no request",
  );
  assert.equal(page.querySelector("progress")!.getAttribute("value"), "0.5");
  assert.equal(button.disabled, true);
  assert.deepEqual(requested, { id: followed, body: { attestations: ["a"], proofType: "exact", priority: 1 } });
  answer!();
  await shown(page, /The proof is ready/);
  assert.deepEqual(proofs, [{ success: true }]);
  assert.equal(button.disabled, false);
});

test("the error of a service without the statement is shown", async () => {
  routes.set("POST /api/proof/generate", json({ detail: "attestations belong to the statement reputation" }, 501));
  const page = await show();
  await act(async () => page.querySelector("button")!.click());
  await shown(page, /attestations belong to the statement reputation/);
});
