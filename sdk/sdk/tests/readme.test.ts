// Runs the quick start of the README.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { emptySubtree, fieldToHex } from "../src/index.ts";

test("the quick start of the README runs", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /## Quick start[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  assert.ok(code.includes("http://127.0.0.1:8080"), "the quick start has the URL of the local API");
  // The tree of the quick start is empty, so the API receives no request.
  const requests: (string | undefined)[] = [];
  const api = createServer((request, response) => {
    requests.push(request.url);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  const folder = mkdtempSync(fileURLToPath(new URL("../quick-start-", import.meta.url)));
  try {
    const { port } = api.address() as AddressInfo;
    const file = join(folder, "quick-start.ts");
    writeFileSync(file, code.replace("127.0.0.1:8080", `127.0.0.1:${port}`));
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", file], { cwd: folder });
    assert.match(stdout, /commitment 0x[0-9a-f]{64}/);
    assert.ok(stdout.includes(`root ${fieldToHex(emptySubtree(10))}`), stdout);
    assert.deepEqual(requests, []);
  } finally {
    api.close();
    rmSync(folder, { recursive: true });
  }
});
