// Sends a transaction, and waits until it is executed. More than half of the nodes decide that.

import {
  appendTransactionMessageInstruction,
  assertIsTransactionMessageWithSingleSendingSigner,
  createTransactionMessage,
  getBase58Decoder,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  isTransactionSendingSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signAndSendTransactionMessageWithSigners,
  signTransactionMessageWithSigners,
  type GetSignatureStatusesApi,
  type Instruction,
  type Signature,
  type TransactionSigner,
} from "@solana/kit";

import type { Chain } from "./chain.js";
import { BautaError } from "./error.js";
import type { Nodes, Send } from "./nodes.js";
import { Pauses } from "./pauses.js";

type BlockhashLifetime = Parameters<typeof setTransactionMessageLifetimeUsingBlockhash>[0];
type TransactionStatus = NonNullable<ReturnType<GetSignatureStatusesApi["getSignatureStatuses"]>["value"][number]>;

/** How long a blockhash is searched for that more than half of the nodes accept. */
const BLOCKHASH_MS = 30_000;
/** A blockhash lives for 150 blocks, about a minute. The nodes differ if it takes longer. */
const LONGEST_WAIT_MS = 300_000;

const EXECUTED = "was executed";
const FAILED = "failed";
const PENDING = "is pending";
const NONE = "is unknown";

/** Signs and sends a transaction with one instruction, and waits until it is confirmed. */
export async function sendInstruction(
  chain: Chain,
  payer: TransactionSigner,
  instruction: Instruction,
  signal?: AbortSignal,
): Promise<Signature> {
  const { nodes } = chain;
  const lifetime = await presentLifetime(nodes, signal);
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(payer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(lifetime, m),
    (m) => appendTransactionMessageInstruction(instruction, m),
  );
  let signature: Signature;
  if (isTransactionSendingSigner(payer)) {
    assertIsTransactionMessageWithSingleSendingSigner(message);
    signature = getBase58Decoder().decode(await signAndSendTransactionMessageWithSigners(message)) as Signature;
  } else {
    const signed = await signTransactionMessageWithSigners(message);
    signature = getSignatureFromTransaction(signed);
    const wire = getBase64EncodedWireTransaction(signed);
    const options = { encoding: "base64", preflightCommitment: "confirmed" } as const;
    await nodes.send((rpc) => rpc.sendTransaction(wire, options).send());
  }
  await executed(nodes, signature, lifetime.lastValidBlockHeight, signal);
  return signature;
}

/**
 * Returns a blockhash that more than half of the nodes accept, and the block height up to which
 * they do. One node can't have the wallet sign a transaction that is never executed.
 */
async function presentLifetime(nodes: Nodes, signal: AbortSignal | undefined): Promise<BlockhashLifetime> {
  const pauses = new Pauses();
  for (const start = Date.now(); ; ) {
    signal?.throwIfAborted();
    const given = await nodes.decided("getLatestBlockhash", [], latestBlockhash, (answers) => answers);
    const hashes = [...new Set(given.map(({ blockhash }) => blockhash))];
    const areValid: Send<readonly boolean[]> = (rpc, report) =>
      Promise.all(
        hashes.map(async (hash, number) => {
          if (number > 0) report("isBlockhashValid");
          return (await rpc.isBlockhashValid(hash, { commitment: "processed" }).send()).value;
        }),
      );
    const blockhash = await unlessUndecided(
      nodes.decided("isBlockhashValid", [], areValid, (answers) => {
        const accepted = nodes.accepted(answers, [...hashes.keys()], (valid, at) => valid[at] === true);
        if (accepted === undefined) throw disagreement("which blockhash is valid");
        return hashes[accepted]!;
      }),
    );
    if (blockhash !== undefined) {
      // The upper median: one node can't end the wait too early.
      const heights = given.map(({ lastValidBlockHeight }) => lastValidBlockHeight).sort((a, b) => (a < b ? -1 : 1));
      return { blockhash, lastValidBlockHeight: heights[heights.length >> 1]! };
    }
    if (Date.now() - start > BLOCKHASH_MS) throw disagreement("which blockhash is valid");
    await pauses.next(signal);
  }
}

const latestBlockhash: Send<BlockhashLifetime> = async (rpc) =>
  (await rpc.getLatestBlockhash({ commitment: "confirmed" }).send()).value;

/** Waits until more than half of the nodes have confirmed a transaction, or no longer accept it. */
async function executed(nodes: Nodes, signature: Signature, last: bigint, signal: AbortSignal | undefined): Promise<void> {
  const readOutcome: Send<string> = async (rpc) => outcomeOf((await rpc.getSignatureStatuses([signature]).send()).value[0]);
  const readIsOver: Send<boolean> = async (rpc) => (await rpc.getBlockHeight({ commitment: "confirmed" }).send()) > last;
  const pauses = new Pauses();
  let wasOver = false;
  for (const start = Date.now(); ; ) {
    signal?.throwIfAborted();
    const [outcome, isOver = false] = await Promise.all([
      unlessUndecided(nodes.agreed("getSignatureStatuses", ["transaction"], readOutcome, String)),
      unlessUndecided(nodes.agreed("getBlockHeight", [], readIsOver, String)),
    ]);
    if (outcome === EXECUTED) return;
    if (outcome?.startsWith(FAILED)) throw failure(`the transaction ${signature} ${outcome}`);
    // The height passed before the status was read, so a block up to `last` does not have it.
    if (wasOver && outcome === NONE) throw failure(`the transaction ${signature} was not executed in time`);
    wasOver = isOver;
    // A faulty node of two can't prolong the wait for ever.
    if (Date.now() - start > LONGEST_WAIT_MS) throw disagreement(`whether the transaction ${signature} was executed`);
    await pauses.next(signal);
  }
}

/** Returns `undefined` if the nodes don't agree now, or too few of them answer. */
async function unlessUndecided<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof BautaError && (error.code === "nodes-disagree" || error.code === "node-unreachable")) return undefined;
    throw error;
  }
}

function disagreement(what: string): BautaError {
  return new BautaError(
    "nodes-disagree",
    `the nodes do not agree ${what}`,
    "Look the transaction up if there is one, then retry. If it remains so, replace a node.",
  );
}

/** Says what a node knows of a transaction. */
function outcomeOf(status: TransactionStatus | null | undefined): string {
  if (!status) return NONE;
  const level = status.confirmationStatus;
  if (level !== "confirmed" && level !== "finalized") return PENDING;
  return status.err === null ? EXECUTED : `${FAILED}: ${JSON.stringify(status.err, printable)}`;
}

function printable(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

function failure(reason: string): BautaError {
  return new BautaError("transaction-failed", reason, "Look the transaction up, then retry.");
}
