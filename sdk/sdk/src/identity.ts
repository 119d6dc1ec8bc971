import { getAddressEncoder, type Address } from "@solana/kit";
import type { EntrySecret, SealedMaster } from "@bauta/prover";

import type { Cluster } from "./cluster.js";
import { fieldToBytes, type Field } from "./field.js";
import { concat } from "./http.js";
import { loaded } from "./parts.js";
import { AES, newMaster, open, random, seal, sealedOtherwise, unsupported, USAGES, type Bytes } from "./sealing.js";
import type { Vault } from "./vault.js";

/** What seals an identity. */
export type Wrap = "passkey" | "device" | { readonly passphrase: string };

/** How an identity is kept. */
export type IdentitySource =
  /**
   * Sealed in the vault: by a passkey, by a key that the device doesn't export, or by a passphrase.
   */
  | { readonly wrap: Wrap }
  /**
   * Derived from a signature of a wallet. Every page that gets this signature has the identity, so
   * the wallet must check the domain of the message: only `solana:signIn` does.
   */
  | { readonly wallet: SignInWallet };

/** A wallet with the feature `solana:signIn` of the wallet standard. */
export interface SignInWallet {
  signIn(message: { readonly domain: string; readonly statement: string }): Promise<{
    readonly signedMessage: Uint8Array;
    readonly signature: Uint8Array;
  }>;
}

/** A registration of an identity. */
export interface Registration {
  readonly registry: Address;
  readonly asset: Address;
  /** The counter of the entry's secret. */
  readonly counter: number;
  /** The position of the leaf, from the nodes. It is missing if it is not known yet. */
  readonly index?: bigint;
  /** When the leaf was written, in Unix seconds, from the nodes. */
  readonly since?: bigint;
}

/** A sealed master secret in the vault. */
interface Sealed {
  readonly kind: "passkey" | "device" | "passphrase";
  readonly salt: Bytes;
  readonly iv: Bytes;
  readonly sealed: Bytes;
  /** The key of the kind `device`. */
  readonly key?: CryptoKey;
  /** The credential of the kind `passkey`. */
  readonly credential?: Bytes;
}

const IDENTITY = "identity";
const REGISTRATIONS = "registrations";
const ROUNDS = 600_000;

/** The entry that a secret is derived for. */
export interface SecretEntry {
  readonly registry: Address;
  readonly entryId: Field;
  readonly counter: number;
}

/** Creates the handle of an identity. `prefix` begins the names of its values in the vault. */
let handle: (master: SealedMaster, vault: Vault, prefix: string) => Identity;

/**
 * Returns what the prover derives the secret of an entry from. The package does not export this
 * function, so a page can't use a secret by mistake.
 */
export let secretOf: (identity: Identity, entry: SecretEntry) => EntrySecret;

/**
 * Replaces the stored registration of an asset, or removes it if `change` returns `undefined`. It
 * gets the present one, which another call or another tab may have changed.
 */
export let update: (
  identity: Identity,
  entry: Pick<Registration, "registry" | "asset">,
  change: (known: Registration | undefined) => Registration | undefined,
) => Promise<void>;

/** Stores a registration of an identity. */
export function remember(identity: Identity, registration: Registration): Promise<void> {
  return update(identity, registration, () => registration);
}

/**
 * A member. It is a handle: the master secret is sealed, and only the prover's worker opens it.
 */
export class Identity {
  readonly #master: SealedMaster;
  readonly #vault: Vault;
  readonly #prefix: string;

  static {
    handle = (master, vault, prefix) => new Identity(master, vault, prefix);
    secretOf = (identity, entry) => identity.#secretOf(entry);
    update = (identity, entry, change) => identity.#update(entry, change);
  }

  private constructor(master: SealedMaster, vault: Vault, prefix: string) {
    this.#master = master;
    this.#vault = vault;
    this.#prefix = prefix;
  }

  /** Returns the registrations that this identity has made, oldest first. */
  async registrations(): Promise<readonly Registration[]> {
    return ((await this.#vault.get(this.#prefix + REGISTRATIONS)) as Registration[] | undefined) ?? [];
  }

  /**
   * Returns a copy of the identity and of its registrations that a passphrase seals.
   * {@link restoreIdentity} reads it. Make a new one after each registration.
   */
  async backup(passphrase: string): Promise<Uint8Array> {
    const [salt, iv, second] = [random(16), random(12), random(12)];
    const key = await passphraseKey(passphrase, salt, [...USAGES, "encrypt"]);
    const sealed = await seal(key, iv, await open(this.#master));
    const made = (await this.registrations()).map(({ registry, asset, counter, index }) => ({
      ...{ registry, asset, counter },
      index: index?.toString(),
    }));
    if (made.length === 0) return concat([salt, iv, sealed]);
    const text = new TextEncoder().encode(JSON.stringify(made));
    const list = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: second }, key, text));
    return concat([salt, iv, sealed, second, list]);
  }

  #secretOf({ registry, entryId, counter }: SecretEntry): EntrySecret {
    const address = Uint8Array.from(getAddressEncoder().encode(registry));
    return { ...this.#master, registry: address, entryId: fieldToBytes(entryId), counter };
  }

  #update({ registry, asset }: Parameters<typeof update>[1], change: Parameters<typeof update>[2]): Promise<void> {
    return exclusively(this.#vault, async () => {
      const all = await this.registrations();
      const known = all.find((other) => other.registry === registry && other.asset === asset);
      const changed = change(known);
      const others = all.filter((other) => other !== known);
      await this.#vault.set(this.#prefix + REGISTRATIONS, changed ? [...others, changed] : others);
    });
  }
}

