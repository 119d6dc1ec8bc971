// Wallets by the wallet standard. The rest of the page knows only what this file exports.

import { SolanaSignIn, SolanaSignMessage, type SolanaSignInFeature, type SolanaSignMessageFeature } from "@solana/wallet-standard-features";
import { getWallets } from "@wallet-standard/app";
import type { Wallet } from "@wallet-standard/base";
import { StandardConnect, type StandardConnectFeature } from "@wallet-standard/features";

import { base58 } from "./base58.js";

export type { Wallet };

type Features = Partial<StandardConnectFeature & SolanaSignInFeature & SolanaSignMessageFeature>;

/** What the API gives a wallet to sign: the input of `solana:signIn`. */
export interface SignInInput {
  readonly domain: string;
  readonly address: string;
  readonly statement: string;
  readonly uri: string;
  readonly version: string;
  readonly chainId: string;
  readonly nonce: string;
  readonly issuedAt: string;
  readonly expirationTime: string;
}

/** Calls `changed` with the wallets that can sign in, now and whenever one appears or disappears. */
export function watchWallets(changed: (wallets: readonly Wallet[]) => void): () => void {
  const { get, on } = getWallets();
  const report = () => {
    const canSign = ({ features }: Wallet) => StandardConnect in features && (SolanaSignIn in features || SolanaSignMessage in features);
    changed(get().filter((wallet) => canSign(wallet) && wallet.chains.some((chain) => chain.startsWith("solana:"))));
  };
  const stops = [on("register", report), on("unregister", report)];
  report();
  return () => stops.forEach((stop) => stop());
}

/** Connects a wallet. Returns the address of its first account, and how it signs a challenge. */
export async function connect(wallet: Wallet) {
  const features = wallet.features as Features;
  const { accounts } = await features[StandardConnect]!.connect();
  const account = accounts[0];
  if (!account) throw new Error(`${wallet.name} shows no account. Select one in the wallet.`);
  const sign = async (input: SignInInput): Promise<string> => {
    const signIn = features[SolanaSignIn];
    if (signIn) {
      const { address, ...fields } = input;
      const [output] = await signIn.signIn({ ...fields, address });
      return base58(Uint8Array.from(output!.signature));
    }
    const message = new TextEncoder().encode(messageOf(input));
    const [output] = await features[SolanaSignMessage]!.signMessage({ account, message });
    return base58(Uint8Array.from(output!.signature));
  };
  return { address: account.address, sign };
}

/** Returns the text that `solana:signIn` signs, for wallets that only sign messages. */
function messageOf(input: SignInInput): string {
  const { domain, address, statement, uri, version, chainId, nonce, issuedAt, expirationTime } = input;
  return [
    `${domain} wants you to sign in with your Solana account:`,
    address,
    "",
    statement,
    "",
    `URI: ${uri}`,
    `Version: ${version}`,
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${issuedAt}`,
    `Expiration Time: ${expirationTime}`,
  ].join("\n");
}
