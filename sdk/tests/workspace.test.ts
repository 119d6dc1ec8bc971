// Tests what the packages share: versions, releases and the reference.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
const tool = (name: string) => join(ROOT, "node_modules/.bin", name);
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

const workspace = manifest(ROOT);
const packages: string[] = workspace.workspaces;

async function inTemporaryFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bauta-sdk-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("every development dependency has an exact version", () => {
  for (const { name, devDependencies = {}, overrides = {} } of [workspace, ...packages.map((path) => manifest(join(ROOT, path)))]) {
    for (const [dependency, version] of Object.entries({ ...devDependencies, ...overrides })) {
      assert.match(String(version), /^\d+\.\d+\.\d+$/, `${name}: ${dependency}`);
    }
  }
});

test("a package with provenance names its repository and its folder", () => {
  // npm refuses a package with provenance and without them.
  for (const path of packages) {
    const { name, publishConfig, repository } = manifest(join(ROOT, path));
    assert.equal(publishConfig.access, "public", name);
    assert.ok(!publishConfig.provenance || (repository?.url && repository.directory === `sdk/${path}`), name);
  }
});

test("a release gives all packages the same version and writes their changelogs", async () => {
  await inTemporaryFolder(async (folder) => {
    for (const path of ["package.json", ".changeset", ...packages.map((path) => join(path, "package.json"))]) {
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await run(tool("changeset"), ["version"], { cwd: folder });
    const released = packages.map((path) => manifest(join(folder, path)).version);
    assert.equal(new Set(released).size, 1, released.join());
    assert.notEqual(released[0], manifest(join(ROOT, packages[0]!)).version);
    for (const path of packages) {
      assert.match(readFileSync(join(folder, path, "CHANGELOG.md"), "utf8"), new RegExp(`## ${released[0]}`));
    }
  });
});

test("the reference of the packages is complete and has no broken link", async () => {
  await inTemporaryFolder(async (folder) => {
    await run(tool("typedoc"), ["--out", folder], { cwd: ROOT });
    for (const path of packages) {
      const { name } = manifest(join(ROOT, path));
      assert.ok(readFileSync(join(folder, "index.html"), "utf8").includes(name), name);
    }
  });
});
