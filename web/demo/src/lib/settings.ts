import { address, type Address } from "@solana/kit";
import type { ProvingKey } from "@bauta/sdk";

import type { Chain } from "./wallet.js";

/** What the page is for. The server that has the page serves it as `/config.json`. */
export interface Settings {
  /** The tag of the cluster. */
  readonly tag: Uint8Array;
  /** The name of the cluster in the wallet standard. */
  readonly chain: Chain;
  readonly rpc: readonly string[];
  readonly api: string;
  readonly registry: Address;
  readonly scope: Address;
  readonly key: ProvingKey;
  /** The route that creates tokens. Only local chains have one. */
  readonly faucet: string | undefined;
}

/** Reads the settings of the page. */
export async function readSettings(): Promise<Settings> {
  const response = await fetch("/config.json");
  if (!response.ok) throw new Error(`the settings of this page can't be read: the server answered ${response.status}`);
  const { tag, registry, scope, ...others } = await response.json();
  const bytes = Uint8Array.from((tag as string).match(/../g) ?? [], (digits) => parseInt(digits, 16));
  return { ...others, tag: bytes, registry: address(registry), scope: address(scope) };
}
