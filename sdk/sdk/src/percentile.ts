// The percentile of a client: docs/api-service.md, Feature flags.

import { fromHex, sha256 } from "./bytes.js";
import { BautaError } from "./error.js";
import { concat, type Service } from "./http.js";
import { random } from "./sealing.js";
import type { Vault } from "./vault.js";

const NAME = "rollout";
const NUMBER_BYTES = 16;
const ROUTE = "/feature-flags";

/** Returns the percentile of this client: 0 to 99. Fails if the service is not open for it. */
export async function percentileIn(api: Service, vault: Vault, signal: AbortSignal | undefined): Promise<number> {
  const flags = await api.json({ path: ROUTE, route: ROUTE, shows: [], signal });
  const percentage = flags.count("rollout_percentage");
  const percentile = await percentileOf(await numberIn(vault), flags.value("salt", fromHex));
  if (percentile < percentage) return percentile;
  throw new BautaError(
    "not-in-rollout",
    `the service is open for ${percentage} % of the clients, and this one is not among them`,
    "Retry later, or use another API.",
  );
}

/** Returns the client's random number, which is never sent. */
async function numberIn(vault: Vault): Promise<Uint8Array> {
  const known = await vault.get(NAME);
  if (known instanceof Uint8Array) return known;
  const drawn = random(NUMBER_BYTES);
  await vault.set(NAME, drawn);
  return drawn;
}

/** The first 8 bytes of the hash of the salt and the number, modulo 100. */
async function percentileOf(number: Uint8Array, salt: Uint8Array): Promise<number> {
  const hash = await sha256(concat([salt, number]));
  return Number(new DataView(hash.buffer).getBigUint64(0) % 100n);
}
