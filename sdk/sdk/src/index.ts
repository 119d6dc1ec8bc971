/**
 * The values and the trees of Bauta's protocol.
 *
 * @packageDocumentation
 */

export { BautaError, type BautaCode } from "./error.js";
export { field, fieldFromBytes, fieldFromHex, fieldToBytes, fieldToHex, MODULUS, type Field } from "./field.js";
export { MAX_INPUTS, poseidon } from "./poseidon.js";
export {
  attributesOfTrack,
  claimWithAuxiliaryRoot,
  commitmentOf,
  contextOf,
  deriveSecret,
  digestOf,
  entryIdOf,
  hashToField,
  leafOf,
  nullifierOf,
  scopeElement,
  type PublicInputs,
  type VerificationContext,
} from "./protocol.js";
export { readPath, type Membership } from "./tiles.js";
export { emptySubtree, parentOf, rootOfPath, type Depth, type Siblings } from "./tree.js";
