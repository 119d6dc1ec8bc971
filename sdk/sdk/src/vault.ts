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
  const open = () => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return result(request);
  };
  const store = async (mode: IDBTransactionMode) => {
    const opening = (opened ??= open());
    // The next call opens it again.
    opening.catch(() => (opened = undefined));
    return (await opening).transaction(STORE, mode).objectStore(STORE);
  };
  return {
    get: async (key) => result((await store("readonly")).get(key)),
    set: async (key, value) => void (await result((await store("readwrite")).put(value, key))),
  };
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Returns the vault of a page, or of a process that has no IndexedDB. */
export function defaultVault(): Vault {
  return typeof indexedDB === "undefined" ? memoryVault() : browserVault();
}
