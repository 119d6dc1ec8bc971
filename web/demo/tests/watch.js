// Records what must not leave the page, and what its policy refused. The test puts this script into
// the page before it loads.

(() => {
  const secrets = [];
  const violations = [];
  globalThis.recordedByTest = { secrets, violations, dump };
  const { exportKey, wrapKey, unwrapKey } = SubtleCrypto.prototype;

  // Returns everything that the databases of the page have, as text.
  async function dump() {
    const result = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const text = (_, value) => {
      if (value instanceof Uint8Array) return [...value].join(",");
      return typeof value === "bigint" ? `${value}` : value;
    };
    const dumped = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await result(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        dumped.push(await result(database.transaction(store).objectStore(store).getAll()));
      }
      database.close();
    }
    return JSON.stringify(dumped, text);
  }

  // The master secret is the key that is sealed and opened.
  async function record(key) {
    secrets.push([...new Uint8Array(await exportKey.call(crypto.subtle, "raw", key))]);
  }
  SubtleCrypto.prototype.wrapKey = async function (format, key, ...how) {
    await record(key);
    return wrapKey.call(this, format, key, ...how);
  };
  SubtleCrypto.prototype.unwrapKey = async function (...how) {
    const key = await unwrapKey.call(this, ...how);
    await record(key);
    return key;
  };
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    violations.push(`${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber}`);
  });
})();