/**
 * Opens the identity of a vault. Creates one if the vault has none.
 *
 * @throws {@link BautaError} if the identity is sealed in another way, if the passphrase is wrong,
 * or if the vault, the passkey or the wallet fails.
 */
export async function openIdentity(vault: Vault, how: IdentitySource, cluster: Cluster): Promise<Identity> {
  if (!globalThis.crypto?.subtle) throw unsupported("this page has no WebCrypto: serve it over HTTPS");
  if ("wallet" in how) {
    const { walletMaster } = await loaded(import("./wallet-identity.js"));
    const { master, prefix } = await walletMaster(how.wallet, cluster);
    return handle(master, vault, prefix);
  }
  const kind = typeof how.wrap === "string" ? how.wrap : "passphrase";
  const stored = async () => (await vault.get(IDENTITY)) as Sealed | undefined;
  const create = async () => (await stored()) ?? createIdentity(vault, kind, how.wrap);
  const found = (await stored()) ?? (await exclusively(vault, create));
  if ("handled" in found) return found.handled;
  const { iv, sealed } = found;
  if (found.kind !== kind) throw sealedOtherwise(`the vault has an identity that is sealed by a ${found.kind}`);
  const key = await sealingKey(how.wrap, found);
  // A wrong passphrase is found here, and not at the first proof.
  await open({ key, iv, sealed });
  return handle({ key, iv, sealed }, vault, "");
}

/** Creates the identity of an empty vault. */
async function createIdentity(vault: Vault, kind: Sealed["kind"], wrap: Wrap): Promise<{ readonly handled: Identity }> {
  const record = await created(kind);
  const { iv } = record;
  const key = await sealingKey(wrap, record);
  const sealed = await seal(key, iv, await newMaster());
  await vault.set(IDENTITY, { ...record, sealed });
  return { handled: handle({ key, iv, sealed }, vault, "") };
}

/** The last work on each vault. */
const last = new WeakMap<Vault, Promise<unknown>>();

/** Changes a vault after the earlier changes, also after those of other tabs of the same origin. */
function exclusively<T>(vault: Vault, change: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  const run = async (): Promise<T> => (locks ? await locks.request("bauta vault", change) : await change());
  const done = (last.get(vault) ?? Promise.resolve()).then(run);
  last.set(vault, done.catch(() => undefined));
  return done;
}

/**
 * Stores the identity of a backup and its registrations in an empty vault, sealed by the passphrase
 * of the backup. Open it with `wrap: { passphrase }`.
 *
 * @throws {@link BautaError} if the passphrase is wrong, or if the vault has an identity.
 */
export async function restoreIdentity(vault: Vault, backup: Uint8Array, passphrase: string): Promise<void> {
  const bytes = Uint8Array.from(backup);
  const [salt, iv, sealed] = [bytes.slice(0, 16), bytes.slice(16, 28), bytes.slice(28, 76)];
  const [second, list] = [bytes.slice(76, 88), bytes.slice(88)];
  await exclusively(vault, async () => {
    if (await vault.get(IDENTITY)) throw sealedOtherwise("the vault has an identity, which would be lost");
    const key = await passphraseKey(passphrase, salt);
    await open({ key, iv, sealed });
    // Earlier versions wrote backups without registrations.
    if (list.length > 0) await vault.set(REGISTRATIONS, await openList(key, second, list));
    await vault.set(IDENTITY, { kind: "passphrase", salt, iv, sealed } satisfies Sealed);
  });
}

async function openList(key: CryptoKey, iv: Bytes, list: Bytes): Promise<Registration[]> {
  try {
    const text = new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, list));
    const made: (Omit<Registration, "index"> & { index?: string })[] = JSON.parse(text);
    return made.map(({ index, ...known }) => (index === undefined ? known : { ...known, index: BigInt(index) }));
  } catch {
    throw sealedOtherwise("the registrations of the backup were changed");
  }
}

async function created(kind: Sealed["kind"]): Promise<Sealed> {
  const record = { kind, salt: random(kind === "passkey" ? 32 : 16), iv: random(12), sealed: new Uint8Array() };
  if (kind === "device") {
    return { ...record, key: await crypto.subtle.generateKey(AES, false, USAGES) };
  }
  if (kind === "passkey") return { ...record, credential: await (await passkeys()).createPasskey() };
  return record;
}

async function sealingKey(wrap: Wrap, record: Sealed): Promise<CryptoKey> {
  if (typeof wrap !== "string") return passphraseKey(wrap.passphrase, record.salt);
  if (wrap === "device") {
    if (!record.key) throw sealedOtherwise("the vault lost the device's key");
    return record.key;
  }
  if (!record.credential) throw sealedOtherwise("the vault lost the passkey's id");
  return (await passkeys()).passkeyKey(record.credential, record.salt);
}

function passkeys() {
  return loaded(import("./passkey.js"));
}

async function passphraseKey(passphrase: string, salt: Bytes, usages = USAGES): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  return crypto.subtle.deriveKey(how, material, AES, false, usages);
}
