import type { TransactionSigner } from "@solana/kit";

import { loaded } from "./parts.js";

/** An account of a {@link Wallet}. */
export interface WalletAccount {
  readonly address: string;
  readonly publicKey: ArrayLike<number>;
  /** The chains that the account supports, for example `solana:mainnet`. */
  readonly chains: readonly string[];
  /** The names of the features that the account supports. */
  readonly features: readonly string[];
}

/** A wallet of the [wallet standard](https://github.com/wallet-standard/wallet-standard). */
export interface Wallet {
  readonly version: string;
  readonly name: string;
  /** A `data:` URL. */
  readonly icon: string;
  readonly chains: readonly string[];
  /** The features by their names, for example `standard:connect`. */
  readonly features: Readonly<Record<string, unknown>>;
  readonly accounts: readonly WalletAccount[];
}

/**
 * Connects a wallet of the page, and returns its first account as a signer. The page requests the
 * wallet's permission.
 *
 * @param choose Chooses one of the wallets that can sign Solana transactions, or `undefined` for
 * none. Without it, there must be exactly one.
 * @param chain The name of the cluster in the wallet standard, for example `solana:devnet`. Only
 * wallets and accounts of this cluster are used, and the wallet signs for it. Without it, every
 * wallet of Solana can be used.
 * @throws {@link BautaError} with the code `no-wallet` or `wallet-refused`.
 */
export async function connectWallet(
  choose?: (from: readonly Wallet[]) => Wallet | undefined | Promise<Wallet | undefined>,
  chain?: `solana:${string}`,
): Promise<TransactionSigner> {
  // Loaded when it is needed: proving needs no wallet.
  const { connect } = await loaded(import("./wallet-signer.js"));
  return connect(choose, chain);
}
