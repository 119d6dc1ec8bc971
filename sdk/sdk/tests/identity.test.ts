// How an identity is kept, and what can open it.

import assert from "node:assert/strict";
import { createHmac, createHash } from "node:crypto";
import { afterEach, test } from "node:test";

import { BAUTA_PROGRAM_ADDRESS } from "@bauta/program";

import { restoreIdentity, memoryVault, type BautaCode, type Cluster, type SignInWallet, type Vault } from "../src/index.ts";
import { openIdentity, remember, type Identity, type IdentitySource } from "../src/identity.ts";
import { entryIdOf } from "../src/index.ts";
import { secretIn } from "./prover.ts";
import { addressOf } from "./world.ts";

const registry = addressOf(1);
const open = (vault: Vault, how: IdentitySource) => openIdentity(vault, how, "devnet");
const refused = (code: BautaCode) => ({ name: "BautaError", code });
const passphrase = (text: string) => ({ wrap: { passphrase: text } }) as const;

async function secretOf(identity: Identity, counter = 0): Promise<string> {
  const entry = { registry, entryId: await entryIdOf(addressOf(2)), counter };
  return (await secretIn(identity, entry)).toString(16).padStart(64, "0");
}

const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
afterEach(() => {
  if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
  else delete (globalThis as { navigator?: unknown }).navigator;
  delete (globalThis as { location?: unknown }).location;
});

test("an identity is the same each time that it is opened, and another one in another vault", async () => {
  for (const how of [{ wrap: "device" }, passphrase("one")] as const) {
    const vault = memoryVault();
    const first = await secretOf(await open(vault, how));
    assert.equal(await secretOf(await open(vault, how)), first);
    assert.notEqual(await secretOf(await open(vault, how), 1), first);
    assert.notEqual(await secretOf(await open(memoryVault(), how)), first);
  }
});

test("a wrong passphrase or another way to open it is refused, and changes nothing", async () => {
  const vault = memoryVault();
  const secret = await secretOf(await open(vault, passphrase("one")));
  await assert.rejects(open(vault, passphrase("two")), refused("identity-sealed"));
  await assert.rejects(open(vault, { wrap: "device" }), refused("identity-sealed"));
  assert.equal(await secretOf(await open(vault, passphrase("one"))), secret);
});

test("no call of WebCrypto gives the page the master secret", async () => {
  const called: string[] = [];
  const honest = (["decrypt", "exportKey"] as const).map((name) => [name, crypto.subtle[name]] as const);
  for (const [name, call] of honest) {
    const recorded = (...what: never[]) => (called.push(name), (call as (...what: never[]) => unknown).apply(crypto.subtle, what));
    Object.defineProperty(crypto.subtle, name, { value: recorded, configurable: true });
  }
  try {
    const [vault, other] = [memoryVault(), memoryVault()];
    await open(vault, { wrap: "device" });
    const backup = await (await open(vault, { wrap: "device" })).backup("paper");
    await restoreIdentity(other, backup, "paper");
    await open(other, passphrase("paper"));
    assert.deepEqual(called, []);
    await secretOf(await open(other, passphrase("paper")));
    assert.deepEqual(called, ["decrypt"]);
  } finally {
    for (const [name] of honest) delete (crypto.subtle as unknown as Record<string, unknown>)[name];
  }
});

test("a backup restores the identity, with its passphrase only, and never over another one", async () => {
  const vault = memoryVault();
  const identity = await open(vault, { wrap: "device" });
  const backup = await identity.backup("paper");
  const other = memoryVault();
  await assert.rejects(restoreIdentity(other, backup, "other"), refused("identity-sealed"));
  await restoreIdentity(other, backup, "paper");
  assert.equal(await secretOf(await open(other, passphrase("paper"))), await secretOf(identity));
  await assert.rejects(restoreIdentity(vault, backup, "paper"), refused("identity-sealed"));
});

