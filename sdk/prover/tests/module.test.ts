// The real worker with the checked-in module, against the protocol's vectors, which circomlibjs
// made, and against proofs of a key whose trapdoor is known.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";

import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { CipherSuite, HkdfSha256 } from "@hpke/core";
import { DhkemX25519HkdfSha256 } from "@hpke/dhkem-x25519";

import { prove, verifyingKey } from "../../program/tests/trapdoor.ts";
import { createProver, type EntrySecret, type WorkerLike } from "../src/index.ts";

interface Vector {
  readonly inputs: Record<"master" | "registry", string> & { readonly counter: number };
  readonly outputs: Record<"entry_id" | "secret" | "rotated_secret" | "commitment" | "nullifier" | "scope", string>;
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL("../../../crates/primitives/vectors/protocol.json", import.meta.url), "utf8"),
);
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/^0x/, ""), "hex"));
const hex = (of: Uint8Array) => `0x${Buffer.from(of).toString("hex")}`;

/** Messages between the page and the worker. */
const messages: unknown[] = [];
function recordedWorker(sealing: boolean): WorkerLike {
  const worker = new Worker(new URL(`../assets/${sealing ? "sealing-" : ""}worker.js`, import.meta.url));
  worker.on("message", (message) => messages.push(message));
  return {
    on: (event, listener) => worker.on(event, listener as (value: unknown) => void),
    postMessage: (message) => {
      const { input, ...others } = message as { input?: Uint8Array };
      messages.push({ ...others, input: input?.slice() });
      worker.postMessage(message);
    },
    terminate: () => worker.terminate(),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  };
}

const prover = createProver({ worker: recordedWorker });
after(() => prover.end());

/** Seals a master secret with a key that can't be exported. */
async function sealed({ inputs, outputs }: Vector, counter = 0): Promise<EntrySecret> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes(inputs.master));
  const [registry, entryId] = [bytes(inputs.registry), bytes(outputs.entry_id)];
  return { key, iv, sealed: new Uint8Array(ciphertext), registry, entryId, counter };
}

test("the commitments and nullifiers of the worker are those of the protocol", async () => {
  for (const vector of vectors) {
    const secret = await sealed(vector);
    assert.equal(hex(await prover.commitment(secret)), vector.outputs.commitment);
    assert.equal(hex(await prover.nullifier(secret, bytes(vector.outputs.scope))), vector.outputs.nullifier);
  }
});

test("no message between the page and the worker has a secret", async () => {
  const vector = vectors.find(({ inputs }) => inputs.counter > 0)!;
  const secret = await sealed(vector, vector.inputs.counter);
  const texts = () =>
    JSON.stringify(messages, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value));
  messages.length = 0;
  await prover.commitment(secret);
  await prover.nullifier(secret, bytes(vector.outputs.scope));
  const proving = prover.prove(secret, new Uint8Array(1_160), async () => new Uint8Array(100));
  await assert.rejects(proving, /not a web-key file/);
  await sealTo(secret);
  const secrets = [vector.inputs.master, vector.outputs.secret.slice(2), vector.outputs.rotated_secret.slice(2)];
  assert.ok(messages.length >= 6);
  for (const value of secrets) assert.ok(!texts().includes(value));
});

test("a worker overwrites its copy of an output after it is sent", async () => {
  const { context, post, answers, sent } = runInContext();
  await post({ id: 0, call: "start", module: context.module });
  await post({ id: 1, call: "prove_c" });
  assert.deepEqual(answers.map(({ value }) => value), [true, [7, 8, 9]]);
  assert.deepEqual([...(sent.at(-1) as Uint8Array)], [0, 0, 0]);
});

test("a worker says whether its module can be used again after a failure", async () => {
  const { context, post, answers } = runInContext();
  await post({ id: 0, call: "start", module: context.module });
  await post({ id: 1, call: "refused" });
  await post({ id: 2, call: "trapped" });
  assert.deepEqual(answers.slice(1).map(({ error, isBroken }) => [error, isBroken]), [["no such path", false], ["unreachable", true]]);
});

