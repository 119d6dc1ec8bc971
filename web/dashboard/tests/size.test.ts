// What a browser loads.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const MAX_BYTES = 90_000;

test("the built page has at most 90 KB, and names no other host", () => {
  const dist = new URL("../dist/", import.meta.url);
  const paths = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => /\.\w+$/.test(path));
  assert(paths.some((path) => path.endsWith(".js")), "run `npm run build` first");
  const total = paths.reduce((sum, path) => sum + gzipSync(readFileSync(new URL(path, dist))).length, 0);
  assert(total <= MAX_BYTES, `the files have ${total} bytes after gzip, and the limit is ${MAX_BYTES}`);
  const page = readFileSync(new URL("index.html", dist), "utf8");
  assert.doesNotMatch(page, /https?:\/\//);
});
