// Takes the pictures of the demo that docs/ has: `npm run screens`, with BAUTA_WEB_URL.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";

import { toWebP } from "../../shared/webp.ts";
import { launch, Visitor } from "./visitor.ts";

const MAX_BYTES = 150_000;
const browser = await launch();
const converter = await browser.newPage();

for (const scheme of ["light", "dark"] as const) {
  for (const width of [320, 1280]) {
    const visitor = await Visitor.open(browser, { scheme, width });
    await visitor.connect();
    await visitor.getToken("Metaplex Core");
    await visitor.register();
    await visitor.button("Disconnect it").click();
    await visitor.prove();
    await visitor.finality();
    const picture = await toWebP(converter, await visitor.page.screenshot({ fullPage: true, animations: "disabled" }));
    assert(picture.length <= MAX_BYTES, `the picture has ${picture.length} bytes, and the limit is ${MAX_BYTES}`);
    await writeFile(new URL(`../../../docs/images/demo-${scheme}-${width}.webp`, import.meta.url), picture);
    await visitor.leave();
  }
}
await browser.close();
