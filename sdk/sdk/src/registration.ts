import {
  address as toAddress,
  appendTransactionMessageInstruction,
  assertIsTransactionMessageWithSingleSendingSigner,
  createTransactionMessage,
  getBase64EncodedWireTransaction,
  getBase64Encoder,
  getCompiledTransactionMessageDecoder,
  getSignatureFromTransaction,
  getTransactionDecoder,
  isTransactionSendingSigner,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signAndSendTransactionMessageWithSigners,
  signTransactionMessageWithSigners,
  getBase58Decoder,
  type Address,
  type Instruction,
  type ReadonlyUint8Array,
  type Signature,
  type TransactionSigner,
} from "@solana/kit";
import {
  BAUTA_PROGRAM_ADDRESS,
  decodeCollection,
  findCollectionPda,
  getRegisterCoreHolderInstructionAsync,
  getRegisterCoreHolderInstructionDataDecoder,
  getRegisterHolderInstructionAsync,
  getRegisterHolderInstructionDataDecoder,
  REGISTER_CORE_HOLDER_DISCRIMINATOR,
  REGISTER_HOLDER_DISCRIMINATOR,
} from "@bauta/program";

import { equal } from "./bytes.js";
import { decoded, type Chain } from "./chain.js";
import { BautaError } from "./error.js";
import { fieldToBytes, fieldToHex, type Field } from "./field.js";
import { unsigned, type Service } from "./http.js";
import { unknownAccount } from "./nodes.js";
import { Pauses } from "./pauses.js";

/** The parts of an instruction of the API's transaction. */
interface Proposed {
  readonly accounts: readonly Address[];
  readonly data: ReadonlyUint8Array;
}

/**
 * Builds the instruction that registers an asset.
 *
 * The API knows which accounts and which path the instruction needs. It could name another
 * commitment, another asset or another track, so everything that matters is compared or derived
 * here, and the instruction is built again. The program checks the rest.
 */
export async function registrationInstruction(
  api: Service,
  chain: Chain,
  what: { readonly registry: Address; readonly asset: Address; readonly commitment: Field; readonly owner: TransactionSigner },
): Promise<Instruction> {
  const { registry, asset, commitment, owner } = what;
  const answer = await api.json({
    path: `/v1/registries/${registry}/registrations`,
    route: "/v1/registries/{registry}/registrations",
    shows: ["registry", "wallet", "token", "commitment"],
    body: { owner: owner.address, asset, commitment: fieldToHex(commitment) },
  });
  const { accounts, data } = answer.value("transaction", onlyInstruction);
  const at = (index: number): Address => accounts[index]!;
  const given = (index: number) => (at(index) === BAUTA_PROGRAM_ADDRESS ? undefined : at(index));
  const [collection] = await findCollectionPda({ registry, key: answer.value("collection", toAddress) });
  const { tree } = await chain.registry(registry);
  for (const [name, found, expected] of [
    ["payer", at(0), owner.address],
    ["owner", at(1), owner.address],
    ["registry", at(2), registry],
    ["tree", at(3), tree],
    ["collection", at(4), collection],
    ["asset", at(5), asset],
  ] as const) {
    if (found !== expected) throw falseTransaction(`its ${name} is ${found} and must be ${expected}`);
  }
  await checkTrack(chain, collection, answer.value("track", unsigned));
  const common = { payer: owner, owner, registry, tree, collection, commitment: fieldToBytes(commitment) };
  const checked = (found: ReadonlyUint8Array) => {
    if (!equal(found, common.commitment)) throw falseTransaction("it registers another commitment");
  };
  if (startsWith(data, REGISTER_HOLDER_DISCRIMINATOR)) {
    const { commitment: found, path } = getRegisterHolderInstructionDataDecoder().decode(data);
    checked(found);
    const optional = { metadata: given(8), edition: given(9), tokenRecord: given(10) };
    const accepted = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
    return getRegisterHolderInstructionAsync({ ...common, ...accepted, mint: asset, tokenAccount: at(6), path });
  }
  if (startsWith(data, REGISTER_CORE_HOLDER_DISCRIMINATOR)) {
    const { commitment: found, path } = getRegisterCoreHolderInstructionDataDecoder().decode(data);
    checked(found);
    const coreCollection = given(6);
    return getRegisterCoreHolderInstructionAsync({
      ...common,
      ...(coreCollection === undefined ? {} : { coreCollection }),
      asset,
      path,
    });
  }
  throw falseTransaction("its instruction registers no asset");
}

