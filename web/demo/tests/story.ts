// Runs all steps of the page in a browser, and takes a picture of each: `npm run story -- FOLDER`,
// with BAUTA_WEB_URL.

import { join } from "node:path";

import { launch, Visitor } from "./visitor.ts";

const folder = process.argv[2];
if (!folder) throw new Error("name the folder for the pictures");
const browser = await launch();
const visitor = await Visitor.open(browser);
let number = 0;

async function picture(name: string): Promise<void> {
  const path = join(folder!, `${++number}-${name}.png`);
  await visitor.page.screenshot({ path, fullPage: true, animations: "disabled" });
  console.log(path);
}

await visitor.step(3).getByText("live").waitFor();
await picture("start");
await visitor.connect();
await picture("connected");
await visitor.getToken("Metaplex Core");
await picture("token");
await visitor.register();
await picture("registered");
await visitor.button("Disconnect it").click();
await visitor.prove();
await picture("verified");
await visitor.finality();
await visitor.page.locator("summary").click();
await picture("requests");
await visitor.leave();
await browser.close();
