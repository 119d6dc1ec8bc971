// Compiles the quick start of the README against the built package. tests/stack runs it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
const OPTIONS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--lib", "es2022,dom"];
const MODULES = ["--module", "nodenext", "--moduleResolution", "nodenext"];

const ADDRESSES = `
  import type { Address, TransactionSigner } from "@solana/kit";
  import type { Cluster, Prover, ProvingKey } from "@bauta/sdk";
  export declare const API: string, PROVER: Prover, RELAY: string, WASM: string, RPCS: readonly string[];
  export declare const CLUSTER: Cluster, KEY: ProvingKey, OWNER: TransactionSigner;
  export declare const ASSET: Address, RECIPIENT: Address, REGISTRY: Address, SCOPE: Address;
`;

test("the quick start and the example with a relay compile with the types of the package", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [code, ohttp] = ["Quick start", "Oblivious HTTP"].map((heading) => new RegExp(`## ${heading}[^]*?\`\`\`ts\n([^]*?)\`\`\``).exec(readme)?.[1]);
  assert.ok(code && ohttp);
  const folder = mkdtempSync(fileURLToPath(new URL("../quick-start-", import.meta.url)));
  const compile = () => promisify(execFile)(tsc, [...OPTIONS, ...MODULES, join(folder, "quick-start.ts")]);
  try {
    writeFileSync(join(folder, "addresses.ts"), ADDRESSES);
    writeFileSync(join(folder, "quick-start.ts"), code);
    await compile();
    writeFileSync(join(folder, "quick-start.ts"), ohttp);
    await compile();
    writeFileSync(join(folder, "quick-start.ts"), code.replace("scope, recipient", "recipient"));
    await assert.rejects(compile(), ({ stdout }: { stdout: string }) => /'scope' is missing/.test(stdout));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
