// Writes `src/generated` from the program's IDL: `npm run generate`.

import { generate } from "./render.ts";

await generate();
