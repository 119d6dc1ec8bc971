// Measures the time from the wallet to the confirmed verification: `npm run timing -- VISITS`, with
// BAUTA_WEB_URL. Prints the medians in milliseconds as JSON.

import { launch, Visitor } from "./visitor.ts";

const visits = Number(process.argv[2]);
if (!(visits > 0)) throw new Error("give the number of visits");
const times = { registered_ms: [] as number[], verified_ms: [] as number[], both_ms: [] as number[] };
const browser = await launch();
for (let visit = 0; visit < visits; visit++) {
  const visitor = await Visitor.open(browser);
  await visitor.connect();
  await visitor.getToken("Metaplex Core");
  const start = performance.now();
  await visitor.register();
  const registered = performance.now();
  await visitor.prove();
  const verified = performance.now();
  times.registered_ms.push(registered - start);
  times.verified_ms.push(verified - registered);
  times.both_ms.push(verified - start);
  await visitor.context.close();
}
await browser.close();
const median = (values: number[]) => Math.round(values.sort((x, y) => x - y)[values.length >> 1]!);
console.log(JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))));
