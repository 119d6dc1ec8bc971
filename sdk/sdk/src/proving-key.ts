// Web keys, whose files docs/web-prover.md describes.

import type { Prover, ProvingKey } from "@bauta/prover";

import { equal, sha256, toHex } from "./bytes.js";
import type { Scope } from "./chain.js";
import { BautaError } from "./error.js";
import { concat, type Service } from "./http.js";

const MAX_BYTES = 16 << 20;
const MAGIC = "bautaweb";
/** The offset of the number of public wires. */
const PUBLIC_WIRES = 16;
/** The offsets of alpha; of beta, gamma and delta; and of IC. */
const [ALPHA, BETA, IC, END] = [44, 108, 492, 620] as const;

/** Reads a proving key, and compares it with its digest and with the circuit of a scope. */
export async function readProvingKey(api: Service, key: ProvingKey, scope: Scope, signal?: AbortSignal): Promise<Uint8Array> {
  if (!/^[0-9a-f]{64}$/.test(key.sha256)) throw new RangeError("a digest is 64 lower-case hexadecimal digits");
  const bytes = key.url === undefined ? await fromApi(api, key.sha256, signal) : await fromUrl(api, new URL(key.url, globalThis.location?.href), signal);
  const found = toHex(await sha256(bytes));
  if (found !== key.sha256) {
    throw new BautaError(
      "false-proving-key",
      `the proving key has the SHA-256 ${found}, and ${key.sha256} is pinned`,
      "Use another source of the key, and report this one.",
    );
  }
  checkVerifyingKey(verifyingKeyOf(bytes), scope);
  return bytes;
}

function checkVerifyingKey(verifyingKey: Uint8Array | undefined, scope: Scope): void {
  if (verifyingKey && equal(verifyingKey, scope.verifyingKey)) return;
  throw new BautaError(
    "other-proving-key",
    `the pinned proving key does not belong to the circuit of the scope, whose vk_hash is ${scope.vkHash}`,
    "Pin the digest of the circuit's web key.",
  );
}

/** The verifying keys of the provers that have got a proving key. */
const keys = new WeakMap<Prover, Uint8Array>();

/**
 * Calls a prover with a function that loads its proving key, and returns the output. A prover keeps
 * its key, so a scope of another circuit is refused even if the prover loads nothing.
 */
export async function withProvingKey(
  api: Service,
  prover: Prover,
  key: ProvingKey,
  scope: Scope,
  signal: AbortSignal | undefined,
  prove: (load: () => Promise<Uint8Array>) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const known = keys.get(prover);
  if (known) checkVerifyingKey(known, scope);
  const output = await prove(async () => {
    const bytes = await readProvingKey(api, key, scope, signal);
    keys.set(prover, scope.verifyingKey);
    return bytes;
  });
  // The page gave the prover its key, and not the SDK.
  if (!keys.has(prover)) await readProvingKey(api, key, scope, signal).then(() => keys.set(prover, scope.verifyingKey));
  return output;
}

function fromApi(api: Service, digest: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return api.bytes({
    path: `/v1/proving-keys/${digest}`,
    route: "/v1/proving-keys/{sha256}",
    shows: ["circuit"],
    limit: MAX_BYTES,
    // The gateway for Oblivious HTTP serves no files. All clients of a circuit read the same key.
    direct: true,
    signal,
  });
}

function fromUrl(api: Service, url: URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return api.other(url, "file").bytes({ path: "", route: url.pathname, shows: ["circuit"], limit: MAX_BYTES, signal });
}

/**
 * Returns the verifying key that a web key is for, in the protocol's form. Returns `undefined` if
 * the bytes are not a web key with one public input.
 */
export function verifyingKeyOf(key: Uint8Array): Uint8Array | undefined {
  if (key.length < END || new TextDecoder().decode(key.subarray(0, MAGIC.length)) !== MAGIC) return undefined;
  if (new DataView(key.buffer, key.byteOffset).getUint32(PUBLIC_WIRES, true) !== 1) return undefined;
  // A web key is little-endian with c0 first, and the protocol big-endian with c1 first. So the
  // coordinates are reversed: those of G1 one by one, and those of G2 with both of their parts.
  const reversed = (from: number, to: number, size: number) =>
    Array.from({ length: (to - from) / size }, (_, number) => {
      const start = from + number * size;
      return key.slice(start, start + size).reverse();
    });
  return concat([...reversed(ALPHA, BETA, 32), ...reversed(BETA, IC, 64), ...reversed(IC, END, 32)]);
}
