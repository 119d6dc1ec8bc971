/**
 * Makes and verifies proofs of Bauta in a worker, in browsers and in Node.js.
 *
 * @packageDocumentation
 */

export { ProverError } from "./error.js";
export {
  createProver,
  type Build,
  type EntrySecret,
  type Prover,
  type ProverOptions,
  type ProvingKey,
  type SealedMaster,
  type SealRequest,
  type WorkerLike,
} from "./prover.js";
