// Compares the checked-in client with the one that the IDL gives.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { GENERATED, render } from "../codama/render.ts";

test("the checked-in client is the one that the IDL gives", async () => {
  const expected = await render();
  const files = readdirSync(GENERATED, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(GENERATED.pathname.length).replace(/^\//, ""));
  const stale = [...new Set([...files, ...expected.keys()])].filter((path) => {
    return !files.includes(path) || readFileSync(new URL(path, GENERATED), "utf8") !== expected.get(path);
  });
  assert.deepEqual(stale, [], "these files do not belong to the IDL: run `npm run generate` in the folder sdk");
});
