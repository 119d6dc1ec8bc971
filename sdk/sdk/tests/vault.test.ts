// The vault of browsers, with a false IndexedDB.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { browserVault } from "../src/index.ts";

/** A false IndexedDB with one database. `fail` returns what a step fails with. */
class FalseStorage {
  readonly values = new Map<string, unknown>();
  readonly steps: string[] = [];
  fail: (step: string) => Error | undefined = () => undefined;
  connection: { onclose?: () => void; onversionchange?: () => void; close(): void } | undefined;

  install(): void {
    Object.defineProperty(globalThis, "indexedDB", { value: { open: () => this.#open() }, configurable: true });
  }

  /** Returns an error once, for the first step of this name. */
  failOnce(name: string, error: Error): void {
    let hasFailed = false;
    this.fail = (step) => (step === name && !hasFailed ? ((hasFailed = true), error) : undefined);
  }

  #step(name: string): Error | undefined {
    this.steps.push(name);
    return this.fail(name);
  }

  #open() {
    this.connection = { close: () => void this.steps.push("close") };
    return this.#request(this.#step("open"), Object.assign(this.connection, { transaction: () => this.#transaction() }));
  }

  #transaction() {
    const failure = this.#step("transaction");
    if (failure) throw failure;
    const transaction: { oncomplete?: () => void; onabort?: () => void; error?: Error } & Record<string, unknown> = {};
    const put = (value: unknown, key: string) => {
      const error = this.#step("commit");
      if (!error) this.values.set(key, value);
      setImmediate(() => (error ? ((transaction.error = error), transaction.onabort?.()) : transaction.oncomplete?.()));
      return this.#request(undefined, key);
    };
    const get = (key: string) => this.#request(this.#step("get"), this.values.get(key));
    return Object.assign(transaction, { objectStore: () => ({ get, put }) });
  }

  #request(error: Error | undefined, result: unknown) {
    const request: { onsuccess?: () => void; onerror?: () => void; error?: Error; result?: unknown } = {};
    setImmediate(() => (error ? ((request.error = error), request.onerror?.()) : ((request.result = result), request.onsuccess?.())));
    return request;
  }
}

afterEach(() => delete (globalThis as { indexedDB?: unknown }).indexedDB);

function installed(): FalseStorage {
  const storage = new FalseStorage();
  storage.install();
  return storage;
}

const failed = (message: RegExp) => (error: unknown) => {
  const { code, remedy, message: text } = error as Error & { code: string; remedy: string };
  assert.equal(code, "vault-failed", String(error));
  assert.match(text, message);
  return remedy !== "";
};

test("values are stored by one connection, and read again", async () => {
  const storage = installed();
  const vault = browserVault();
  await vault.set("a", 1);
  assert.equal(await vault.get("a"), 1);
  assert.equal(await vault.get("b"), undefined);
  assert.equal(storage.steps.filter((step) => step === "open").length, 1);
});

test("storage that the browser refuses is named, and opened again at the next call", async () => {
  const storage = installed();
  const vault = browserVault();
  storage.fail = (step) => (step === "open" ? new DOMException("denied", "SecurityError") : undefined);
  await assert.rejects(vault.get("a"), failed(/SecurityError: denied/));
  storage.fail = () => undefined;
  await vault.set("a", 1);
  assert.equal(await vault.get("a"), 1);
});

test("a connection that the browser closed is opened again", async () => {
  const storage = installed();
  const vault = browserVault();
  await vault.set("a", 1);
  // With an event, and without one.
  storage.connection!.onclose!();
  assert.equal(await vault.get("a"), 1);
  storage.failOnce("transaction", new DOMException("the connection is closing", "InvalidStateError"));
  assert.equal(await vault.get("a"), 1);
  assert.equal(storage.steps.filter((step) => step === "open").length, 3);
});

test("another tab can delete the database", async () => {
  const storage = installed();
  const vault = browserVault();
  await vault.set("a", 1);
  storage.connection!.onversionchange!();
  assert.equal(storage.steps.at(-1), "close");
  await vault.set("a", 2);
  assert.equal(await vault.get("a"), 2);
});

test("a value whose transaction fails is not stored, although its request succeeded", async () => {
  const storage = installed();
  const vault = browserVault();
  storage.failOnce("commit", new DOMException("no space", "QuotaExceededError"));
  await assert.rejects(vault.set("a", 1), failed(/QuotaExceededError/));
  assert.equal(await vault.get("a"), undefined);
});
