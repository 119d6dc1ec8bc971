// Measures the prover in Node and in headless Chromium, and prints the times as JSON:
// node --experimental-wasm-relaxed-simd run.mjs FOLDER SNARKJS ROUNDS
//
// FOLDER has fused.wasm, baseline.wasm, web.key, inputs, key.zkey and witness.wtns. SNARKJS is the
// folder of snarkjs with its build for browsers.
import { spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { brotliCompressSync } from 'node:zlib';
import { accepts, createProver } from '../prover.mjs';
import { measure } from './measure.mjs';

globalThis.crypto ??= webcrypto;
const [folder, snarkjs, rounds] = process.argv.slice(2);
const here = (name) => new URL(name, import.meta.url);
const read = async (name) => new Uint8Array(await readFile(join(folder, name)));

const TYPES = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };
const FILES = {
  'page.html': here('page.html'),
  'measure.mjs': here('measure.mjs'),
  'prover.mjs': here('../prover.mjs'),
  'worker.js': here('../worker.js'),
  'snarkjs.js': join(snarkjs, 'build/snarkjs.min.js'),
};
for (const name of ['fused.wasm', 'baseline.wasm', 'web.key', 'inputs', 'key.zkey', 'witness.wtns']) {
  FILES[name] = join(folder, name);
}

async function inChromium() {
  let received;
  const result = new Promise((resolve) => (received = resolve));
  const server = createServer(async (request, response) => {
    const name = new URL(request.url, 'http://localhost').pathname.slice(1);
    if (name === 'result') {
      const chunks = await request.toArray();
      response.end();
      received(JSON.parse(Buffer.concat(chunks).toString()));
    } else if (FILES[name]) {
      response.setHeader('content-type', TYPES[name.split('.').pop()] ?? 'application/octet-stream');
      response.end(await readFile(FILES[name]));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = await mkdtemp(join(tmpdir(), 'bauta-bench-'));
  const browser = spawn(
    'chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--no-first-run',
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${server.address().port}/page.html?rounds=${rounds}`,
    ],
    { stdio: 'ignore', env: { ...process.env, HOME: profile } },
  );
  const ended = new Promise((resolve) => browser.on('exit', resolve));
  const early = ended.then(() => ({ error: 'Chromium ended before the page had a result' }));
  const times = await Promise.race([result, early]);
  browser.kill();
  await ended;
  server.close();
  server.closeAllConnections();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  if (times.error) throw new Error(times.error);
  return times;
}

const node = await measure({
  createProver,
  accepts,
  load: async (build) => WebAssembly.compile(await read(`${build}.wasm`)),
  worker: () => new Worker(here('../worker.js')),
  key: await read('web.key'),
  inputs: await read('inputs'),
  others: [],
  rounds: Number(rounds),
});
const [kb, brotliKb] = [{}, {}];
for (const build of ['fused', 'baseline']) {
  const module = await read(`${build}.wasm`);
  kb[build] = module.length / 1000;
  brotliKb[build] = brotliCompressSync(module).length / 1000;
}
console.log(JSON.stringify({ node, chromium: await inChromium(), kb, brotli_kb: brotliKb }));
