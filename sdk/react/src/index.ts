/**
 * React hooks for `@bauta/sdk`.
 *
 * @packageDocumentation
 */

export { BautaProvider, useBauta } from "./context.js";
export { useLoaded, type Loaded, type Reloadable } from "./loaded.js";
export { useMembership, useScope } from "./reads.js";
export { useProve, type Proving } from "./prove.js";
