/** What is wrong with data from the chain. */
export type BautaClientErrorCode =
  /** The account has an owner other than the program. */
  | "foreign-account"
  /** The account does not have the length of accounts of its kind. */
  | "account-length"
  /** The program emitted an event that this client doesn't know. */
  | "unknown-event"
  /** The data of an event can't be decoded. */
  | "malformed-event"
  /** The node did not record the inner instructions of the transaction. */
  | "no-inner-instructions"
  /** The return data is not that of `verify`. */
  | "return-data";

/** An error in data from the chain. */
export class BautaClientError extends Error {
  override readonly name = "BautaClientError";

  constructor(
    readonly code: BautaClientErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
