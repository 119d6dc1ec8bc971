// Tests a package as it is published.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const run = promisify(execFile);
const tool = (name: string) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));

/**
 * A part of a package that a page loads: the exported names, and the limit of its size in bytes
 * after gzip.
 */
export interface SizeLimit {
  readonly names: string;
  readonly bytes: number;
  /** The limit of all files that a page loads, also those that it loads when it needs them. */
  readonly all?: {
    readonly bytes: number;
    /** The names of the lazy files that the page never needs. */
    readonly without: readonly string[];
    /** Whether Kit counts, which is not a part of the package. */
    readonly withKit?: boolean;
  };
}

/** Defines the tests of the package in a folder of the workspace, which can have more files. */
export function testPackage(name: string, limits: readonly SizeLimit[], more: readonly string[] = []): void {
  const PACKAGE = fileURLToPath(new URL(`../${name}/`, import.meta.url));
  const API = join(PACKAGE, "tests/api.d.ts");
  let folder: string;
  let archive: string;
  let files: string[];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "bauta-package-"));
    const packed = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: PACKAGE });
    const [description] = JSON.parse(packed.stdout);
    archive = join(folder, description.filename);
    files = description.files.map(({ path }: { path: string }) => path).sort();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("the package has its code, types, licence and README, and nothing else", () => {
    const built = files.filter((path) => path.startsWith("dist/"));
    assert.deepEqual(
      files.filter((path) => !built.includes(path)),
      ["LICENSE", "README.md", ...more, "package.json"],
    );
    assert.ok(built.includes("dist/index.js") && built.includes("dist/index.d.ts"));
    assert.ok(built.every((path) => /\.(js|d\.ts)$/.test(path)), built.join());
    const code = built.filter((path) => path.endsWith(".js")).map((path) => path.replace(/\.js$/, ".d.ts"));
    assert.deepEqual(code, built.filter((path) => path.endsWith(".d.ts")));
  });

  test("the licence is the project's", () => {
    const root = readFileSync(new URL("../../LICENSE", import.meta.url));
    assert.ok(readFileSync(join(PACKAGE, "LICENSE")).equals(root));
  });

  test("publint finds no problem", async () => {
    await run(tool("publint"), ["--strict", archive], { cwd: PACKAGE });
  });

  test("the types are found by every resolution of an ES module", async () => {
    await run(tool("attw"), [archive, "--profile", "esm-only", "--no-emoji", "--no-color"], { cwd: PACKAGE });
  });

  test("the public interface is the recorded one", () => {
    const dist = join(PACKAGE, "dist");
    const paths = readdirSync(dist, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".d.ts"))
      // The checked-in sources record these.
      .filter((path) => !path.startsWith("generated/"));
    const found = paths
      .sort()
      .map((path) => `// ${path}\n${withoutComments(readFileSync(join(dist, path), "utf8"))}`)
      .join("\n");
    if (process.env["BAUTA_UPDATE_API"]) writeFileSync(API, found);
    const recorded = readFileSync(API, "utf8");
    assert.ok(found === recorded, "the public interface changed: compare with `BAUTA_UPDATE_API=1 npm test` in sdk");
  });

  test("a page loads the package without globals of Node.js, and within its limits of size", async () => {
    for (const { names, bytes, all } of [{ names: "*", bytes: Infinity } as SizeLimit, ...limits]) {
      const exported = names === "*" ? "*" : `{ ${names} }`;
      const contents = `export ${exported} from "@bauta/${name}"`;
      const code = (await bundle(PACKAGE, contents)).join("\n");
      assert.doesNotMatch(code, /\bprocess\.env|\bBuffer\b|\brequire\(/);
      const size = gzipSync(code).length;
      assert.ok(size <= bytes, `${names}: ${size} bytes`);
      if (!all) continue;
      // A server compresses each file.
      const sizes = (await bundle(PACKAGE, contents, all)).map((file) => gzipSync(file).length);
      const sum = sizes.reduce((total, length) => total + length, 0);
      assert.ok(sum <= all.bytes, `${names} with its lazy files: ${sum} bytes`);
    }
  });
}

/**
 * Bundles code that uses the built package, without Kit and the framework, which dApps have.
 * Returns the files that a page loads at first. With `all`, it also returns those that the package
 * imports when it needs them.
 */
async function bundle(folder: string, contents: string, all?: SizeLimit["all"]): Promise<string[]> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder },
    external: [...(all?.withKit ? [] : ["@solana/kit", "@solana/kit/*"]), "react", "svelte/*"],
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    outdir: "/bundle",
    absWorkingDir: "/",
    metafile: true,
    write: false,
  });
  // Lazy parts are entry points as well. The first one is the code above.
  const [entry] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === "<stdin>")!;
  const loaded = new Set([entry]);
  const skipped = new Set<string>();
  const isSkipped = (path: string) => {
    const name = all?.without.find((name) => metafile.outputs[path]!.entryPoint?.endsWith(`/${name}.js`));
    if (name !== undefined) skipped.add(name);
    return name !== undefined;
  };
  for (const path of loaded) {
    for (const { path: imported, kind } of metafile.outputs[path]!.imports) {
      if (!metafile.outputs[imported] || (kind === "dynamic-import" && (!all || isSkipped(imported)))) continue;
      loaded.add(imported);
    }
  }
  assert.deepEqual([...skipped].sort(), [...(all?.without ?? [])].sort());
  return outputFiles.filter(({ path }) => loaded.has(path.slice(1))).map(({ text }) => text);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*\*[\s\S]*?\*\//g, "").replace(/\n\s*\n+/g, "\n").trimStart();
}
