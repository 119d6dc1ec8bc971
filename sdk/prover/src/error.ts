/** An error of the prover: of a worker, of a module, or of the statement that is to be proved. */
export class ProverError extends Error {
  override readonly name = "ProverError";
}

/** Creates the error for a failure. */
export function failed(reason: string): ProverError {
  return new ProverError(`the prover failed: ${reason}`);
}