test("a backup restores the registrations, and a backup of an earlier version has none", async () => {
  const identity = await open(memoryVault(), { wrap: "device" });
  const early = await identity.backup("paper");
  assert.equal(early.length, 76);
  const made = [
    { registry, asset: addressOf(2), counter: 3 },
    { registry, asset: addressOf(3), counter: 0, index: (1n << 53n) + 1n },
  ];
  for (const registration of made) await remember(identity, registration);
  const backup = await identity.backup("paper");
  for (const [copy, registrations] of [[backup, made], [early, []]] as const) {
    const vault = memoryVault();
    await restoreIdentity(vault, copy, "paper");
    const restored = await open(vault, passphrase("paper"));
    assert.deepEqual(await restored.registrations(), registrations);
    assert.equal(await secretOf(restored), await secretOf(identity));
  }
  backup[backup.length - 1]! ^= 1;
  const vault = memoryVault();
  await assert.rejects(restoreIdentity(vault, backup, "paper"), refused("identity-sealed"));
  assert.equal(await vault.get("identity"), undefined);
});

test("calls at the same time create one identity, and lose no registration", async () => {
  const vault = memoryVault();
  const [first, second] = await Promise.all([open(vault, { wrap: "device" }), open(vault, { wrap: "device" })]);
  assert.equal(await secretOf(first), await secretOf(second));
  const assets = [2, 3, 4].map(addressOf);
  await Promise.all(assets.map((asset, number) => remember(number === 0 ? first : second, { registry, asset, counter: 0 })));
  assert.deepEqual((await first.registrations()).map(({ asset }) => asset), assets);
  await assert.rejects(Promise.all([passphrase("one"), passphrase("two")].map((how) => open(vault, how))), refused("identity-sealed"));
});

test("two tabs create one identity", async () => {
  // Two vaults with the same values, and the locks that tabs of an origin share.
  let held: Promise<unknown> = Promise.resolve();
  const request = (_: string, work: () => Promise<unknown>) => (held = held.then(work));
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  const stored = memoryVault();
  const tab = (): Vault => ({ get: (name) => stored.get(name), set: (name, value) => stored.set(name, value) });
  const [first, second] = await Promise.all([open(tab(), { wrap: "device" }), open(tab(), { wrap: "device" })]);
  assert.equal(await secretOf(first), await secretOf(second));
});

/** A wallet that signs with a hash. Real wallets sign with Ed25519, which is as deterministic. */
function wallet(change: (call: number, message: string) => { message: string; salt: string }): SignInWallet {
  let call = 0;
  return {
    signIn: async ({ domain, statement }) => {
      const { message, salt } = change(call++, `${domain} wants you to sign in\n\n${statement}`);
      const signature = createHash("sha512").update(`key ${salt} ${message}`).digest();
      return { signedMessage: new TextEncoder().encode(message), signature: Uint8Array.from(signature) };
    },
  };
}

test("the signature of a wallet is an identity, and a wallet that signs differently each time is refused", async () => {
  const honest = wallet((_, message) => ({ message, salt: "" }));
  const secret = await secretOf(await open(memoryVault(), { wallet: honest }));
  assert.equal(await secretOf(await open(memoryVault(), { wallet: honest })), secret);
  const random = wallet((call, message) => ({ message, salt: String(call) }));
  await assert.rejects(open(memoryVault(), { wallet: random }), refused("identity-unsupported"));
  const dated = wallet((call, message) => ({ message: `${message}\nIssued At: ${call}`, salt: "" }));
  await assert.rejects(open(memoryVault(), { wallet: dated }), refused("identity-unsupported"));
  const other = wallet(() => ({ message: "pay everything", salt: "" }));
  await assert.rejects(open(memoryVault(), { wallet: other }), refused("identity-unsupported"));
});

