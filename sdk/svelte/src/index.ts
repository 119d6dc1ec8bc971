/**
 * Svelte stores for `@bauta/sdk`.
 *
 * @packageDocumentation
 */

export { useJob, type Job, type JobProgress } from "./job.js";
export { loaded, type Loaded, type Reloadable } from "./loaded.js";
export { useProve, type Proving, type ProvingState } from "./prove.js";
export { useMembership, useScope } from "./reads.js";
