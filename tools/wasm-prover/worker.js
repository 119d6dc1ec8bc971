// A worker of the prover. It has no imports, so that it can be started from a Blob. It runs in
// browsers and in Node.
//
//   { id, call: 'start', module }   instantiates the module   --> { id, value: supported }
//   { id, call: 'memory' }                                    --> { id, value: bytes }
//   { id, call, input, secret }     calls the C interface     --> { id, value: Uint8Array }
//                                                             or { id, error: message, isBroken }
//
// `isBroken` says that the module ended within a call, and can't be used again.
//
// `secret` is { key, iv, sealed, registry, entryId, counter }: a master secret that the key seals with
// AES-GCM, and the entry whose secret is derived from it. Both are opened here only, and overwritten
// after the call. With `secret`, `input` does not contain it. The call 'seal' is not of the C interface:
// it seals the secret to the public key of `request`.
const port = typeof self === 'undefined' ? process.getBuiltinModule('node:worker_threads').parentPort : self;
let wasm;

function call(name, ...parts) {
  const address = wasm.input(parts.reduce((length, part) => length + part.length, 0));
  if (address === 0) throw new Error('the input is longer than 16 MiB');
  let end = address;
  for (const part of parts) {
    new Uint8Array(wasm.memory.buffer, end, part.length).set(part);
    end += part.length;
  }
  const success = wasm[name]();
  // The memory may have grown, so its buffer is read again.
  const output = new Uint8Array(wasm.memory.buffer, wasm.output(), wasm.output_length()).slice();
  // This wipes the output in the module's memory.
  wasm.input(0);
  if (!success) throw new Error(new TextDecoder().decode(output));
  return output;
}

/** Derives the secret of an entry. The caller overwrites it. */
async function derive({ key, iv, sealed, registry, entryId, counter }) {
  const master = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed));
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, counter);
  try {
    return call('derive', master, registry, entryId, number);
  } finally {
    master.fill(0);
  }
}

/** Seals the secret between two texts, as 64 hexadecimal digits. Only sealing-worker.js has `seal`. */
async function sealTo({ publicKey, info, associated, before, after }, secret) {
  const digits = secret.length * 2;
  const plaintext = new Uint8Array(before.length + digits + after.length);
  plaintext.set(before);
  secret.forEach((byte, index) => {
    const [high, low] = [byte >> 4, byte & 15].map((digit) => digit + (digit < 10 ? 48 : 87));
    plaintext.set([high, low], before.length + 2 * index);
  });
  plaintext.set(after, before.length + digits);
  try {
    return await globalThis.seal(publicKey, info, associated, plaintext);
  } finally {
    plaintext.fill(0);
  }
}

/** Calls a function with the secret of an entry: of the C interface, or `seal`. */
async function callWithSecret(name, input, entry, request) {
  const secret = await derive(entry);
  try {
    if (name === 'commit') return call(name, secret);
    if (name === 'nullify') return call(name, secret, entry.entryId, input);
    if (name === 'seal') return await sealTo(request, secret);
    // The seed, the secret, and the other inputs of a proof.
    return call(name, input.subarray(0, 32), secret, input.subarray(32));
  } finally {
    secret.fill(0);
  }
}

port.onmessage = async ({ data: { id, call: name, module, input = new Uint8Array(), secret, request } }) => {
  try {
    if (name === 'start') {
      wasm = (await WebAssembly.instantiate(module)).exports;
      port.postMessage({ id, value: wasm.supported() === 1 });
    } else if (name === 'memory') {
      port.postMessage({ id, value: wasm.memory.buffer.byteLength });
    } else {
      const value = secret ? await callWithSecret(name, input, secret, request) : call(name, input);
      port.postMessage({ id, value });
      // The message has a copy. The output of prove_c is as secret as the witness.
      value.fill(0);
    }
  } catch (error) {
    // A trap, or a full stack.
    const isBroken = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
    port.postMessage({ id, error: error.message, isBroken });
  } finally {
    input.fill(0);
  }
};
