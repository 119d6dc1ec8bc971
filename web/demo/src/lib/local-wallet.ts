// A wallet for local chains, for visitors who have no wallet that can use one. It signs without a
// confirmation, and its key is lost when the page is closed.

import {
  generateKeyPair,
  getAddressEncoder,
  getAddressFromPublicKey,
  getTransactionDecoder,
  getTransactionEncoder,
  partiallySignTransaction,
} from "@solana/kit";
import { SolanaSignTransaction, type SolanaSignTransactionMethod } from "@solana/wallet-standard-features";
import type { IdentifierString, Wallet, WalletAccount, WindowAppReadyEventAPI } from "@wallet-standard/base";
import { StandardConnect } from "@wallet-standard/features";

const ICON = `data:image/svg+xml;base64,${btoa(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#3730a3"/>' +
    '<path d="M6 8h12v9H6zM15 11h3v3h-3z" fill="none" stroke="#fff" stroke-width="1.6"/></svg>',
)}` as const;

/** Adds the wallet to those that the page finds. */
export async function registerLocalWallet(chain: IdentifierString): Promise<void> {
  const keys = await generateKeyPair();
  const address = await getAddressFromPublicKey(keys.publicKey);
  const account: WalletAccount = {
    address,
    publicKey: Uint8Array.from(getAddressEncoder().encode(address)),
    chains: [chain],
    features: [SolanaSignTransaction],
  };
  const signTransaction: SolanaSignTransactionMethod = (...inputs) =>
    Promise.all(
      inputs.map(async ({ transaction }) => {
        const decoded = getTransactionDecoder().decode(transaction);
        const signed = await partiallySignTransaction([keys], decoded);
        return { signedTransaction: Uint8Array.from(getTransactionEncoder().encode(signed)) };
      }),
    );
  const wallet: Wallet = {
    version: "1.0.0",
    name: "Local test wallet",
    icon: ICON,
    chains: [chain],
    accounts: [account],
    features: {
      [StandardConnect]: { version: "1.0.0", connect: async () => ({ accounts: [account] }) },
      [SolanaSignTransaction]: { version: "1.0.0", supportedTransactionVersions: ["legacy", 0], signTransaction },
    },
  };
  announce(wallet);
}

/** Registers the wallet as an extension does: with each application that looks for wallets. */
function announce(wallet: Wallet): void {
  const addTo = ({ register }: WindowAppReadyEventAPI) => register(wallet);
  addEventListener("wallet-standard:app-ready", (event) => addTo((event as CustomEvent<WindowAppReadyEventAPI>).detail));
  dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: addTo }));
}
