import { BautaError } from "./error.js";

/** Waits for a part of the package that is loaded when it is needed, and names its failure. */
export async function loaded<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (cause) {
    throw notLoaded(`a part of the SDK can't be loaded: ${String(cause)}`, "Reload the page.", cause);
  }
}

/** Creates the error for code that can't be loaded. */
export function notLoaded(reason: string, remedy: string, cause: unknown): BautaError {
  return new BautaError("code-not-loaded", reason, remedy, { cause });
}
