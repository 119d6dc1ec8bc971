/**
 * Svelte stores for `@bauta/sdk`.
 *
 * @packageDocumentation
 */

export { useJob, type Job, type JobProgress } from "./job.js";
export { loaded, type Loaded, type Reloadable } from "./loaded.js";
export {
  connectProver,
  performanceProfiler,
  ProofPriority,
  ProverError,
  workerPool,
  type ProfileOptions,
  type ProfileReport,
  type ProofTask,
  type ProverAddress,
  type WorkerPoolStats,
  type WorkerRegistration,
} from "./pipeline.js";
export { useProve, type Proving, type ProvingState } from "./prove.js";
export { useMembership, useScope } from "./reads.js";
