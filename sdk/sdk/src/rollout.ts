// The part of the clients that an operator has opened proofs and relays for: docs/api-service.md,
// Feature flags.

import { Refusal, type Reader, type Service, type ServiceRequest } from "./http.js";
import { loaded } from "./parts.js";
import type { Vault } from "./vault.js";

/**
 * Sends a request that the flags of the service can refuse. If it is open for a part of the clients,
 * and this client belongs to them, the request is sent again with the client's percentile. It is one
 * of 100 values. Without a rollout, no request has it.
 */
export async function duringRollout(api: Service, vault: Vault, request: ServiceRequest): Promise<Reader> {
  try {
    return await api.json(request);
  } catch (error) {
    if (!(error instanceof Refusal && error.problem === "not_in_rollout")) throw error;
  }
  const { percentileIn } = await loaded(import("./percentile.js"));
  const percentile = await percentileIn(api, vault, request.signal);
  const fields = { "bauta-rollout": String(percentile) };
  return api.json({ ...request, fields, shows: [...request.shows, "rollout percentile"] });
}