test("the message of a sign-in names the program and the cluster, so a signature for one opens no other identity", async () => {
  const tag = (byte: number) => new Uint8Array(32).fill(byte);
  const clusters: [Cluster, string][] = [
    ["devnet", "devnet"],
    ["mainnet", "mainnet"],
    [{ tag: tag(1) }, `the cluster with the tag ${"01".repeat(32)}`],
    [{ tag: tag(2) }, `the cluster with the tag ${"02".repeat(32)}`],
  ];
  const secrets = new Set<string>();
  for (const [cluster, name] of clusters) {
    const messages: string[] = [];
    const recording = wallet((_, message) => {
      messages.push(message);
      return { message, salt: "" };
    });
    secrets.add(await secretOf(await openIdentity(memoryVault(), { wallet: recording }, cluster)));
    assert(messages[0]?.includes(`the program ${BAUTA_PROGRAM_ADDRESS} on ${name}. `), messages[0]);
  }
  assert.equal(secrets.size, clusters.length);
});

test("a passkey opens the identity with the secret that it gives to this origin", async () => {
  const makers: { enabled: boolean }[] = [];
  const passkeys = (enabled: boolean, key: string) => ({
    credentials: {
      create: async () => {
        makers.push({ enabled });
        return { rawId: new Uint8Array([1, 2, 3]).buffer, getClientExtensionResults: () => ({ prf: { enabled } }) };
      },
      get: async ({ publicKey }: { publicKey: { extensions: { prf: { eval: { first: Uint8Array } } } } }) => {
        const { first } = publicKey.extensions.prf.eval;
        const secret = Uint8Array.from(createHmac("sha256", key).update(first).digest());
        return { getClientExtensionResults: () => ({ prf: enabled ? { results: { first: secret } } : {} }) };
      },
    },
  });
  const use = (value: unknown) => Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  Object.defineProperty(globalThis, "location", { value: { hostname: "dapp.example" }, configurable: true });
  const vault = memoryVault();
  use(passkeys(true, "key"));
  const secret = await secretOf(await open(vault, { wrap: "passkey" }));
  assert.equal(await secretOf(await open(vault, { wrap: "passkey" })), secret);
  assert.equal(makers.length, 1);
  use(passkeys(true, "the key of another device"));
  await assert.rejects(open(vault, { wrap: "passkey" }), refused("identity-sealed"));
  use(passkeys(false, "key"));
  await assert.rejects(open(vault, { wrap: "passkey" }), refused("identity-unsupported"));
  await assert.rejects(open(memoryVault(), { wrap: "passkey" }), refused("identity-unsupported"));
  use({});
  await assert.rejects(open(memoryVault(), { wrap: "passkey" }), refused("identity-unsupported"));
});

test("a refusal of the passkey, of the wallet or of the page is named", async () => {
  const use = (value: unknown) => Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  Object.defineProperty(globalThis, "location", { value: { hostname: "dapp.example" }, configurable: true });
  for (const [name, code] of [
    ["NotAllowedError", "passkey-refused"],
    ["SecurityError", "identity-unsupported"],
  ] as const) {
    const refuse = () => Promise.reject(new DOMException("no", name));
    use({ credentials: { create: refuse, get: refuse } });
    const vault = memoryVault();
    await assert.rejects(open(vault, { wrap: "passkey" }), refused(code));
    // The vault has no half of an identity, so another way can create one.
    await open(vault, { wrap: "device" });
  }
  const signIn = () => Promise.reject(new Error("User rejected the request."));
  await assert.rejects(open(memoryVault(), { wallet: { signIn } }), refused("wallet-refused"));
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  try {
    await assert.rejects(open(memoryVault(), { wrap: "device" }), refused("identity-unsupported"));
  } finally {
    delete (crypto as { subtle?: unknown }).subtle;
  }
});

test("nothing in the vault is the master secret or the secret of an entry", async () => {
  const values: unknown[] = [];
  const inner = memoryVault();
  const vault: Vault = { get: inner.get, set: async (name, value) => void (values.push(value), await inner.set(name, value)) };
  const identity = await open(vault, { wrap: "device" });
  const secret = await secretOf(identity);
  const text = JSON.stringify(values, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value));
  assert.ok(values.length > 0 && !text.includes(secret));
  const [record] = values as [{ sealed: Uint8Array; key: CryptoKey }];
  // 32 bytes and the tag of AES-GCM.
  assert.equal(record.sealed.length, 48);
  assert.equal(record.key.extractable, false);
});
