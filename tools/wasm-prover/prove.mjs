// Makes a proof with the module: node prove.mjs MODULE.wasm KEY.zkey WITNESS.wtns > proof.json
import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';

const [module, ...inputs] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(await readFile(module));
const { write, prove, length, read } = instance.exports;

const bytes = await Promise.all(inputs.map((path) => readFile(path)));
[...bytes, randomBytes(32)].forEach((input, number) => input.forEach((byte) => write(number, byte)));

const start = performance.now();
const proved = prove();
console.error(`${Math.round(performance.now() - start)} ms, including the preparation of the key`);
const text = new TextDecoder().decode(Uint8Array.from({ length: length() }, (_, index) => read(index)));
if (!proved) {
  console.error(text);
  process.exit(1);
}
console.log(text);
