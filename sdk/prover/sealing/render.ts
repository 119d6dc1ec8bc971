// Renders the files that `npm run generate` writes.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

export const PACKAGE = new URL("../", import.meta.url);

/** Returns the contents of the generated files by their paths in the package. */
export async function render(): Promise<ReadonlyMap<string, string>> {
  const worker = readFileSync(new URL("../../tools/wasm-prover/worker.js", PACKAGE), "utf8");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("sealing.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    write: false,
  });
  const sealing = outputFiles[0]!.text;
  return new Map([
    ["src/worker-source.ts", `// Generated: tools/wasm-prover/worker.js.\n\nexport const WORKER_SOURCE: string = ${JSON.stringify(worker)};\n`],
    ["src/sealing-source.ts", `// Generated: sealing/sealing.ts.\n\nexport const SEALING_SOURCE: string = ${JSON.stringify(sealing)};\n`],
    ["assets/worker.js", worker],
    ["assets/sealing-worker.js", `${worker}${sealing}`],
  ]);
}
