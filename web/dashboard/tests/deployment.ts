// The running deployment: its accounts, its prover, and visits of the demo page.

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import type { Browser } from "playwright-core";

import { Visitor } from "../../demo/tests/visitor.ts";
import { base58 } from "../src/lib/base58.ts";

/** A test waits this long for a condition. A busy machine takes its time. */
export const PATIENCE = 180_000;

function variable(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set: run \`cargo xtask drill web\``);
  return value;
}

/** The address of the API. */
export const API = variable("BAUTA_API_URL");
/** The address of the prover service. */
export const PROVER = variable("BAUTA_PROVER_URL");
/** An API key of both. */
export const API_KEY = variable("BAUTA_API_KEY");

/** The beginning of an Ed25519 key in PKCS #8. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key of a wallet. */
export class WalletKey {
  readonly pkcs8: Buffer;
  readonly publicKey: Buffer;
  readonly address: string;

  constructor(seed: Uint8Array = randomBytes(32)) {
    this.pkcs8 = Buffer.concat([PKCS8, seed]);
    const key = createPrivateKey({ key: this.pkcs8, format: "der", type: "pkcs8" });
    this.publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
    this.address = base58(this.publicKey);
  }

  /** Logs in at the API. Returns an access token. */
  async logIn(): Promise<string> {
    const { address } = this;
    const input = await request<Record<string, string>>("POST", "/v1/auth/challenge", { body: { address } });
    const { domain, statement, uri, version, chainId, nonce, issuedAt, expirationTime } = input;
    const text =
      `${domain} wants you to sign in with your Solana account:\n${address}\n\n${statement}\n\nURI: ${uri}\nVersion: ${version}\n` +
      `Chain ID: ${chainId}\nNonce: ${nonce}\nIssued At: ${issuedAt}\nExpiration Time: ${expirationTime}`;
    const key = createPrivateKey({ key: this.pkcs8, format: "der", type: "pkcs8" });
    const signature = base58(sign(null, Buffer.from(text), key));
    const tokens = await request<{ access_token: string }>("POST", "/v1/auth/token", { body: { address, nonce, signature } });
    return tokens.access_token;
  }
}

/** Sends a request to the API. Fails if it is refused. */
export async function request<T>(method: string, path: string, options: { body?: unknown; token?: string } = {}): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (options.token) headers["authorization"] = `Bearer ${options.token}`;
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  const response = await fetch(API + path, { method, headers, body });
  const text = await response.text();
  assert(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Returns the wallet of the deployment's keypair, which has all roles. */
export function owner(): WalletKey {
  const bytes: number[] = JSON.parse(readFileSync(variable("BAUTA_KEYPAIR"), "utf8"));
  return new WalletKey(Uint8Array.from(bytes.slice(0, 32)));
}

/** Creates a wallet with exactly these roles. */
export async function walletWith(...roles: string[]): Promise<WalletKey> {
  const wallet = new WalletKey();
  await request("PUT", `/v1/accounts/${wallet.address}/roles`, { body: { roles }, token: await owner().logIn() });
  return wallet;
}

/** The page, which the API serves. */
export const DASHBOARD = `${API}/dashboard/`;

/** Has the visitors of the demo page register and prove. */
export async function visitDemo(browser: Browser, visits = 1): Promise<void> {
  for (let visit = 0; visit < visits; visit++) {
    const visitor = await Visitor.open(browser);
    await visitor.connect();
    await visitor.getToken("Metaplex Core");
    await visitor.register();
    await visitor.prove();
    await visitor.finality();
    await visitor.leave();
  }
}

/** Returns the resume token of a stream of final events that begins now. */
export async function resumeTokenOfNow(): Promise<string> {
  const aborted = new AbortController();
  const response = await fetch(`${API}/v1/events?commitment=finalized`, { signal: aborted.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    assert(!done, `the stream ended without a token: ${text}`);
    text += value;
    const id = /^id: ?([\w-]{48})$/m.exec(text)?.[1];
    if (!id) continue;
    aborted.abort();
    return id;
  }
}

/** Changes the database behind the service's back. Returns what undoes the change. */
export function damage(change: string, undo: readonly string[]): () => void {
  const run = (statement: string) => {
    const arguments_ = [variable("DATABASE_URL"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement];
    execFileSync("psql", arguments_, { stdio: ["ignore", "ignore", "inherit"] });
  };
  run(change);
  return () => undo.forEach(run);
}

/** Requests proofs as jobs of the prover service. Returns after they were accepted. */
export async function requestProofs(count: number): Promise<void> {
  const document = await (await fetch(`${PROVER}/openapi.json`)).json();
  const example = document.paths["/prove"].post.requestBody.content["application/json"].examples.ownership.value;
  await Promise.all(
    Array.from({ length: count }, async () => {
      const body = JSON.stringify({ ...example, wait: false });
      const response = await fetch(`${PROVER}/prove`, { method: "POST", headers: { "content-type": "application/json" }, body });
      assert.equal(response.status, 202, await response.text());
    }),
  );
}

/** Waits for a condition. */
export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const start = Date.now(); !(await condition()); ) {
    assert(Date.now() - start < PATIENCE, `waited for ${PATIENCE / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
