// Records what must not leave the page, and what its policy refused. The test puts this script into
// the page before it loads.

(() => {
  const secrets = [];
  const violations = [];
  globalThis.recordedByTest = { secrets, violations, dump };
  const copy = (data) => [...new Uint8Array(ArrayBuffer.isView(data) ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data)];
  const { encrypt, decrypt } = SubtleCrypto.prototype;

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

  // The master secret is what is sealed and opened.
  SubtleCrypto.prototype.encrypt = function (algorithm, key, data) {
    secrets.push(copy(data));
    return encrypt.call(this, algorithm, key, data);
  };
  SubtleCrypto.prototype.decrypt = async function (algorithm, key, data) {
    const opened = await decrypt.call(this, algorithm, key, data);
    secrets.push(copy(opened));
    return opened;
  };
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    violations.push(`${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber}`);
  });
})();
