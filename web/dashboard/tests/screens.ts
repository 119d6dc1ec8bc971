// Takes the pictures of the dashboard that docs/ has: `npm run screens`, with a running deployment.
// With a folder as argument, it takes a picture of each page in each form there instead.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";

import { chromium } from "playwright-core";

import { toWebP } from "../../shared/webp.ts";
import { DASHBOARD as url, owner, requestProofs, visitDemo } from "./deployment.ts";
import { Operator, PAGES } from "./operator.ts";
import { furnish } from "./furnish.ts";

const MAX_BYTES = 150_000;
/** The number of uses from which the API shows the count of an hour. */
const VISITS = 11;
/** The forms of the pages. `shown` are those that docs/ has. */
const FORMS = [
  { scheme: "light", width: 1280, shown: ["overview", "registries", "webhooks"] },
  { scheme: "dark", width: 1280, shown: ["proofs", "scopes", "relay", "audit"] },
  { scheme: "dark", width: 320, shown: ["overview"] },
  { scheme: "light", width: 320, shown: [] },
] as const;

const [folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const converter = await browser.newPage();
if (!folder) await visitDemo(browser, VISITS);
const stop = await furnish(browser);

for (const { scheme, width, shown } of FORMS) {
  const pages: readonly (typeof PAGES)[number][] = folder ? PAGES : shown;
  if (pages.length === 0) continue;
  const operator = await Operator.open(browser, url, owner(), { scheme, width, height: width === 320 ? 700 : 860 });
  if (folder) await writeFile(`${folder}/login-${scheme}-${width}.png`, await operator.page.screenshot());
  await operator.button("Log in with Example wallet").click();
  await operator.page.getByText("Live", { exact: true }).waitFor();
  for (const path of pages) {
    await operator.page.goto(`${url}#/${path}`);
    await operator.page.locator("section.card tbody tr, section.card .figure, section.card .none").first().waitFor();
    if (path === "proofs") {
      await operator.card("Profiling").getByLabel("Proofs on").selectOption("both");
      await operator.button("Measure").click();
      await operator.card("Profiling").locator("tbody tr").first().waitFor();
    }
    if (path === "audit") await operator.card("Chain of hashes").getByText("right", { exact: true }).waitFor();
    if (path === "overview") await visitDemo(browser);
    // Jobs run while the picture is taken, and the plot of the load has some samples.
    if (path === "overview" || path === "proofs") await requestProofs(40);
    await operator.page.waitForTimeout(path === "overview" ? 6_000 : 2_500);
    await operator.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const picture = await operator.page.screenshot({ fullPage: Boolean(folder) || width > 320, animations: "disabled" });
    if (folder) {
      await writeFile(`${folder}/${path}-${scheme}-${width}.png`, picture);
      continue;
    }
    const small = await toWebP(converter, picture);
    assert(small.length <= MAX_BYTES, `the picture has ${small.length} bytes, and the limit is ${MAX_BYTES}`);
    await writeFile(new URL(`../../../docs/images/dashboard-${path}-${scheme}-${width}.webp`, import.meta.url), small);
  }
  await operator.leave();
}
await stop();
await browser.close();
