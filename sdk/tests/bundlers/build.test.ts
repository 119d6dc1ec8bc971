// Builds the examples of the packages with webpack and with Turbopack, without configuration:
// `cargo xtask drill bundlers`, which builds the packages before.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import webpack from "webpack";

const PROVER = "https://prover.example";
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const modules = ["baseline.wasm", "fused.wasm"].map((name) => readFileSync(here(`../../prover/assets/${name}`)));

let folder: string;
before(() => void (folder = mkdtempSync(here("example-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Returns the code after a heading of a package's README. */
function example(readme: string, heading: string): string {
  const [, rest] = readFileSync(here(`../../${readme}/README.md`), "utf8").split(heading);
  const code = /```ts\n([\s\S]*?)```/.exec(rest ?? "")?.[1];
  assert(code, `${readme}: ${heading}`);
  return code;
}

/** Writes the quick start of @bauta/sdk as a module of a page. */
function writeQuickStart(to: string): void {
  write(join(to, "quick-start.js"), example("sdk", "## Quick start"));
  const any = `address("So11111111111111111111111111111111111111112")`;
  write(
    join(to, "addresses.js"),
    `import { address } from "@solana/kit";
    import { connectWallet } from "@bauta/sdk";
    export const API = "https://api.example", CLUSTER = "devnet", RPCS = ["https://node.example"];
    export const KEY = { sha256: "${"0".repeat(64)}" }, WASM = undefined;
    export const ASSET = ${any}, RECIPIENT = ${any}, REGISTRY = ${any}, SCOPE = ${any};
    export const OWNER = await connectWallet();`,
  );
}

/** Returns the files in a folder of the example. */
function files(path: string): string[] {
  const at = join(folder, path);
  const found = readdirSync(at, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Checks that a build has both modules of the prover as files of their own. */
function checkModules(path: string): void {
  const copies = files(path).filter((file) => file.endsWith(".wasm"));
  for (const module of modules) {
    assert(copies.some((file) => readFileSync(file).equals(module)), `a module is missing: ${copies.join()}`);
  }
}

test("webpack builds the quick start, and copies the modules of the prover", async () => {
  writeQuickStart("webpack");
  const stats = await promisify<webpack.Configuration, webpack.Stats | undefined>(webpack)({
    mode: "production",
    context: join(folder, "webpack"),
    entry: "./quick-start.js",
    output: { path: join(folder, "webpack/dist") },
  });
  const { errors, warnings } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
  assert.deepEqual(errors, []);
  assert.deepEqual(warnings?.filter(({ message }) => !/size limit|performance recommendations/.test(message)), []);
  checkModules("webpack/dist");
});

test("Turbopack builds a page of Next.js with the quick start, and one that reads NEXT_PUBLIC_PROVER_URL", async () => {
  writeQuickStart("next/app");
  write("next/package.json", JSON.stringify({ private: true, type: "module" }));
  // The packages are outside of the page's folder.
  write("next/next.config.mjs", `export default { turbopack: { root: ${JSON.stringify(here("../.."))} } };`);
  write("next/app/layout.jsx", "export default ({ children }) => <html><body>{children}</body></html>;");
  write(
    "next/app/page.jsx",
    `"use client";
    export default () => <button onClick={() => import("./quick-start.js")}>Prove</button>;`,
  );
  write("next/app/prover/page.ts", example("react", "In a page of Next.js:"));
  const env = { ...process.env, NODE_ENV: "production", NEXT_PUBLIC_PROVER_URL: PROVER, NEXT_TELEMETRY_DISABLED: "1" };
  await promisify(execFile)(here("node_modules/.bin/next"), ["build"], { cwd: join(folder, "next"), env });
  checkModules("next/.next/static");
  // The page is rendered when it is built. A browser gets the URL as a property of the component.
  const rendered = files("next/.next/server/app").filter((file) => /prover[^/]*\.(html|rsc)$/.test(file));
  assert(rendered.length > 0, "Next.js did not render the page");
  for (const file of rendered) assert(readFileSync(file, "utf8").includes(PROVER), file);
});
