// Makes a proof in Node and writes the proof and its public values to standard output:
// node prove.mjs BUILD MODULE.wasm KEY INPUTS WORKERS
import { readFile } from 'node:fs/promises';
import { webcrypto } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { createProver } from './prover.mjs';

globalThis.crypto ??= webcrypto;
const [build, module, key, inputs, workers] = process.argv.slice(2);
try {
  const prover = await createProver({
    builds: [build],
    load: async () => WebAssembly.compile(await readFile(module)),
    worker: () => new Worker(new URL('./worker.js', import.meta.url)),
    key: new Uint8Array(await readFile(key)),
    workers: Number(workers),
  });
  const proof = await prover.prove(new Uint8Array(await readFile(inputs)));
  prover.end();
  process.stdout.write(proof);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
