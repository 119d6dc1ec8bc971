// Builds the example of the README that reads `VITE_WS_URL`, and runs the result.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Readable } from "svelte/store";
import { build } from "vite";

import type { Job } from "../src/index.ts";

test("a build by Vite follows jobs at the URL in VITE_WS_URL", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /## A prover service[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  const folder = mkdtempSync(fileURLToPath(new URL("../example-", import.meta.url)));
  const opened: string[] = [];
  const { WebSocket: original } = globalThis as { WebSocket?: unknown };
  try {
    writeFileSync(join(folder, "job.ts"), code);
    writeFileSync(join(folder, ".env"), "VITE_WS_URL=wss://prover.example/ws\n");
    await build({
      root: folder,
      configFile: false,
      logLevel: "error",
      build: { lib: { entry: "job.ts", formats: ["es"], fileName: "job" } },
    });
    const built = pathToFileURL(join(folder, "dist/job.js"));
    const { follow } = (await import(built.href)) as { follow(id: string): Readable<Job> };
    class FalseSocket {
      constructor(url: string) {
        opened.push(url);
      }
      close(): void {}
    }
    Object.assign(globalThis, { WebSocket: FalseSocket });
    follow("job-1").subscribe(() => undefined)();
    assert.deepEqual(opened, ["wss://prover.example/ws"]);
  } finally {
    Object.assign(globalThis, { WebSocket: original });
    rmSync(folder, { recursive: true });
  }
});
