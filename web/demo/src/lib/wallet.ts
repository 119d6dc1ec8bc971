// The wallet of the visitor, by the wallet standard. The rest of the page knows only what this file
// exports.

import {
  address,
  assertIsTransactionWithinSizeLimit,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  getTransactionEncoder,
  getTransactionLifetimeConstraintFromCompiledTransactionMessage,
  type TransactionModifyingSigner,
} from "@solana/kit";
import type { SignInWallet } from "@bauta/sdk";
import {
  SolanaSignIn,
  SolanaSignTransaction,
  type SolanaSignInFeature,
  type SolanaSignTransactionFeature,
} from "@solana/wallet-standard-features";
import { getWallets } from "@wallet-standard/app";
import type { IdentifierString, Wallet, WalletAccount } from "@wallet-standard/base";
import {
  StandardConnect,
  StandardDisconnect,
  StandardEvents,
  type StandardConnectFeature,
  type StandardDisconnectFeature,
  type StandardEventsFeature,
} from "@wallet-standard/features";

type Features = Partial<
  StandardConnectFeature &
    StandardDisconnectFeature &
    StandardEventsFeature &
    SolanaSignInFeature &
    SolanaSignTransactionFeature
>;

const featuresOf = (wallet: Wallet) => wallet.features as Features;

/** The wallet did not do what the page requested. */
export class WalletRefusal extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Calls `changed` with the usable wallets, now and whenever a wallet appears or disappears. */
export function watchWallets(chain: IdentifierString, changed: (wallets: readonly Wallet[]) => void): void {
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

/** A connected wallet. */
export class Connection {
  private constructor(
    readonly wallet: Wallet,
    readonly account: WalletAccount,
    private readonly chain: IdentifierString,
  ) {}

  /** Connects a wallet. It asks the visitor which accounts the page may see. */
  static async open(wallet: Wallet, chain: IdentifierString): Promise<Connection> {
    const connected = await featuresOf(wallet)
      [StandardConnect]!.connect()
      .catch((cause: unknown) => {
        throw new WalletRefusal(`${wallet.name} did not connect`, cause);
      });
    const [account] = connected.accounts;
    if (!account) throw new WalletRefusal(`${wallet.name} did not connect`, "it shows no account");
    return new Connection(wallet, account, chain);
  }

  /** Calls `changed` with another connection when the visitor selects another account. */
  watch(changed: (connection: Connection | null) => void): () => void {
    const events = featuresOf(this.wallet)[StandardEvents];
    const stop = events?.on("change", ({ accounts }) => {
      if (!accounts || accounts[0]?.address === this.account.address) return;
      changed(accounts[0] ? new Connection(this.wallet, accounts[0], this.chain) : null);
    });
    return stop ?? (() => undefined);
  }

  async close(): Promise<void> {
    await featuresOf(this.wallet)[StandardDisconnect]?.disconnect();
  }

  /** Returns the signer of the account. The wallet may add instructions before it signs. */
  get signer(): TransactionModifyingSigner {
    const { wallet, account, chain } = this;
    return {
      address: address(account.address),
      modifyAndSignTransactions: (transactions) =>
        Promise.all(
          transactions.map(async (transaction) => {
            const wire = Uint8Array.from(getTransactionEncoder().encode(transaction));
            const [signed] = await featuresOf(wallet)
              [SolanaSignTransaction]!.signTransaction({ account, chain, transaction: wire })
              .catch((cause: unknown) => {
                throw new WalletRefusal(`${wallet.name} did not sign`, cause);
              });
            const result = getTransactionDecoder().decode(signed!.signedTransaction);
            assertIsTransactionWithinSizeLimit(result);
            const message = getCompiledTransactionMessageDecoder().decode(result.messageBytes);
            const lifetimeConstraint = await getTransactionLifetimeConstraintFromCompiledTransactionMessage(message);
            return Object.freeze({ ...result, lifetimeConstraint });
          }),
        ),
    };
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
