// Tests what one faulty node can do to a transaction: nothing, if the other nodes are the majority.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, mock, test } from "node:test";

import {
  generateKeyPairSigner,
  getBase58Decoder,
  getBase64Encoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  type KeyPairSigner,
} from "@solana/kit";

import { Chain } from "../src/chain.ts";
import { BautaError } from "../src/index.ts";
import { Nodes } from "../src/nodes.ts";
import { sendInstruction } from "../src/sending.ts";
import { addressOf, Facts, startNode, startSilent, stopServers, TAG } from "./world.ts";

const hashOf = (byte: number) => getBase58Decoder().decode(new Uint8Array(32).fill(byte));
const HASH = hashOf(1);
const LAST = 150;

/** What a node says of a transaction. */
class Ledger {
  readonly facts = new Facts();
  blockhash = HASH;
  last = LAST;
  height = 10;
  valid = [HASH];
  status: { err: unknown; confirmationStatus: string } | null = { err: null, confirmationStatus: "confirmed" };
  /** The blockhashes of the transactions that the node got. */
  readonly sent: string[] = [];
  /** Called at each request of the status. */
  onStatus: () => void = () => undefined;

  constructor() {
    const value = (found: unknown) => ({ context: { slot: 9 }, value: found });
    const methods: Record<string, (params: unknown[]) => unknown> = {
      getLatestBlockhash: () => value({ blockhash: this.blockhash, lastValidBlockHeight: this.last }),
      isBlockhashValid: ([hash]) => value(this.valid.includes(hash as string)),
      getBlockHeight: () => this.height,
      getSignatureStatuses: () => {
        this.onStatus();
        return value([this.status && { ...this.status, slot: 9, confirmations: 1, status: { Ok: null } }]);
      },
      sendTransaction: ([wire]) => {
        const transaction = getTransactionDecoder().decode(getBase64Encoder().encode(wire as string));
        const message = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
        this.sent.push((message as { lifetimeToken: string }).lifetimeToken);
        return getBase58Decoder().decode(transaction.signatures[payer.address]!);
      },
    };
    for (const [name, method] of Object.entries(methods)) this.facts.methods.set(name, method);
  }
}

let payer: KeyPairSigner;
before(async () => {
  payer = await generateKeyPairSigner();
});
beforeEach(() => mock.timers.enable({ apis: ["Date"], now: 1_000_000 }));
afterEach(() => {
  mock.timers.reset();
  stopServers();
});

const instruction = { programAddress: addressOf(8), accounts: [], data: new Uint8Array([1]) };

async function send(ledgers: readonly Ledger[], signal?: AbortSignal): Promise<string> {
  const urls = await Promise.all(ledgers.map(({ facts }) => startNode(facts)));
  return sendInstruction(new Chain({ tag: TAG }, new Nodes(urls, undefined)), payer, instruction, signal);
}

const named = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BautaError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

/** Lets time pass at each request of the status. */
function passTime(ledger: Ledger): void {
  ledger.onStatus = () => mock.timers.tick(100_000);
}

/** One faulty node, in each place among honest ones. */
function* places(faulty: () => Ledger, honest: () => Ledger): Generator<{ ledgers: Ledger[]; good: Ledger[] }> {
  for (const at of [0, 1, 2]) {
    const good = [honest(), honest()];
    const ledgers = [...good];
    ledgers.splice(at, 0, faulty());
    yield { ledgers, good };
  }
}

const changed = (change: (ledger: Ledger) => void) => () => {
  const ledger = new Ledger();
  change(ledger);
  return ledger;
};

test("a transaction is sent to every node, and is executed when more than half of them say so", async () => {
  const ledgers = [new Ledger(), new Ledger()];
  assert.match(await send(ledgers), /^\w{80,90}$/);
  assert.deepEqual(ledgers.map(({ sent }) => sent), [[HASH], [HASH]]);
});

