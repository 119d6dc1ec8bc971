/**
 * A client of the Bauta program for Solana Kit.
 *
 * The instruction builders, addresses, accounts and events are generated from the program's IDL.
 *
 * @packageDocumentation
 */

export { findCircuitPdaOf, type CircuitRegistration } from "./circuit.js";
export { BautaClientError, type BautaClientErrorCode } from "./client-error.js";
export { describeErrorCode, programErrorOf, type ProgramError } from "./errors.js";
export { decodeEvent, eventsOfTransaction, type InnerInstruction, type TransactionWithResults } from "./events.js";
export * from "./generated/index.js";
export { decodeVerification, type Verification } from "./verification.js";
