import {
  createSolanaRpcFromTransport,
  fetchEncodedAccount,
  type Address,
  type Commitment,
  type EncodedAccount,
  type MaybeEncodedAccount,
  type Rpc,
  type RpcTransport,
  type SolanaRpcApi,
} from "@solana/kit";

import { toHex } from "./bytes.js";
import type { OnRequest, Shown } from "./disclosure.js";
import { BautaError } from "./error.js";
import { boundedBody, send, timeLimited } from "./http.js";

/** Sends the requests of one read to one node. `report` reports each one after the first. */
export type Send<T> = (rpc: Rpc<SolanaRpcApi>, report: (method: string) => void) => Promise<T>;

/** The limits of one answer of a node. */
const [MAX_ANSWER, ANSWER_MS] = [4 << 20, 20_000] as const;

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
    this.#nodes = urls.map((url) => ({ host: new URL(url).host, rpc: createSolanaRpcFromTransport(transportTo(url)) }));
  }

  /**
   * Requests something from every node, and returns what `decide` makes of the answers. It is
   * called when more than half of the nodes have answered. If it throws, it is called again with
   * each further answer. So a node that does not answer delays nothing.
   */
  decided<T, R>(method: string, shows: readonly Shown[], send: Send<T>, decide: (given: readonly T[]) => R): Promise<R> {
    // In the order of the nodes.
    const answers: (Answer<T> | undefined)[] = this.#nodes.map(() => undefined);
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer<T>, index: number) => {
        answers[index] = answer;
        const settled = answers.filter((found) => found !== undefined);
        try {
          resolve(decide(this.#given(method, settled)));
        } catch (error) {
          if (settled.length === answers.length) reject(error);
        }
      };
      this.#answers(method, shows, send).forEach((answer, index) => answer.then((found) => settle(found, index), reject));
    });
  }

  #given<T>(method: string, answers: readonly Answer<T>[]): T[] {
    const given = answers.flatMap((answer) => ("value" in answer ? [answer.value] : []));
    if (this.#isMajority(given.length)) return given;
    const reason = `too few nodes answer ${method}: ${reasons(answers)}`;
    throw new BautaError("node-unreachable", reason, "Retry later, or use other nodes.");
  }

  #answers<T>(method: string, shows: readonly Shown[], send: Send<T>): Promise<Answer<T>>[] {
    return this.#nodes.map(async ({ host, rpc }): Promise<Answer<T>> => {
      const report = (request: string) =>
        this.onRequest?.({ to: "node", host, request, shows: ["network address", ...shows] });
      report(method);
      return send(rpc, report).then(
        (value) => ({ host, value }),
        (error: unknown) => ({ host, error }),
      );
    });
  }

  /** Sends a transaction through every node, and waits until one of them accepts it. */
  async send(send: Send<unknown>): Promise<void> {
    const answers = this.#answers("sendTransaction", ["transaction"], send);
    const accepted = answers.map((answer) => answer.then((found) => "value" in found || Promise.reject()));
    // A node that does not answer delays nothing.
    if (await Promise.any(accepted).catch(() => false)) return;
    throw new BautaError(
      "transaction-failed",
      `no node accepts the transaction: ${reasons(await Promise.all(answers))}`,
      "See the error of the program, and retry.",
    );
  }

  /** Requests something from every node, and returns what more than half of them answered. */
  agreed<T>(
    method: string,
    shows: readonly Shown[],
    send: Send<T>,
    name: (value: T) => string,
  ): Promise<T> {
    return this.decided(method, shows, send, (given) => this.choose(method, given, name));
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

  /** Reads an account from every node, and returns what `decide` makes of those that exist. */
  accounts<R>(address: Address, shows: readonly Shown[], decide: (existing: readonly EncodedAccount[]) => R): Promise<R> {
    const send: Send<MaybeEncodedAccount> = (rpc) => fetchEncodedAccount(rpc, address, { commitment: "confirmed" });
    return this.decided("getAccountInfo", shows, send, (found) => {
      const existing = found.filter((account) => account.exists);
      if (!this.#isMajority(existing.length)) throw unknownAccount(address);
      return decide(existing);
    });
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

/** Sends requests of JSON-RPC to a node, with a limit of the time and of the length of an answer. */
function transportTo(url: string): RpcTransport {
  return ({ payload, signal }) =>
    timeLimited(signal, ANSWER_MS, async (signal) => {
      const headers = { "content-type": "application/json" };
      const response = await send(url, { method: "POST", headers, body: JSON.stringify(payload), signal });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      const bytes = await boundedBody(response, MAX_ANSWER);
      if (!bytes) throw new Error(`its answer has more than ${MAX_ANSWER} bytes`);
      return JSON.parse(new TextDecoder().decode(bytes));
    });
}

/** Returns why nodes did not answer. */
function reasons(answers: readonly Answer<unknown>[]): string {
  return answers.flatMap((answer) => ("error" in answer ? [`${answer.host}: ${String(answer.error)}`] : [])).join("; ");
}

/** Creates the error for an account that doesn't exist. */
export function unknownAccount(address: Address): BautaError {
  return new BautaError("unknown-account", `the chain has no account ${address}`, "Check the address and the cluster.");
}
