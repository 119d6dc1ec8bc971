import { address, type Address } from "@solana/kit";

import { BautaError } from "./error.js";
import type { Service } from "./http.js";

/** Returns a wallet of the relay, drawn at random. */
export async function drawRelayer(api: Service, signal?: AbortSignal): Promise<Address> {
  const answer = await api.json({ path: "/v1/relay", route: "/v1/relay", shows: [], signal });
  const relayers = answer.values("relayers", address);
  if (relayers.length === 0) {
    throw new BautaError("no-relayer", "no wallet of the relay can pay now", 'Retry later, or prove with relayer: "any".');
  }
  return relayers[crypto.getRandomValues(new Uint32Array(1))[0]! % relayers.length]!;
}
