// The names of the earlier systems, with a false prover service.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";

import { connectProver, performanceProfiler, ProofPriority, ProverError, workerPool } from "../src/index.ts";

let server: Server;
let url: string;
const requests: { line: string; key: string | undefined; body: unknown }[] = [];
let answer = { status: 200, text: "{}" };

before(async () => {
  server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const { method, url: path, headers } = request;
    requests.push({ line: `${method} ${path}`, key: headers.authorization, body: text ? JSON.parse(text) : undefined });
    response.writeHead(answer.status).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests.length = 0;
  answer = { status: 200, text: "{}" };
});

test("without an address of a prover service, each call says what to do", async () => {
  await assert.rejects(workerPool.getStats(), /call connectProver, or set VITE_WS_URL/);
});

test("each name sends its route of the earlier systems", async () => {
  connectProver({ url, apiKey: "key" });
  const worker = { id: "w-1", url: "http://10.0.0.1", maxConcurrency: 4 };
  await workerPool.registerWorker(worker);
  await workerPool.submitTask({ attestations: [1], proofType: "exact" });
  await workerPool.submitTask({ attestations: [], proofType: "threshold", priority: ProofPriority.HIGH });
  await workerPool.getStats();
  await performanceProfiler.profile({ iterations: 1 });
  answer.text = "<html></html>";
  assert.equal(await performanceProfiler.generateHTMLReport(), "<html></html>");
  assert.deepEqual(requests, [
    { line: "POST /api/workers/register", key: "Bearer key", body: worker },
    { line: "POST /api/proof/generate", key: "Bearer key", body: { priority: 5, attestations: [1], proofType: "exact" } },
    { line: "POST /api/proof/generate", key: "Bearer key", body: { priority: 1, attestations: [], proofType: "threshold" } },
    { line: "GET /api/workers/stats", key: "Bearer key", body: undefined },
    { line: "POST /api/profiling/comprehensive?format=json", key: "Bearer key", body: { iterations: 1 } },
    { line: "POST /api/profiling/comprehensive?format=html", key: "Bearer key", body: {} },
  ]);
});

test("a refusal has the status, the code and the text of the service", async () => {
  connectProver({ url });
  answer = { status: 501, text: JSON.stringify({ code: "statement_not_built", detail: "not built" }) };
  const refused = (error: unknown) => {
    assert(error instanceof ProverError);
    assert.deepEqual([error.status, error.code, error.message], [501, "statement_not_built", "not built"]);
    return true;
  };
  await assert.rejects(workerPool.submitTask({ attestations: [], proofType: "exact" }), refused);
  answer = { status: 502, text: "no JSON" };
  await assert.rejects(workerPool.getStats(), /answered 502/);
});
