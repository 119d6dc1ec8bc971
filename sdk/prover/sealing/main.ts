// Writes the generated files: `npm run generate`.

import { writeFileSync } from "node:fs";

import { PACKAGE, render } from "./render.ts";

for (const [path, text] of await render()) writeFileSync(new URL(path, PACKAGE), text);
