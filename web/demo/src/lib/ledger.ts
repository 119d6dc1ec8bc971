// Who learned what: a table that is computed from the requests that the SDK sent.

import type { Disclosure, Shown } from "@bauta/sdk";

/** What the visitor did when a request was sent. */
export type Phase = "register" | "prove";

/** A request that was sent. */
export interface Sent extends Disclosure {
  readonly phase: Phase;
}

/** What a party knows: nothing, that it is one of many, or the value itself. */
export interface Cell {
  readonly level: "none" | "hidden" | "known";
  readonly text: string;
}

/** What one party learned in one phase. */
export interface Row {
  readonly who: string;
  /** The hosts that the requests were sent to. */
  readonly hosts: readonly string[];
  readonly wallet: Cell;
  readonly token: Cell;
  readonly recipient: Cell;
  readonly address: Cell;
}

const NONE: Cell = { level: "none", text: "–" };
const known = (text: string): Cell => ({ level: "known", text });
const hidden = (text: string): Cell => ({ level: "hidden", text });

/** Returns the rows of a phase. `owners` is the number of members with the same claim. */
export function rowsOf(sent: readonly Sent[], phase: Phase, owners: number | undefined): Row[] {
  const inPhase = sent.filter((request) => request.phase === phase);
  const isRelay = ({ request }: Disclosure) => request.includes("/v1/relay");
  const parties = [
    { who: "API", requests: inPhase.filter((request) => request.to === "api" && !isRelay(request)) },
    { who: "Relay", requests: inPhase.filter((request) => request.to === "api" && isRelay(request)) },
    { who: "Node", requests: inPhase.filter(({ to }) => to === "node") },
    { who: "Prover", requests: inPhase.filter(({ to }) => to === "prover") },
    { who: "OHTTP relay", requests: inPhase.filter(({ to }) => to === "ohttp-relay") },
    { who: "Key host", requests: inPhase.filter(({ to }) => to === "file") },
  ].filter(({ requests }) => requests.length > 0);
  const chain = chainRow(inPhase, owners);
  return [...(chain ? [chain] : []), ...parties.map(({ who, requests }) => rowOf(who, requests))];
}

/** Everyone reads the chain: what a transaction has, and what the relay puts into one. */
function chainRow(requests: readonly Sent[], owners: number | undefined): Row | undefined {
  const shown = allShown(requests);
  const row = { who: "Chain", hosts: [], wallet: NONE, token: NONE, recipient: NONE, address: NONE };
  if (shown.has("transaction")) return { ...row, wallet: known("yours"), token: known("yours") };
  if (!requests.some(({ request }) => request === "POST /v1/relay")) return undefined;
  return { ...row, token: hidden(oneOf(owners)), recipient: known("yours") };
}

function oneOf(owners: number | undefined): string {
  return owners === undefined ? "one of all" : `one of ${owners}`;
}

function rowOf(who: string, requests: readonly Sent[]): Row {
  const shown = allShown(requests);
  const has = (...names: Shown[]) => names.some((name) => shown.has(name));
  return {
    who,
    hosts: [...new Set(requests.map(({ host }) => host))],
    wallet: has("wallet", "transaction") ? known("yours") : NONE,
    token: tokenOf(has),
    recipient: has("recipient and payload") ? known("yours") : has("nullifier") ? known("by nullifier") : NONE,
    address: has("network address") ? known("yours") : NONE,
  };
}

/** Returns the most precise of what the requests show of the token. */
function tokenOf(has: (...names: Shown[]) => boolean): Cell {
  if (has("token", "transaction", "commitment", "sealed secret")) return known("yours");
  if (has("one of about 256 tokens")) return hidden("one of ~256");
  if (has("one of 256 leaves")) return hidden("in a group of tiles");
  if (has("all leaves or none")) return hidden("any leaf");
  return NONE;
}

function allShown(requests: readonly Sent[]): ReadonlySet<Shown> {
  return new Set(requests.flatMap(({ shows }) => shows));
}

/**
 * Returns the parties that saw the network address both times. It could connect the wallet with the
 * recipient.
 */
export function links(sent: readonly Sent[]): string[] {
  if (!sent.some(({ request }) => request === "POST /v1/relay")) return [];
  const saw = sent.filter(({ shows }) => shows.includes("network address"));
  const hosts = (phase: Phase) => new Set(saw.filter((request) => request.phase === phase).map(({ host }) => host));
  const names = { api: "the API", node: "the node", prover: "the prover", file: "the host of the key", "ohttp-relay": "the OHTTP relay" } as const;
  const both = saw.filter(({ host }) => hosts("register").has(host) && hosts("prove").has(host));
  return [...new Set(both.map(({ to }) => names[to]))];
}
