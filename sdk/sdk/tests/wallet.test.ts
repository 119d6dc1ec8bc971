// The wallets of a page: test wallets that register by the events of the wallet standard.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import {
  appendTransactionMessageInstruction,
  createTransactionMessage,
  generateKeyPair,
  getAddressFromPublicKey,
  getTransactionDecoder,
  getTransactionEncoder,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransaction,
  signTransactionMessageWithSigners,
  verifySignature,
  type Blockhash,
  type TransactionSigner,
} from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "@bauta/program";

import { connectWallet, type BautaCode, type Wallet, type WalletAccount } from "../src/index.ts";
import { addressOf } from "./world.ts";

let page: EventTarget;
beforeEach(() => {
  page = new EventTarget();
  Object.assign(globalThis, { window: page });
});
afterEach(() => {
  delete (globalThis as { window?: unknown }).window;
});

const refused = (code: BautaCode) => ({ name: "BautaError", code });

/** Registers a wallet as an extension does that was loaded before the page. */
function register(wallet: Wallet): void {
  page.addEventListener("wallet-standard:app-ready", (event) => {
    (event as CustomEvent<{ register(wallet: Wallet): void }>).detail.register(wallet);
  });
}

/** A wallet with a key in memory. */
async function testWallet(name: string, change: { features?: string[]; sign?(bytes: Uint8Array): Promise<Uint8Array> } = {}) {
  const keys = await generateKeyPair();
  const account: WalletAccount = {
    address: await getAddressFromPublicKey(keys.publicKey),
    publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)),
    chains: ["solana:devnet"],
    features: ["solana:signTransaction"],
  };
  const honest = async (bytes: Uint8Array) =>
    Uint8Array.from(getTransactionEncoder().encode(await signTransaction([keys], getTransactionDecoder().decode(bytes) as never)));
  const sign = change.sign ?? honest;
  const all: Record<string, unknown> = {
    "standard:connect": { version: "1.0.0", connect: async () => ({ accounts: [account] }) },
    "solana:signTransaction": {
      version: "1.0.0",
      signTransaction: async (...inputs: { account: WalletAccount; transaction: Uint8Array }[]) => {
        assert.ok(inputs.every((input) => input.account === account));
        return Promise.all(inputs.map(async ({ transaction }) => ({ signedTransaction: await sign(transaction) })));
      },
    },
  };
  const features = Object.fromEntries((change.features ?? Object.keys(all)).map((feature) => [feature, all[feature]]));
  const wallet: Wallet = { version: "1.0.0", name, icon: "data:,", chains: ["solana:devnet"], features, accounts: [] };
  return { wallet, account, keys };
}

const signed = (signer: TransactionSigner) =>
  signTransactionMessageWithSigners(
    pipe(
      createTransactionMessage({ version: 0 }),
      (m) => setTransactionMessageFeePayerSigner(signer, m),
      (m) => setTransactionMessageLifetimeUsingBlockhash({ blockhash: addressOf(1) as string as Blockhash, lastValidBlockHeight: 9n }, m),
      (m) => appendTransactionMessageInstruction({ programAddress: BAUTA_PROGRAM_ADDRESS }, m),
    ),
  );

test("the only wallet of the page is connected, and signs", async () => {
  const { wallet, account, keys } = await testWallet("one");
  register(wallet);
  register({ ...wallet, name: "of another chain", chains: ["bitcoin:mainnet"] });
  register((await testWallet("without signatures", { features: ["standard:connect"] })).wallet);
  const signer = await connectWallet();
  assert.equal(signer.address, account.address);
  const transaction = await signed(signer);
  const signature = transaction.signatures[signer.address]!;
  assert.ok(await verifySignature(keys.publicKey, signature, transaction.messageBytes));
  assert.deepEqual(transaction.lifetimeConstraint, { blockhash: addressOf(1), lastValidBlockHeight: 9n });
});

test("one of several wallets must be chosen, and a page without a wallet gives an error", async () => {
  await assert.rejects(connectWallet(), refused("no-wallet"));
  const [one, two] = [await testWallet("one"), await testWallet("two")];
  register(one.wallet);
  register(two.wallet);
  await assert.rejects(connectWallet(), { ...refused("no-wallet"), message: /one, two/ });
  const signer = await connectWallet((wallets) => wallets.find(({ name }) => name === "two")!);
  assert.equal(signer.address, two.account.address);
  await assert.rejects(connectWallet(() => undefined), { ...refused("no-wallet"), message: /no wallet was chosen/ });
  delete (globalThis as { window?: unknown }).window;
  await assert.rejects(connectWallet(), refused("no-wallet"));
});

test("a wallet that refuses, or gives no account or no signature, is named", async () => {
  const { wallet } = await testWallet("one");
  const rejecting = { connect: () => Promise.reject(new Error("User rejected the request.")) };
  const choose = (features: object) => () => ({ ...wallet, features: { ...wallet.features, ...features } });
  register(wallet);
  const connecting = connectWallet(choose({ "standard:connect": rejecting }));
  await assert.rejects(connecting, { ...refused("wallet-refused"), message: /User rejected/ });
  const empty = { connect: async () => ({ accounts: [] }) };
  await assert.rejects(connectWallet(choose({ "standard:connect": empty })), refused("no-wallet"));
  const forgetful = await testWallet("forgetful", { sign: async (bytes) => bytes });
  await assert.rejects(signed(await connectWallet(() => forgetful.wallet)), refused("wallet-refused"));
  const failing = await testWallet("failing", { sign: () => Promise.reject(new Error("The account has changed.")) });
  await assert.rejects(signed(await connectWallet(() => failing.wallet)), { ...refused("wallet-refused"), message: /changed/ });
});

test("with a chain, only its wallets and accounts are used, and the wallet signs for it", async () => {
  const { wallet, account } = await testWallet("one");
  const seen: unknown[] = [];
  const { signTransaction } = wallet.features["solana:signTransaction"] as { signTransaction(...inputs: unknown[]): unknown };
  const recording = { signTransaction: (...inputs: { chain?: string }[]) => (seen.push(...inputs.map(({ chain }) => chain)), signTransaction(...inputs)) };
  register({ ...wallet, features: { ...wallet.features, "solana:signTransaction": recording } });
  await assert.rejects(connectWallet(undefined, "solana:mainnet"), { ...refused("no-wallet"), message: /solana:mainnet/ });
  const elsewhere = { ...account, chains: ["solana:testnet"] };
  const other = { ...wallet, accounts: [elsewhere], features: { ...wallet.features, "standard:connect": { connect: async () => ({ accounts: [elsewhere] }) } } };
  await assert.rejects(connectWallet(() => other, "solana:devnet"), { ...refused("no-wallet"), message: /solana:devnet/ });
  await signed(await connectWallet(undefined, "solana:devnet"));
  await signed(await connectWallet());
  assert.deepEqual(seen, ["solana:devnet", undefined]);
});
