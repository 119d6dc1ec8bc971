/** What went wrong. */
export type BautaCode =
  /** The API does not answer. */
  | "api-unreachable"
  /** The API answered with an error. */
  | "api-refused"
  /** The API has no such tile. */
  | "unknown-tile"
  /** The API served a tile that does not belong to the root. */
  | "false-tile";

/** An error of the SDK. */
export class BautaError extends Error {
  override readonly name = "BautaError";

  constructor(
    readonly code: BautaCode,
    message: string,
    /** What the user or the dApp can do. */
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
