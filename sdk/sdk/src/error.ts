/** What went wrong. */
export type BautaCode =
  /** The API does not answer. */
  | "api-unreachable"
  /** The API answered with an error. */
  | "api-refused"
  /** The API answered with something else than what its description says. */
  | "api-malformed"
  /** The API has no such tile. */
  | "unknown-tile"
  /** The API served a tile that does not belong to the root. */
  | "false-tile"
  /** The API served leaves that do not give the root. */
  | "false-leaves"
  /** The API has not followed the chain as far as the nodes. */
  | "api-behind"
  /** The API named another leaf than the member's own. */
  | "false-membership"
  /** The API says that a relay was executed, and the chain does not. */
  | "false-relay-state"
  /** Too few nodes answer. */
  | "node-unreachable"
  /** The nodes give different answers. */
  | "nodes-disagree"
  /** The nodes are of another cluster than the pinned one, or the program has another tag. */
  | "wrong-cluster"
  /** There is no such account. */
  | "unknown-account"
  /** The account is not what its address says. */
  | "false-account"
  /** The scope's element is not the one of the pinned cluster and of the scope's address. */
  | "false-scope"
  /** The circuit's verifying key or its metadata do not belong to its address. */
  | "false-circuit"
  /** Anyone can forge proofs of the circuit's key, which is not allowed on this cluster. */
  | "development-key"
  /** This version can't prove the circuit's statement. */
  | "unknown-statement"
  /** The wallet does not hold the asset. */
  | "asset-not-held"
  /** The asset belongs to no collection of the registry. */
  | "not-in-collection"
  /** The scope does not accept verifications now. */
  | "scope-not-open"
  /** The scope accepts only another claim. */
  | "other-claim"
  /** The membership belongs to another registry than the scope. */
  | "other-registry"
  /** The member had no leaf at the root of the snapshot. */
  | "not-a-member"
  /** The registry does not accept the root of a proof. */
  | "root-not-accepted"
  /** The proving key has another digest than the pinned one. */
  | "false-proving-key"
  /** The proving key belongs to another circuit. */
  | "other-proving-key"
  /** A proof is not valid, or is for other values than the requested ones. */
  | "false-proof"
  /** The prover failed. */
  | "prover-failed"
  /** The key to seal the secret to is not usable. */
  | "false-sealing-key"
  /** The event of a verification has other values than the proof. */
  | "false-event"
  /** The nullifier was used, and the nodes do not have the event of its verification. */
  | "unknown-event"
  /** The relay ended without a verification. */
  | "relay-ended"
  /** The scope has a gate, whose signer is missing. */
  | "gate-must-sign"
  /** No relay accepts the verification. */
  | "no-relayer"
  /** The page has no wallet that can sign, or several and none was chosen. */
  | "no-wallet"
  /** The wallet did not connect, or did not sign. */
  | "wallet-refused"
  /** A transaction failed, or was not executed in time. */
  | "transaction-failed"
  /** The vault has an identity that is sealed in another way, or the passphrase is wrong. */
  | "identity-sealed"
  /** The wallet or the device can't keep an identity. */
  | "identity-unsupported";

/** An error of the SDK. */
export class BautaError extends Error {
  override readonly name = "BautaError";

  constructor(
    readonly code: BautaCode,
    message: string,
    /** What the user or the dApp can do. */
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
