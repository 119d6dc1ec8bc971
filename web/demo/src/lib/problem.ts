import { BautaError } from "@bauta/sdk";

import { WalletRefusal } from "./wallet.js";

/** Why an action failed, for the visitor. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** Returns what to show for an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof BautaError) return { code: error.code, message: sentence(error.message), remedy: error.remedy };
  if (error instanceof WalletRefusal) {
    return { code: "wallet-refused", message: sentence(error.message), remedy: "Nothing was sent. Try again if you like." };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "failed", message: sentence(message), remedy: "Try again. If it fails again, reload the page." };
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