test("a node that never answers does not delay a transaction", async (context) => {
  const real = globalThis.setTimeout;
  // No limit of time is reached: the timers of the limits never run.
  const setTimeout = (run: () => void, ms?: number) => real(ms === 20_000 ? () => undefined : run, ms === 20_000 ? 0 : ms);
  context.mock.method(globalThis, "setTimeout", setTimeout as typeof globalThis.setTimeout);
  const ledgers = [new Ledger(), new Ledger()];
  const urls = [await startSilent(), ...(await Promise.all(ledgers.map(({ facts }) => startNode(facts))))];
  const sent = await sendInstruction(new Chain({ tag: TAG }, new Nodes(urls, undefined)), payer, instruction);
  assert.match(sent, /^\w{80,90}$/);
});

test("a blockhash that only one node knows is not used", async () => {
  const faulty = changed((ledger) => {
    ledger.blockhash = hashOf(2);
    ledger.valid = [hashOf(2)];
  });
  for (const { ledgers, good } of places(faulty, () => new Ledger())) {
    await send(ledgers);
    assert.deepEqual(good.map(({ sent }) => sent), [[HASH], [HASH]]);
  }
});

test("two nodes with no common blockhash disagree, and nothing is sent", async () => {
  const other = new Ledger();
  other.blockhash = hashOf(2);
  other.valid = [];
  other.facts.methods.set("isBlockhashValid", () => {
    mock.timers.tick(20_000);
    return { context: { slot: 9 }, value: false };
  });
  const honest = new Ledger();
  await assert.rejects(send([other, honest]), named("nodes-disagree", /blockhash/));
  assert.deepEqual([...other.sent, ...honest.sent], []);
});

test("an error that only one node has is not the transaction's", async () => {
  const failed = changed((ledger) => (ledger.status = { err: { InstructionError: [0, "x"] }, confirmationStatus: "confirmed" }));
  for (const { ledgers } of places(failed, () => new Ledger())) await send(ledgers);
  for (const { ledgers } of places(() => new Ledger(), failed)) {
    await assert.rejects(send(ledgers), named("transaction-failed", /failed: .*InstructionError/));
  }
});

test("a wait ends when more than half of the nodes have passed the last height", async () => {
  const over = changed((ledger) => {
    ledger.status = null;
    ledger.height = LAST + 1;
  });
  const behind = changed((ledger) => {
    ledger.status = null;
    ledger.height = 0;
  });
  for (const { ledgers } of places(behind, over)) {
    await assert.rejects(send(ledgers), named("transaction-failed", /not executed in time/));
  }
});

test("a height or a last height that only one node has does not end the wait", async () => {
  for (const lie of [{ height: 1_000 }, { last: 0, height: 1_000 }, { last: 0 }]) {
    const faulty = changed((ledger) => Object.assign(ledger, { status: null }, lie));
    const slow = () => {
      const ledger = new Ledger();
      ledger.status = null;
      let requests = 0;
      // The transaction is executed at the fourth request.
      ledger.onStatus = () => {
        if (++requests === 4) ledger.status = { err: null, confirmationStatus: "confirmed" };
      };
      return ledger;
    };
    for (const { ledgers } of places(faulty, slow)) await send(ledgers);
  }
});

test("one of two nodes can't prolong the wait for ever", async () => {
  for (const lie of [{ height: 0 }, { height: LAST + 1, status: { err: null, confirmationStatus: "confirmed" } }]) {
    const [faulty, honest] = [new Ledger(), new Ledger()];
    Object.assign(honest, { height: LAST + 1, status: null });
    Object.assign(faulty, { status: null }, lie);
    passTime(honest);
    await assert.rejects(send([faulty, honest]), named("nodes-disagree", /whether the transaction/));
  }
});

test("an aborted signal ends the wait", async () => {
  const pending = new Ledger();
  pending.status = { err: null, confirmationStatus: "processed" };
  const stop = new AbortController();
  pending.onStatus = () => stop.abort(new Error("left"));
  await assert.rejects(send([pending], stop.signal), /left/);
});
