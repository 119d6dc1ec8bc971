// Uses the generated types as an application does. It is compiled and not run.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/prover-service.js";

type Schemas = components["schemas"];

const client = createClient<paths>({
  baseUrl: "https://prover.example",
  headers: { authorization: "Bearer bauta_…" },
});

/** Requests a proof and waits for it. */
export async function prove(
  inputs: Schemas["OwnershipRequest"],
): Promise<Schemas["ProofDocument"] | string> {
  const { data, error } = await client.POST("/prove", {
    params: { header: { "Idempotency-Key": "1" } },
    body: inputs,
  });
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  if ("job_id" in data) throw new Error("only requests with wait: false become jobs");
  return data.proof;
}

/** Sends a request in the form of earlier systems. */
export async function proveForContract(request: Schemas["ContractRequest"]): Promise<number> {
  const { response } = await client.POST("/prove", { body: request });
  return response.status;
}

/** Verifies a proof. */
export async function verify(answer: Schemas["ProveAnswer"]): Promise<boolean> {
  const { data, error } = await client.POST("/verify", {
    body: { proof: answer.proof.proof, circuitId: answer.proof.metadata.circuit_id, public: answer.public },
  });
  if (error) throw new Error(error.code);
  return data.valid;
}

/** Waits for the end of a job. */
export async function result(id: string): Promise<Schemas["JobDocument"]> {
  const { data, error } = await client.GET("/jobs/{id}", { params: { path: { id } } });
  if (error) throw new Error(error.code);
  return data;
}

// @ts-expect-error A request has exactly one of the three forms.
export const mixed: Schemas["OwnershipRequest"] = { walletHash: "0x", statement: "ownership" };