/** Decodes a transaction that has one instruction, of the program. */
function onlyInstruction(base64: string): Proposed {
  const { messageBytes } = getTransactionDecoder().decode(getBase64Encoder().encode(base64));
  const message = getCompiledTransactionMessageDecoder().decode(messageBytes);
  if (!("instructions" in message) || "addressTableLookups" in message && message.addressTableLookups?.length) {
    throw falseTransaction("it uses address lookup tables");
  }
  const [instruction, ...others] = message.instructions;
  if (!instruction || others.length > 0) throw falseTransaction("it must have exactly one instruction");
  const key = (index: number): Address => {
    const found = message.staticAccounts[index];
    if (found === undefined) throw falseTransaction("it refers to an account that it does not list");
    return found;
  };
  const program = key(instruction.programAddressIndex);
  if (program !== BAUTA_PROGRAM_ADDRESS) throw falseTransaction(`it calls the program ${program}`);
  const accounts = (instruction.accountIndices ?? []).map(key);
  if (accounts.length < 7) throw falseTransaction("its instruction has too few accounts");
  return { accounts, data: instruction.data ?? new Uint8Array() };
}

async function checkTrack(chain: Chain, collection: Address, track: bigint): Promise<void> {
  const account = await chain.nodes.account(collection, ["registry"]);
  if (!account) throw unknownAccount(collection);
  const found = decoded(account, decodeCollection).track;
  if (found !== track) throw falseTransaction(`the collection registers in the track ${found}, and the API says ${track}`);
}

function startsWith(bytes: ReadonlyUint8Array, prefix: ReadonlyUint8Array): boolean {
  return equal(bytes.slice(0, prefix.length), prefix);
}

function falseTransaction(reason: string): BautaError {
  return new BautaError(
    "false-transaction",
    `the API built another transaction than the requested one: ${reason}`,
    "Don't sign transactions of this API. Use another one, and report this one.",
  );
}

/** Signs and sends a transaction with one instruction, and waits until it is confirmed. */
export async function sendInstruction(chain: Chain, payer: TransactionSigner, instruction: Instruction): Promise<Signature> {
  const { nodes } = chain;
  const [blockhash] = await nodes.request("getLatestBlockhash", [], async (rpc) =>
    (await rpc.getLatestBlockhash({ commitment: "confirmed" }).send()).value,
  );
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(payer, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash!, m),
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
  for (const pauses = new Pauses(); ; ) {
    const statuses = await nodes.request("getSignatureStatuses", ["transaction"], async (rpc) =>
      (await rpc.getSignatureStatuses([signature]).send()).value[0],
    );
    const failed = statuses.find((status) => status?.err);
    if (failed) throw failure(`the transaction ${signature} failed: ${JSON.stringify(failed.err, printable)}`);
    const isConfirmed = (level: string | null | undefined) => level === "confirmed" || level === "finalized";
    if (nodes.accepted(statuses, [signature], (status) => isConfirmed(status?.confirmationStatus))) return signature;
    const heights = await nodes.request("getBlockHeight", [], (rpc) => rpc.getBlockHeight({ commitment: "confirmed" }).send());
    if (heights.every((height) => height > blockhash!.lastValidBlockHeight)) {
      throw failure(`the transaction ${signature} was not executed in time`);
    }
    await pauses.next();
  }
}

function printable(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

function failure(reason: string): BautaError {
  return new BautaError("transaction-failed", reason, "Look the transaction up, then retry.");
}
