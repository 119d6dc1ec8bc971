/** What went wrong. */
export type BautaCode =
  /** The API does not answer. */
  | "api-unreachable"
  /** The API answered with an error. */
  | "api-refused"
  /** The API's answer does not match its description. */
  | "api-malformed"
  /** The API has no such tile. */
  | "unknown-tile"
  /** The API served a tile that does not belong to the root. */
  | "false-tile"
  /** The API served leaves that do not give the root. */
  | "false-leaves"
  /** The API has not followed the chain as far as the nodes. */
  | "api-behind"
  /** The API named a leaf that is not the member's own. */
  | "false-membership"
  /** The API says that a relay was executed, and the chain does not have it. */
  | "false-relay-state"
  /** The operator has opened proofs and relays for a part of the clients, without this one. */
  | "not-in-rollout"
  /** The gateway for Oblivious HTTP does not know the client's key. */
  | "unknown-ohttp-key"
  /** The key of the gateway for Oblivious HTTP is not usable, or its sources give different ones. */
  | "false-ohttp-key"
  /** Too few nodes answer. */
  | "node-unreachable"
  /** The nodes give different answers. */
  | "nodes-disagree"
  /** The cluster of the nodes or the tag of the program is not the pinned one. */
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
  /** The scope requires a claim that is not the member's. */
  | "other-claim"
  /** The membership does not belong to the scope's registry. */
  | "other-registry"
  /** The member had no leaf at the root of the snapshot. */
  | "not-a-member"
  /** The registry does not accept the root of a proof. */
  | "root-not-accepted"
  /** The digest of the proving key is not the pinned one. */
  | "false-proving-key"
  /** The proving key belongs to another circuit. */
  | "other-proving-key"
  /** A proof is not valid, or is not for the requested values. */
  | "false-proof"
  /** The client has no prover with a proving key. */
  | "no-proving-key"
  /** The prover failed. */
  | "prover-failed"
  /** A part of the SDK, or the prover's code, module or worker, can't be loaded. */
  | "code-not-loaded"
  /** The key to seal the secret to is not usable. */
  | "false-sealing-key"
  /** The values of a verification's event are not those of the proof. */
  | "false-event"
  /** The nullifier was used, and the nodes do not have the event of its verification. */
  | "unknown-event"
  /** The relay ended without a verification. */
  | "relay-ended"
  /** The scope has a gate, whose signer is missing. */
  | "gate-must-sign"
  /** No relay accepts the verification. */
  | "no-relayer"
  /** The page has no wallet that can sign, or it has several and none was chosen. */
  | "no-wallet"
  /** The wallet did not connect, or did not sign. */
  | "wallet-refused"
  /** A transaction failed, or was not executed in time. */
  | "transaction-failed"
  /** The vault has an identity that is sealed in another way, or the passphrase is wrong. */
  | "identity-sealed"
  /** The user or the browser refused the passkey. */
  | "passkey-refused"
  /** The browser's storage can't be opened, read or written. */
  | "vault-failed"
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