/** Runs the worker beside the test, with a false module. */
function runInContext() {
  const memory = { buffer: new ArrayBuffer(1024) };
  const text = new TextEncoder().encode("no such path");
  let output = Uint8Array.of(7, 8, 9);
  const exports = {
    memory,
    supported: () => 1,
    input: () => 512,
    output: () => (new Uint8Array(memory.buffer).set(output), 0),
    output_length: () => output.length,
    prove_c: () => 1,
    refused: () => ((output = text), 0),
    trapped: () => {
      throw new WebAssembly.RuntimeError("unreachable");
    },
  };
  type Answer = { value?: unknown; error?: string; isBroken?: boolean };
  const [answers, sent]: [Answer[], unknown[]] = [[], []];
  const port = {
    onmessage: (_: { data: object }): Promise<void> => Promise.resolve(),
    postMessage: (message: Answer) => {
      sent.push(message.value);
      const { value } = message;
      answers.push({ ...message, ...(value instanceof Uint8Array ? { value: [...value] } : {}) });
    },
  };
  const module = {};
  const WebAssemblyLike = { instantiate: async () => ({ exports }), RuntimeError: WebAssembly.RuntimeError };
  const source = readFileSync(new URL("../assets/worker.js", import.meta.url), "utf8");
  new Function("self", "WebAssembly", source)(port, WebAssemblyLike);
  return { context: { module }, post: (data: object) => port.onmessage({ data }), answers, sent };
}

/** Seals a secret to a new key, and opens it. */
async function sealTo(secret: EntrySecret): Promise<string> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });
  const { publicKey, privateKey } = await suite.kem.generateKeyPair();
  const text = new TextEncoder();
  const [info, associated] = [text.encode("a protocol"), Uint8Array.of(1, 2, 3)];
  const recipient = new Uint8Array(await suite.kem.serializePublicKey(publicKey));
  const [before, after] = [text.encode('{"secret":"0x'), text.encode('","é":1}')];
  const sealed = await prover.seal(secret, { publicKey: recipient, info, associated, before, after });
  const opening = { recipientKey: privateKey, enc: sealed.slice(0, 32).buffer as ArrayBuffer, info: info.buffer as ArrayBuffer };
  return new TextDecoder().decode(await suite.open(opening, sealed.slice(32).buffer as ArrayBuffer, associated.buffer));
}

test("a secret is sealed between two texts to a public key", async () => {
  for (const vector of vectors.slice(0, 3)) {
    const { counter } = vector.inputs;
    assert.equal(await sealTo(await sealed(vector, counter)), `{"secret":"${vector.outputs.rotated_secret}","é":1}`);
  }
  const empty = new Uint8Array();
  const request = { publicKey: new Uint8Array(32), info: empty, associated: empty, before: empty, after: empty };
  await assert.rejects(prover.seal(await sealed(vectors[0]!), request), { name: "ProverError" });
});

test("a key other than the one that seals the master secret opens nothing", async () => {
  const [vector] = vectors as [Vector];
  const [secret, other] = [await sealed(vector), await sealed(vector)];
  await assert.rejects(prover.commitment({ ...secret, key: other.key }), { name: "ProverError" });
  assert.equal(hex(await prover.commitment(secret)), vector.outputs.commitment);
});

test("a proof verifies for its key and its digest only", async () => {
  const digest = (value: bigint) => bytes(value.toString(16).padStart(64, "0"));
  const [key, proof] = [verifyingKey(), prove(5n)];
  assert.equal(await prover.verify(key, proof, digest(5n)), true);
  assert.equal(await prover.verify(key, proof, digest(6n)), false);
  assert.equal(await prover.verify(key, prove(6n), digest(5n)), false);
  for (const at of [0, 100, 200]) {
    const forged = Uint8Array.from(proof);
    forged[at + 31]! ^= 1;
    assert.equal(await prover.verify(key, forged, digest(5n)), false, String(at));
  }
  const exchanged = Uint8Array.from([...key.slice(0, 512), ...key.slice(448, 512)]);
  assert.equal(await prover.verify(exchanged, proof, digest(5n)), false);
  for (const short of [key.slice(1), new Uint8Array(576)]) {
    await assert.rejects(prover.verify(short, proof, digest(5n)), { name: "ProverError" });
  }
});

test("the quick start of the README runs with the built package, and Node.js ends by itself", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const code = /## Quick start[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(code);
  const folder = mkdtempSync(fileURLToPath(new URL("../quick-start-", import.meta.url)));
  try {
    writeFileSync(join(folder, "quick-start.ts"), code);
    const options = { cwd: folder, timeout: 120_000 };
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", "quick-start.ts"], options);
    assert.match(stdout, /^commitment Uint8Array\(32\)/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
