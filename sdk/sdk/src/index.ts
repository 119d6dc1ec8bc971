/**
 * Proves memberships of Bauta in browsers and in Node.js.
 *
 * @packageDocumentation
 */

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
} from "@bauta/prover";

export { createBauta, type Bauta, type BautaOptions, type Progress, type ProofRequest, type ScopedProof } from "./bauta.js";
export type { Scope } from "./chain.js";
export type { Cluster } from "./cluster.js";
export type { Delegation } from "./delegation.js";
export type { Disclosure, OnRequest, Shown } from "./disclosure.js";
export { BautaError, type BautaCode } from "./error.js";
export { field, fieldFromBytes, fieldFromHex, fieldToBytes, fieldToHex, MODULUS, type Field } from "./field.js";
export { restoreIdentity, type Identity, type IdentitySource, type Registration, type SignInWallet, type Wrap } from "./identity.js";
export type { Membership, Token } from "./members.js";
export type { TreeReading } from "./paths.js";
export type { ObliviousHttp } from "./ohttp.js";
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
export type { Relayed, RelayState, Use } from "./relay.js";
export { readPath, type TreePath } from "./tiles.js";
export { emptySubtree, parentOf, rootOfPath, type Depth, type Siblings } from "./tree.js";
export { connectWallet, type Wallet, type WalletAccount } from "./wallet.js";
export { browserVault, memoryVault, type Vault } from "./vault.js";
