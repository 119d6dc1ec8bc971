import { isSolanaError, SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM, type Address } from "@solana/kit";

import { BAUTA_ERRORS, type BautaError } from "./generated/errors/bauta.js";
import { BAUTA_PROGRAM_ADDRESS } from "./generated/programs/index.js";

/**
 * A custom error of an instruction of the program: of the program, of Anchor's checks, or of the
 * system program.
 */
export interface ProgramError {
  /** The custom error code. */
  readonly code: number;
  /**
   * The error's name in the IDL. The name in `SystemError` for the codes 0 and 1, `System` for
   * other codes below 100, `Anchor` for other codes below 6000, and `Unknown` for codes that this
   * client doesn't know.
   */
  readonly name: string;
  /** The error message. */
  readonly message: string;
}

/**
 * Describes a custom error code of an instruction of the program.
 *
 * If a consumer program calls the program, the runtime reports this program's code as an error of
 * the consumer program. Callers must distinguish this case.
 */
export function describeErrorCode(code: number): ProgramError {
  const [name, message] = isErrorCode(code) ? BAUTA_ERRORS[code] : foreign(code);
  return { code, name, message };
}

/**
 * Returns the error of the program for which a transaction failed, or `undefined` if no instruction
 * of the program failed with a custom code.
 *
 * @param error What sending or simulating the transaction threw.
 * @param transactionMessage The message of the transaction.
 */
export function programErrorOf(
  error: unknown,
  transactionMessage: { instructions: Record<number, { programAddress: Address }> },
): ProgramError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!isSolanaError(cause, SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM)) continue;
    const { code, index } = cause.context;
    const program = transactionMessage.instructions[index]?.programAddress;
    return program === BAUTA_PROGRAM_ADDRESS ? describeErrorCode(Number(code)) : undefined;
  }
  return undefined;
}

function isErrorCode(code: number): code is BautaError {
  return Object.hasOwn(BAUTA_ERRORS, code);
}

/** Returns the name and the message of a code that is not one of the program. */
function foreign(code: number): readonly [name: string, message: string] {
  if (code === 0) {
    return ["AccountAlreadyInUse", "the system program refused to create an account: it already exists"];
  }
  if (code === 1) {
    return [
      "ResultWithNegativeLamports",
      "the system program refused a transfer: the payer has fewer lamports than the rent of the new account",
    ];
  }
  if (code < 100) {
    return ["System", "the system program refused to create an account; see the code in its table of errors"];
  }
  if (code < 6000) {
    return ["Anchor", "an account or argument failed a check of Anchor; see the code in Anchor's table of errors"];
  }
  return ["Unknown", "the error is unknown: update the client"];
}
