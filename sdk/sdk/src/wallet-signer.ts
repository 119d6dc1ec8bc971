// The wallets of a page, and a signer for one of their accounts.

import {
  address,
  assertIsTransactionWithinSizeLimit,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  getTransactionEncoder,
  getTransactionLifetimeConstraintFromCompiledTransactionMessage,
  type Address,
  type Transaction,
  type TransactionModifyingSigner,
  type TransactionSigner,
  type TransactionWithinSizeLimit,
  type TransactionWithLifetime,
} from "@solana/kit";

import { equal } from "./bytes.js";
import { BautaError } from "./error.js";
import type { Wallet, WalletAccount } from "./wallet.js";

const CONNECT = "standard:connect";
const SIGN = "solana:signTransaction";

interface ConnectFeature {
  connect(): Promise<{ readonly accounts: readonly WalletAccount[] }>;
}

interface SignFeature {
  signTransaction(
    ...inputs: readonly { readonly account: WalletAccount; readonly transaction: Uint8Array; readonly chain?: string }[]
  ): Promise<readonly { readonly signedTransaction: Uint8Array }[]>;
}

/** Connects a wallet, and returns its first account as a signer. */
export async function connect(
  choose?: (from: readonly Wallet[]) => Wallet | undefined | Promise<Wallet | undefined>,
  chain?: string,
): Promise<TransactionSigner> {
  const isOfChain = (name: string) => (chain === undefined ? name.startsWith("solana:") : name === chain);
  const isUsable = ({ chains, features }: Wallet) => CONNECT in features && SIGN in features && chains.some(isOfChain);
  const canSign = ({ chains, features }: WalletAccount) => features.includes(SIGN) && chains.some(isOfChain);
  const transactions = `transactions of ${chain ?? "Solana"}`;
  const usable = walletsOfPage().filter(isUsable);
  if (usable.length === 0) throw noWallet(`the page has no wallet that can sign ${transactions}`);
  const names = usable.map(({ name }) => name).join(", ");
  if (usable.length > 1 && !choose) throw noWallet(`the page has several wallets (${names}), and none was chosen`);
  const wallet = choose ? await choose(usable) : usable[0]!;
  if (!wallet) throw noWallet("no wallet was chosen");
  const { accounts } = await refused(wallet, () => (wallet.features[CONNECT] as ConnectFeature).connect());
  const account = [...accounts, ...wallet.accounts].find(canSign);
  if (!account) throw noWallet(`the wallet ${wallet.name} gave no account that can sign ${transactions}`);
  return signerOf(wallet, account, chain);
}

/** Returns the wallets that the page knows now. Wallets register when they see the event. */
function walletsOfPage(): readonly Wallet[] {
  const page = globalThis.window as Window | undefined;
  if (!page) return [];
  const found = new Set<Wallet>();
  const register = (...wallets: readonly Wallet[]) => {
    for (const wallet of wallets) found.add(wallet);
    return () => wallets.forEach((wallet) => found.delete(wallet));
  };
  page.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: Object.freeze({ register }) }));
  return [...found];
}

type Signed = Transaction & TransactionWithinSizeLimit & TransactionWithLifetime;

/** Creates a signer. A wallet may change a transaction before it signs it, for example its fee. */
function signerOf(wallet: Wallet, account: WalletAccount, chain: string | undefined): TransactionModifyingSigner {
  const signer = address(account.address);
  const sign = (wallet.features[SIGN] as SignFeature).signTransaction.bind(wallet.features[SIGN]);
  return {
    address: signer,
    async modifyAndSignTransactions(transactions, config) {
      config?.abortSignal?.throwIfAborted();
      const wire = transactions.map((transaction) => Uint8Array.from(getTransactionEncoder().encode(transaction)));
      const inputs = wire.map((transaction) => ({ account, transaction, ...(chain === undefined ? {} : { chain }) }));
      const outputs = inputs.length === 0 ? [] : await refused(wallet, () => sign(...inputs));
      config?.abortSignal?.throwIfAborted();
      if (outputs.length !== inputs.length) throw refusal(wallet, "it signed another number of transactions");
      return Promise.all(outputs.map(({ signedTransaction }, index) => signedBy(wallet, signer, signedTransaction, transactions[index]!)));
    },
  };
}

async function signedBy(
  wallet: Wallet,
  signer: Address,
  bytes: Uint8Array,
  requested: Transaction | (Transaction & TransactionWithLifetime),
): Promise<Signed> {
  const signed = getTransactionDecoder().decode(bytes);
  assertIsTransactionWithinSizeLimit(signed);
  if (!signed.signatures[signer]) throw refusal(wallet, `it did not sign for ${signer}`);
  const isSame = equal(signed.messageBytes, requested.messageBytes);
  const lifetimeConstraint = isSame && "lifetimeConstraint" in requested ? requested.lifetimeConstraint : await lifetimeOf(signed);
  return Object.freeze({ ...signed, lifetimeConstraint });
}

function lifetimeOf({ messageBytes }: Transaction) {
  const message = getCompiledTransactionMessageDecoder().decode(messageBytes);
  type WithLifetime = Parameters<typeof getTransactionLifetimeConstraintFromCompiledTransactionMessage>[0];
  return getTransactionLifetimeConstraintFromCompiledTransactionMessage(message as WithLifetime);
}

/** Calls a wallet, and names its refusal. */
async function refused<T>(wallet: Wallet, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw refusal(wallet, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function refusal(wallet: Wallet, reason: string, cause?: unknown): BautaError {
  return new BautaError("wallet-refused", `the wallet ${wallet.name} refused: ${reason}`, "Accept the request in the wallet.", { cause });
}

function noWallet(reason: string): BautaError {
  return new BautaError("no-wallet", reason, "Install a wallet, or choose one of several.");
}
