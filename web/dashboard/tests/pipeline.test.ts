// The names of the earlier systems in `@bauta/svelte`, with the running prover service.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { chromium } from "playwright-core";
import { build } from "vite";

import { connectProver, performanceProfiler, ProverError, workerPool } from "../../../sdk/svelte/src/pipeline.ts";
import { API_KEY, PATIENCE, PROVER } from "./deployment.ts";

before(() => connectProver({ url: PROVER, apiKey: API_KEY }));

test("workers and their numbers come from the prover service", async () => {
  const stats = await workerPool.getStats();
  assert(Array.isArray(stats.workers) && stats.recommended >= 1);
  const registered = await workerPool.registerWorker({ id: "w-1", url: "http://10.0.0.1:3001", maxConcurrency: 4 });
  assert.equal(registered.registered, true);
});

test("a profile has the times of each case, and a report as a page", async () => {
  const options = { circuitTypes: ["default"], networkSizes: [10], iterations: 1, warmupIterations: 0 } as const;
  const report = await performanceProfiler.profile(options);
  assert.equal(report.cases.length, 1);
  assert(report.cases[0]!.p95Ms > 0);
  assert.match(await performanceProfiler.generateHTMLReport(options), /^<!doctype html>/i);
});

test("a task of attestations that can't be proved is refused with the code of the service", async () => {
  await assert.rejects(workerPool.submitTask({ attestations: ["a"], proofType: "exact" }), (error) => {
    assert(error instanceof ProverError);
    assert(error.status >= 400 && error.code.length > 0);
    return true;
  });
});

test("the pipeline component shows connection, workers and outcome with the earlier properties", async () => {
  const dist = mkdtempSync(join(tmpdir(), "bauta-pipeline-"));
  const sdk = fileURLToPath(new URL("../../../sdk", import.meta.url));
  process.env["VITE_WS_URL"] = `${PROVER.replace(/^http/, "ws")}/v1/ws`;
  process.env["VITE_API_KEY"] = API_KEY;
  await build({
    root: fileURLToPath(new URL("pipeline", import.meta.url)),
    base: "/pipeline/",
    configFile: false,
    logLevel: "error",
    plugins: [svelte({ configFile: false })],
    resolve: {
      alias: [
        { find: "@bauta/svelte/ProofPipelineUI.svelte", replacement: `${sdk}/svelte/components/ProofPipelineUI.svelte` },
        { find: /^@bauta\/(\w+)$/, replacement: `${sdk}/$1/src/index.ts` },
      ],
      dedupe: ["svelte"],
    },
    build: { outDir: dist, emptyOutDir: true, target: "es2022" },
  });
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args, timeout: PATIENCE });
  after(async () => {
    await browser.close();
    rmSync(dist, { recursive: true });
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  // The page has the origin of the service, as if the service's host had it.
  await page.route(`${PROVER}/pipeline/**`, (route) => {
    const path = new URL(route.request().url()).pathname.replace("/pipeline/", "");
    const contentType = path.endsWith(".js") ? "text/javascript" : path.endsWith(".css") ? "text/css" : "text/html";
    return route.fulfill({ body: readFileSync(join(dist, path)), contentType });
  });
  await page.goto(`${PROVER}/pipeline/index.html`);
  const pipeline = page.getByRole("region", { name: "Proof pipeline" });
  await pipeline.getByText("connected", { exact: true }).waitFor();
  await pipeline.getByText("2, threshold").waitFor();
  await pipeline.getByText(/^\d+ of \d+ advised$/).waitFor();
  await pipeline.getByRole("button", { name: "Generate the proof" }).click();
  await pipeline.getByText(/^There is no proof: ./).waitFor();
});
