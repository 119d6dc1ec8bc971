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
  'first.html': here('first.html'),
  'measure.mjs': here('measure.mjs'),
  'prover.mjs': here('../prover.mjs'),
  'worker.js': here('../worker.js'),
  'snarkjs.js': join(snarkjs, 'build/snarkjs.min.js'),
};
for (const name of ['fused.wasm', 'baseline.wasm', 'web.key', 'inputs', 'key.zkey', 'witness.wtns']) {
  FILES[name] = join(folder, name);
}

/** Serves the files as a site would: those that are not random bytes with brotli. */
async function serve() {
  const compressed = new Map();
  for (const [name, path] of Object.entries(FILES).filter(([name]) => TYPES[name.split('.').pop()])) {
    compressed.set(name, brotliCompressSync(await readFile(path)));
  }
  const server = createServer(async (request, response) => {
    const name = new URL(request.url, 'http://localhost').pathname.slice(1);
    if (name === 'result') {
      const chunks = await request.toArray();
      response.end();
      server.emit('result', JSON.parse(Buffer.concat(chunks).toString()));
    } else if (FILES[name]) {
      response.setHeader('content-type', TYPES[name.split('.').pop()] ?? 'application/octet-stream');
      if (compressed.has(name)) response.setHeader('content-encoding', 'br');
      response.end(compressed.get(name) ?? (await readFile(FILES[name])));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Opens a page in a new Chromium with an empty cache. Returns what the page reports. */
async function visit(server, page, network) {
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
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile } },
  );
  const ended = new Promise((resolve) => browser.on('exit', resolve));
  const early = ended.then(() => ({ error: 'Chromium ended before the page had a result' }));
  const result = new Promise((resolve) => server.once('result', resolve));
  const opened = open(browser, `http://127.0.0.1:${server.address().port}/${page}`, network);
  const found = await Promise.race([result, early, opened.then(() => result, (error) => ({ error: String(error) }))]);
  browser.kill();
  await ended;
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  if (found.error) throw new Error(found.error);
  return found;
}

/** Opens a URL with the conditions of a network, by the protocol of the developer tools. */
async function open({ stdio: [, , , input, output] }, url, network) {
  const waiting = new Map();
  let rest = '';
  output.setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
      const { resolve, reject } = waiting.get(id) ?? {};
      if (error) reject?.(new Error(error.message));
      else resolve?.(result);
    }
  });
  // Chromium closes the pipe when it ends.
  input.on('error', () => undefined);
  const send = (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      const id = waiting.size + 1;
      waiting.set(id, { resolve, reject });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  if (network) {
    await send('Network.enable', {}, sessionId);
    await send('Network.emulateNetworkConditions', { offline: false, ...network }, sessionId);
  }
  await send('Page.navigate', { url }, sessionId);
}

/** 20 Mbit/s, with 40 ms between a request and the first byte of its answer. */
const NETWORK = { latency: 40, downloadThroughput: 20e6 / 8, uploadThroughput: 20e6 / 8 };
const FIRST_ROUNDS = 5;

async function inChromium() {
  const server = await serve();
  const times = await visit(server, `page.html?rounds=${rounds}`);
  const firsts = [];
  for (let round = 0; round < FIRST_ROUNDS; round++) firsts.push((await visit(server, 'first.html', NETWORK)).first);
  server.close();
  server.closeAllConnections();
  return { chromium: times, first_proof_ms: firsts.sort((x, y) => x - y)[firsts.length >> 1] };
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
console.log(JSON.stringify({ node, ...(await inChromium()), kb, brotli_kb: brotliKb }));
