// Takes the pictures of the dashboard that docs/ has: `npm run screens`, with a running deployment.
// With a folder as argument, it takes a picture of each page there instead.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";

import { chromium } from "playwright-core";

import { DASHBOARD as url, owner, requestProofs, visitDemo } from "./deployment.ts";
import { Operator, PAGES } from "./operator.ts";

const MAX_BYTES = 150_000;
/** The number of uses from which the API shows the count of an hour. */
const VISITS = 11;

const [folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const converter = await browser.newPage();

/** Converts a PNG to WebP, which is a third as long. */
async function toWebP(png: Buffer): Promise<Buffer> {
  const bytes = await converter.evaluate(async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext("2d")!.drawImage(image, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.86 });
    return Array.from(new Uint8Array(await blob.arrayBuffer()));
  }, `data:image/png;base64,${png.toString("base64")}`);
  return Buffer.from(bytes);
}

if (!folder) await visitDemo(browser, VISITS);
for (const { scheme, width, shown } of [
  { scheme: "light", width: 1280, shown: folder ? PAGES : (["overview", "registries"] as const) },
  { scheme: "dark", width: 1280, shown: folder ? PAGES : (["relay"] as const) },
  { scheme: "dark", width: 320, shown: folder ? PAGES : (["overview"] as const) },
] as const) {
  const operator = await Operator.open(browser, url, owner(), { scheme, width, height: width === 320 ? 700 : 860 });
  if (folder) await writeFile(`${folder}/login-${scheme}-${width}.png`, await operator.page.screenshot());
  await operator.button("Log in with Example wallet").click();
  await operator.page.getByText("Live", { exact: true }).waitFor();
  if (!folder) await visitDemo(browser);
  for (const path of shown) {
    if (path === "overview" || path === "proofs") await requestProofs(40);
    await operator.page.goto(`${url}#/${path}`);
    await operator.page.locator("section.card tbody tr, section.card .figure, section.card .none").first().waitFor();
    // The poll of a plot needs some samples, and an event needs the next block.
    if (path === "overview" && !folder) await operator.card("Live events").locator("tbody tr").first().waitFor();
    await operator.page.waitForTimeout(4_000);
    const picture = await operator.page.screenshot({ fullPage: Boolean(folder) || width > 320, animations: "disabled" });
    if (folder) {
      await writeFile(`${folder}/${path}-${scheme}-${width}.png`, picture);
      continue;
    }
    const small = await toWebP(picture);
    assert(small.length <= MAX_BYTES, `the picture has ${small.length} bytes, and the limit is ${MAX_BYTES}`);
    await writeFile(new URL(`../../../docs/images/dashboard-${path}-${scheme}-${width}.webp`, import.meta.url), small);
  }
  await operator.leave();
}
await browser.close();
