/** What a request can show to the party that answers it. */
export type Shown =
  | "network address"
  | "API key"
  | "wallet"
  | "token"
  | "commitment"
  | "registry"
  | "circuit"
  | "scope"
  | "all leaves or none"
  | "one of 256 leaves"
  | "one of about 256 tokens"
  | "nullifier"
  | "recipient and payload"
  | "relay"
  | "transaction"
  | "sealed secret"
  | "rollout percentile";

/** A request of the SDK: whom it was sent to, and what it shows. It has no values. */
export interface Disclosure {
  /**
   * The party. `file` is a host that the dApp names for its proving key, or for the keys of Oblivious
   * HTTP. `ohttp-relay` passes encrypted requests on to the API.
   */
  readonly to: "api" | "node" | "prover" | "file" | "ohttp-relay";
  /** The party's host. */
  readonly host: string;
  /** The route without its parameters, the method of JSON-RPC, or the path of a file. */
  readonly request: string;
  /**
   * What the party sees. Every party sees the network address, except the API in requests that a
   * relay of Oblivious HTTP passes on.
   */
  readonly shows: readonly Shown[];
}

/** Receives each request before it is sent. */
export type OnRequest = (request: Disclosure) => void;
