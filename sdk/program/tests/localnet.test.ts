// Tests the client with a real node, and the quick start of the README.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import {
  airdropFactory,
  appendTransactionMessageInstruction,
  assertIsTransactionWithBlockhashLifetime,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  getSignatureFromTransaction,
  lamports,
  pipe,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
  type Instruction,
  type KeyPairSigner,
  type Signature,
} from "@solana/kit";

import {
  eventsOfTransaction,
  fetchConfig,
  findConfigPda,
  getInitializeInstructionAsync,
  getPauseInstructionAsync,
  programErrorOf,
} from "../src/index.ts";
import { startLocalnet, type Localnet } from "./localnet.ts";

let node: Localnet;
let admin: KeyPairSigner;
before(async () => {
  admin = await generateKeyPairSigner();
  node = await startLocalnet(admin.address);
  const [rpc, rpcSubscriptions] = clients();
  const recipientAddress = admin.address;
  const airdrop = airdropFactory({ rpc, rpcSubscriptions });
  await airdrop({ recipientAddress, lamports: lamports(10_000_000_000n), commitment: "confirmed" });
  const initialize = await getInitializeInstructionAsync({
    payer: admin,
    upgradeAuthority: admin,
    clusterTag: new Uint8Array(32).fill(7),
    admin: admin.address,
    developmentKeysAllowed: true,
  });
  await send(initialize);
});
after(() => node?.stop());

function clients() {
  return [createSolanaRpc(node.rpc), createSolanaRpcSubscriptions(node.websocket)] as const;
}

async function message(instruction: Instruction) {
  const { value: blockhash } = await clients()[0].getLatestBlockhash().send();
  return pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(admin, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(blockhash, m),
    (m) => appendTransactionMessageInstruction(instruction, m),
  );
}

async function send(instruction: Instruction): Promise<Signature> {
  const [rpc, rpcSubscriptions] = clients();
  const transaction = await signTransactionMessageWithSigners(await message(instruction));
  assertIsTransactionWithBlockhashLifetime(transaction);
  await sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions })(transaction, { commitment: "confirmed" });
  return getSignatureFromTransaction(transaction);
}

test("a node confirms an instruction, and its event and account are decoded", async () => {
  const [rpc] = clients();
  const signature = await send(await getPauseInstructionAsync({ admin, paused: true }));
  const options = { commitment: "confirmed", encoding: "json", maxSupportedTransactionVersion: 0 } as const;
  const transaction = await rpc.getTransaction(signature, options).send();
  assert.ok(transaction);
  const [event, ...rest] = await eventsOfTransaction(transaction);
  assert.equal(rest.length, 0);
  assert.ok(event?.name === "ConfigChanged");
  assert.equal(event.data.paused, true);

  const [address] = await findConfigPda();
  const { data } = await fetchConfig(rpc, address, { commitment: "confirmed" });
  assert.equal(data.paused, 1);
  assert.equal(data.admin, admin.address);
});

test("the refusal of a node has the program's message", async () => {
  const other = await generateKeyPairSigner();
  const pause = await getPauseInstructionAsync({ admin: other, paused: true });
  const error = await send(pause).then(() => undefined, (thrown: unknown) => thrown);
  const described = programErrorOf(error, await message(pause));
  assert.equal(described?.name, "NotAdmin");
});

test("the quick start of the README runs", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /## Quick start[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  assert.ok(code.includes("http://127.0.0.1:8899"), "the quick start has the URL of the local node");
  // The default commitment of a node is `finalized`.
  const [rpc] = clients();
  const [config] = await findConfigPda();
  while (!(await rpc.getAccountInfo(config, { encoding: "base64" }).send()).value) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const folder = mkdtempSync(fileURLToPath(new URL("../quick-start-", import.meta.url)));
  try {
    const file = join(folder, "quick-start.ts");
    writeFileSync(file, code.replace("http://127.0.0.1:8899", node.rpc));
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", file], { cwd: folder });
    assert.ok(stdout.includes(admin.address), stdout);
    assert.match(stdout, /ConfigChanged/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
