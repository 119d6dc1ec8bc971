import {
  createSolanaRpc,
  fetchEncodedAccount,
  type Address,
  type Commitment,
  type EncodedAccount,
  type Rpc,
  type SolanaRpcApi,
} from "@solana/kit";

import { toHex } from "./bytes.js";
import type { OnRequest, Shown } from "./disclosure.js";
import { BautaError } from "./error.js";

/** Sends the requests of one read to one node. `report` reports each one after the first. */
export type Send<T> = (rpc: Rpc<SolanaRpcApi>, report: (method: string) => void) => Promise<T>;

/** What a node answered, or why it did not answer. */
type Answer<T> = { readonly host: string } & ({ readonly value: T } | { readonly error: unknown });

/**
 * The nodes that the chain is read from. More than half of them have to give the same answer, so
 * that one faulty node decides nothing: of two nodes both, of three nodes two.
 */
export class Nodes {
  readonly #nodes: readonly { readonly host: string; readonly rpc: Rpc<SolanaRpcApi> }[];

  constructor(
    urls: readonly string[],
    private readonly onRequest: OnRequest | undefined,
  ) {
    if (urls.length === 0) throw new RangeError("there must be at least one node");
    if (new Set(urls).size < urls.length) throw new RangeError("each node must be named once");
    this.#nodes = urls.map((url) => ({ host: new URL(url).host, rpc: createSolanaRpc(url) }));
  }

  /** Requests something from every node, and returns all answers. More than half have to answer. */
  async request<T>(method: string, shows: readonly Shown[], send: Send<T>): Promise<T[]> {
    const answers = await this.#answers(method, shows, send);
    const given = answers.flatMap((answer) => ("value" in answer ? [answer.value] : []));
    if (this.#isMajority(given.length)) return given;
    const reason = `too few nodes answer ${method}: ${reasons(answers)}`;
    throw new BautaError("node-unreachable", reason, "Retry later, or use other nodes.");
  }

  #answers<T>(method: string, shows: readonly Shown[], send: Send<T>): Promise<Answer<T>[]> {
    const answers = this.#nodes.map(async ({ host, rpc }): Promise<Answer<T>> => {
      const report = (request: string) =>
        this.onRequest?.({ to: "node", host, request, shows: ["network address", ...shows] });
      report(method);
      return send(rpc, report).then(
        (value) => ({ host, value }),
        (error: unknown) => ({ host, error }),
      );
    });
    return Promise.all(answers);
  }

  /** Sends a transaction through every node. One of them has to accept it. */
  async send(send: Send<unknown>): Promise<void> {
    const answers = await this.#answers("sendTransaction", ["transaction"], send);
    if (answers.some((answer) => "value" in answer)) return;
    throw new BautaError(
      "transaction-failed",
      `no node accepts the transaction: ${reasons(answers)}`,
      "See the error of the program, and retry.",
    );
  }

  /** Requests something from every node, and returns what more than half of them answered. */
  async agreed<T>(
    method: string,
    shows: readonly Shown[],
    send: Send<T>,
    name: (value: T) => string,
  ): Promise<T> {
    const given = await this.request(method, shows, send);
    return this.choose(method, given, name);
  }

  /** Returns the answer that more than half of the nodes gave. */
  choose<T>(method: string, given: readonly T[], name: (value: T) => string): T {
    const names = given.map(name);
    const agreed = names.findIndex((name) => this.#isMajority(names.filter((other) => other === name).length));
    if (agreed >= 0) return given[agreed]!;
    throw new BautaError(
      "nodes-disagree",
      `the nodes ${this.#nodes.map(({ host }) => host).join(", ")} give different answers to ${method}`,
      "Retry in a few seconds. If it remains so, one of the nodes is faulty or far behind: replace it.",
    );
  }

  /** Returns the first candidate that more than half of the answers accept. */
  accepted<T, C>(given: readonly T[], candidates: readonly C[], accepts: (value: T, candidate: C) => boolean): C | undefined {
    return candidates.find((candidate) => this.#isMajority(given.filter((value) => accepts(value, candidate)).length));
  }

  /** Returns an account of every node that has it. */
  async accounts(address: Address, shows: readonly Shown[]): Promise<EncodedAccount[]> {
    const found = await this.request("getAccountInfo", shows, (rpc) =>
      fetchEncodedAccount(rpc, address, { commitment: "confirmed" }),
    );
    const existing = found.filter((account) => account.exists);
    if (!this.#isMajority(existing.length)) throw unknownAccount(address);
    return existing;
  }

  /**
   * Returns an account that more than half of the nodes have with the same contents, or
   * `undefined`.
   */
  async account(
    address: Address,
    shows: readonly Shown[],
    commitment: Commitment = "confirmed",
  ): Promise<EncodedAccount | undefined> {
    const found = await this.agreed(
      "getAccountInfo",
      shows,
      (rpc) => fetchEncodedAccount(rpc, address, { commitment }),
      (account) => (account.exists ? `${account.programAddress} ${toHex(account.data)}` : "none"),
    );
    return found.exists ? found : undefined;
  }

  #isMajority(count: number): boolean {
    return 2 * count > this.#nodes.length;
  }
}

/** Returns why nodes did not answer. */
function reasons(answers: readonly Answer<unknown>[]): string {
  return answers.flatMap((answer) => ("error" in answer ? [`${answer.host}: ${String(answer.error)}`] : [])).join("; ");
}

/** Creates the error for an account that doesn't exist. */
export function unknownAccount(address: Address): BautaError {
  return new BautaError("unknown-account", `the chain has no account ${address}`, "Check the address and the cluster.");
}
