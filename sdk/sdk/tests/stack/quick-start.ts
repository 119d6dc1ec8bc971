// Runs the quick start of the README with a token, a wallet and a scope of the stack.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { generateKeyPairSigner, type Address } from "@solana/kit";

import type { Bauta } from "../../src/index.ts";
import { until, type Stack } from "./stack.ts";

const PROGRAM = "quick-start.ts";

/** What the quick start runs with. */
export interface Deployment {
  readonly stack: Stack;
  readonly bauta: Bauta;
  readonly tag: Uint8Array;
  readonly registry: Address;
}

/**
 * Runs the quick start in a process of its own, and checks that it verifies a proof and ends.
 * `build` returns the path of the program that Node.js runs. It is called in a folder from which
 * the packages are found. Without `wasm`, the built program finds the modules of the prover itself.
 */
export async function runQuickStart(
  { stack, bauta, tag, registry }: Deployment,
  build: (folder: string, program: string) => Promise<string>,
  wasm?: URL,
): Promise<void> {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const code = /## Quick start[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const wallet = await stack.wallet(key);
  const [asset, scope] = [await stack.token(registry, wallet.address), await stack.scope(registry)];
  await stack.known(`/v1/scopes/${scope}`);
  await until(async () => (await bauta.eligible(registry, wallet.address)).length === 1, "the token is eligible");
  const recipient = (await generateKeyPairSigner()).address;
  const addresses = `
    import { address, createKeyPairSignerFromPrivateKeyBytes } from "@solana/kit";
    export const API = ${JSON.stringify(stack.api)};
    export const ASSET = address("${asset}");
    export const CLUSTER = { tag: Uint8Array.of(${tag.join()}) };
    export const KEY = { sha256: "${stack.webKey}" };
    export const OWNER = await createKeyPairSignerFromPrivateKeyBytes(Uint8Array.of(${key.join()}));
    export const RECIPIENT = address("${recipient}");
    export const REGISTRY = address("${registry}");
    export const RPCS = ${JSON.stringify(stack.rpcUrl)};
    export const SCOPE = address("${scope}");
    export const WASM = ${wasm ? JSON.stringify(wasm.href) : "undefined"};
  `;
  const folder = mkdtempSync(fileURLToPath(new URL("../../quick-start-", import.meta.url)));
  try {
    writeFileSync(join(folder, "addresses.ts"), addresses);
    writeFileSync(join(folder, PROGRAM), code);
    const program = await build(folder, PROGRAM);
    // A built program has the parts for pages. Kit requires that the page was loaded over HTTPS.
    const page = "data:text/javascript,globalThis.isSecureContext=true";
    const loader = ["--import", program.endsWith(".ts") ? "tsx" : page];
    const run = promisify(execFile)(process.execPath, [...loader, program], { cwd: folder });
    assert.match((await run).stdout, /verified in [1-9A-HJ-NP-Za-km-z]{80,90}/);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
