// Identities of wallets. The package loads them when they are needed.

import type { SealedMaster } from "@bauta/prover";

import { equal, toHex } from "./bytes.js";
import { nameOf, type Cluster } from "./cluster.js";
import { BautaError } from "./error.js";
import { concat } from "./http.js";
import type { SignInWallet } from "./identity.js";
import { AES, random, seal, unsupported, USAGES } from "./sealing.js";

/** Derives the master secret of a wallet. `prefix` begins the names of its values in the vault. */
export async function walletMaster(
  wallet: SignInWallet,
  cluster: Cluster,
): Promise<{ readonly master: SealedMaster; readonly prefix: string }> {
  const domain = globalThis.location?.host ?? "localhost";
  const message = {
    domain,
    statement:
      `Open the Bauta identity of this wallet for ${domain} and ${nameOf(cluster)}. ` +
      "A page that gets this signature has the identity: sign only on this site.",
  };
  const signIn = () =>
    wallet.signIn(message).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BautaError("wallet-refused", `the wallet refused: ${reason}`, "Accept the request in the wallet.", { cause });
    });
  const [first, second] = [await signIn(), await signIn()];
  if (!equal(first.signature, second.signature) || !equal(first.signedMessage, second.signedMessage)) {
    throw unsupported("the wallet gives another signature each time, so it can't keep an identity");
  }
  if (!new TextDecoder().decode(first.signedMessage).includes(message.statement)) {
    throw unsupported("the wallet did not sign the requested message");
  }
  const tag = new TextEncoder().encode("bauta/wallet/1");
  const signed = concat([tag, first.signature]);
  const master = new Uint8Array(await crypto.subtle.digest("SHA-256", signed));
  signed.fill(0);
  const named = concat([tag, master]);
  try {
    const name = new Uint8Array(await crypto.subtle.digest("SHA-256", named));
    const key = await crypto.subtle.generateKey(AES, false, USAGES);
    const iv = random(12);
    const prefix = `wallet ${toHex(name.subarray(0, 8))} `;
    const handled = await crypto.subtle.importKey("raw", master, AES, true, ["encrypt"]);
    return { master: { key, iv, sealed: await seal(key, iv, handled) }, prefix };
  } finally {
    named.fill(0);
    master.fill(0);
  }
}
