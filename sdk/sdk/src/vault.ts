import { BautaError } from "./error.js";

/**
 * Stores the sealed identity and its registrations. The values can be cloned structurally, and one
 * of them can be a `CryptoKey` that can't be exported.
 */
export interface Vault {
  get(name: string): Promise<unknown>;
  set(name: string, value: unknown): Promise<void>;
}

/** Creates a vault that forgets everything with the process. */
export function memoryVault(): Vault {
  const values = new Map<string, unknown>();
  return {
    get: async (name) => values.get(name),
    set: async (name, value) => void values.set(name, value),
  };
}

const STORE = "values";

/**
 * Creates a vault in the browser's IndexedDB. Browsers can delete it: Safari does so after a week
 * without a visit. A lost identity costs a new registration.
 */
export function browserVault(name = "bauta"): Vault {
  let opened: Promise<IDBDatabase> | undefined;
  const forget = () => (opened = undefined);
  const open = async () => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    const database = await result(request);
    database.onclose = forget;
    // Another tab deletes the database, and waits for this connection.
    database.onversionchange = () => {
      forget();
      database.close();
    };
    return database;
  };
  const transaction = async (mode: IDBTransactionMode, isRetry = false): Promise<IDBTransaction> => {
    try {
      return (await (opened ??= open())).transaction(STORE, mode, { durability: "strict" });
    } catch (error) {
      // Browsers also close connections without an event. The next one can succeed.
      forget();
      if (isRetry) throw error;
      return transaction(mode, true);
    }
  };
  return {
    get: (key) => named(async () => result((await transaction("readonly")).objectStore(STORE).get(key))),
    set: (key, value) =>
      named(async () => {
        const writing = await transaction("readwrite");
        writing.objectStore(STORE).put(value, key);
        await completed(writing);
      }),
  };
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Waits until a transaction is on the disk. A write can succeed before its transaction fails. */
function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Names a failure of the browser's storage. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new BautaError(
      "vault-failed",
      `the browser's storage failed: ${String(cause)}`,
      "Allow the site to store data, leave private browsing, or free some space. Then retry.",
      { cause },
    );
  }
}

/** Returns the vault of a page, or of a process that has no IndexedDB. */
export function defaultVault(): Vault {
  return typeof indexedDB === "undefined" ? memoryVault() : browserVault();
}
