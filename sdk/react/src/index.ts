/**
 * React hooks for `@bauta/sdk`, and a component for prover services.
 *
 * @packageDocumentation
 */

export { BautaProvider, useBauta } from "./context.js";
export { useLoaded, type Loaded, type Reloadable } from "./loaded.js";
export { ProofPipelineUI, type ProofPipelineProps } from "./pipeline.js";
export { ProofPriority } from "./priority.js";
export { useMembership, useScope } from "./reads.js";
export { useProve, type Proving } from "./prove.js";
