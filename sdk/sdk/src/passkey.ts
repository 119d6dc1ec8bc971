// Passkeys that seal identities. The package loads them when they are needed.

import { BautaError } from "./error.js";
import { AES, random, unsupported, USAGES, type Bytes } from "./sealing.js";

/** Creates a passkey with the extension PRF, which gives a secret to this origin only. */
export async function createPasskey(): Promise<Bytes> {
  const made = (await permitted((credentials) =>
    credentials.create({
      publicKey: {
        challenge: random(32),
        rp: { name: location.hostname },
        user: { id: random(16), name: "Bauta identity", displayName: "Bauta identity" },
        pubKeyCredParams: [
          { type: "public-key", alg: -7 },
          { type: "public-key", alg: -257 },
        ],
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        extensions: { prf: {} } as AuthenticationExtensionsClientInputs,
      },
    }),
  )) as PublicKeyCredential | null;
  const { prf } = (made?.getClientExtensionResults() ?? {}) as { prf?: { enabled?: boolean } };
  if (!made || !prf?.enabled) throw unsupported("this passkey gives no secret (the extension PRF of WebAuthn)");
  return new Uint8Array(made.rawId.slice(0));
}

/** Returns the key that a passkey derives from a salt. */
export async function passkeyKey(credential: Bytes, salt: Bytes): Promise<CryptoKey> {
  const found = (await permitted((credentials) =>
    credentials.get({
      publicKey: {
        challenge: random(32),
        allowCredentials: [{ type: "public-key", id: credential }],
        userVerification: "required",
        extensions: { prf: { eval: { first: salt } } } as AuthenticationExtensionsClientInputs,
      },
    }),
  )) as PublicKeyCredential | null;
  type Results = { prf?: { results?: { first?: BufferSource } } };
  const secret = ((found?.getClientExtensionResults() ?? {}) as Results).prf?.results?.first;
  if (!secret) throw unsupported("this passkey gave no secret (the extension PRF of WebAuthn)");
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode("bauta/passkey/1");
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return crypto.subtle.deriveKey(how, material, AES, false, USAGES);
}

/** Calls the passkeys of the page, and names their refusal. */
async function permitted<T>(call: (credentials: CredentialsContainer) => Promise<T>): Promise<T> {
  const credentials = globalThis.navigator?.credentials as CredentialsContainer | undefined;
  if (!credentials) throw unsupported("this engine has no passkeys");
  try {
    return await call(credentials);
  } catch (cause) {
    const { name } = cause as Error;
    if (name !== "NotAllowedError" && name !== "AbortError") throw unsupported(`the passkey failed: ${String(cause)}`, cause);
    throw new BautaError(
      "passkey-refused",
      `the user or the browser refused the passkey, or its time was over: ${String(cause)}`,
      "Confirm the request of the browser. If the passkey was deleted, restore a backup in another vault.",
      { cause },
    );
  }
}
