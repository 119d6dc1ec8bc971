// Builds a program that uses the package, as dApps build theirs.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { build as esbuild } from "esbuild";
import { build as vite } from "vite";

import { MODULES } from "./stack.ts";

/** Builds a program with esbuild. Returns the path of the built one. */
export async function builtByEsbuild(folder: string, program: string): Promise<string> {
  const { warnings } = await esbuild({
    absWorkingDir: folder,
    entryPoints: [program],
    bundle: true,
    splitting: true,
    format: "esm",
    outdir: "built",
    logLevel: "silent",
  });
  assert.deepEqual(warnings, []);
  return join(folder, "built", program.replace(/ts$/, "js"));
}

/** Builds a program with Vite, which also copies the modules of the prover. */
export async function builtByVite(folder: string, program: string): Promise<string> {
  await vite({
    root: folder,
    base: "./",
    configFile: false,
    logLevel: "error",
    build: {
      target: "es2022",
      // Node.js runs the result, so no code may need a document.
      modulePreload: false,
      rollupOptions: { input: join(folder, program), output: { entryFileNames: "[name].js" } },
    },
  });
  const built = join(folder, "dist");
  const paths = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".wasm"));
  const copies = paths.map((path) => readFileSync(join(built, path)));
  for (const name of ["baseline", "fused"]) {
    const module = readFileSync(new URL(`${MODULES}/${name}.wasm`));
    assert(copies.some((copy) => copy.equals(module)), `Vite did not copy ${name}.wasm: ${paths.join()}`);
  }
  return join(built, program.replace(/ts$/, "js"));
}
