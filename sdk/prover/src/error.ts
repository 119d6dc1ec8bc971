/** An error of the prover: of a worker, of a module, or of the statement that is to be proved. */
export class ProverError extends Error {
  override readonly name = "ProverError";

  constructor(
    message: string,
    /** `not-loaded` if the code of the prover, a module or a worker can't be loaded. */
    readonly code: "failed" | "not-loaded" = "failed",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Creates the error for a failure. */
export function failed(reason: string): ProverError {
  return new ProverError(`the prover failed: ${reason}`);
}

/** Creates the error for a part of the prover that can't be loaded. */
export function notLoaded(part: string, cause: unknown): ProverError {
  return new ProverError(`${part} can't be loaded: ${String(cause)}`, "not-loaded", { cause });
}
