// The wallet of the visitor, by the wallet standard. The rest of the page knows only what this file
// exports.

import { BautaError, connectWallet, type SignInWallet } from "@bauta/sdk";
import type { TransactionSigner } from "@solana/kit";
import { SolanaSignIn, SolanaSignTransaction, type SolanaSignInFeature } from "@solana/wallet-standard-features";
import { getWallets } from "@wallet-standard/app";
import type { Wallet, WalletAccount } from "@wallet-standard/base";
import {
  StandardConnect,
  StandardDisconnect,
  StandardEvents,
  type StandardDisconnectFeature,
  type StandardEventsFeature,
} from "@wallet-standard/features";

type Features = Partial<StandardDisconnectFeature & StandardEventsFeature & SolanaSignInFeature>;

const featuresOf = (wallet: Wallet) => wallet.features as Features;

/** The wallet did not do what the page requested. */
export class WalletRefusal extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Calls `changed` with the usable wallets, now and whenever a wallet appears or disappears. */
export function watchWallets(chain: Chain, changed: (wallets: readonly Wallet[]) => void): void {
  const { get, on } = getWallets();
  const report = () => {
    const isUsable = (wallet: Wallet) =>
      wallet.chains.includes(chain) && StandardConnect in wallet.features && SolanaSignTransaction in wallet.features;
    changed(get().filter(isUsable));
  };
  on("register", report);
  on("unregister", report);
  report();
}

/** A cluster in the wallet standard. */
export type Chain = `solana:${string}`;

/** A connected wallet. */
export class Connection {
  private constructor(
    readonly wallet: Wallet,
    readonly account: WalletAccount,
    /** The signer of the account, which the SDK has made. */
    readonly signer: TransactionSigner,
    private readonly chain: Chain,
  ) {}

  /** Connects a wallet. The visitor chooses which accounts the page may see. */
  static async open(wallet: Wallet, chain: Chain): Promise<Connection> {
    const signer = await connectWallet((found) => found.find((one) => one === wallet), chain);
    const account = wallet.accounts.find(({ address }) => address === signer.address);
    if (!account) throw new BautaError("no-wallet", `${wallet.name} shows no account`, "Select an account in the wallet.");
    return new Connection(wallet, account, signer, chain);
  }

  /**
   * Calls `changed` when the visitor selects another account, with a function that connects it, or
   * with `null` if the page may see no account any more.
   */
  watch(changed: (connect: (() => Promise<Connection>) | null) => void): () => void {
    const events = featuresOf(this.wallet)[StandardEvents];
    const stop = events?.on("change", ({ accounts }) => {
      if (!accounts || accounts[0]?.address === this.account.address) return;
      changed(accounts[0] ? () => Connection.open(this.wallet, this.chain) : null);
    });
    return stop ?? (() => undefined);
  }

  async close(): Promise<void> {
    await featuresOf(this.wallet)[StandardDisconnect]?.disconnect();
  }

  /** Returns how the wallet signs in, or `undefined` if it does not. */
  get signIn(): SignInWallet | undefined {
    const { wallet, account } = this;
    const feature = featuresOf(wallet)[SolanaSignIn];
    if (!feature) return undefined;
    return {
      signIn: async (message) => {
        const [output] = await feature.signIn({ ...message, address: account.address }).catch((cause: unknown) => {
          throw new WalletRefusal(`${wallet.name} did not sign in`, cause);
        });
        return { signedMessage: Uint8Array.from(output!.signedMessage), signature: Uint8Array.from(output!.signature) };
      },
    };
  }
}
