// A worker of the prover. It has no imports, so that it can be started from a Blob. It runs in
// browsers and in Node.
//
//   { id, call: 'start', module }   instantiates the module   --> { id, value: supported }
//   { id, call: 'memory' }                                    --> { id, value: bytes }
//   { id, call, input }             calls the C interface     --> { id, value: Uint8Array }
//                                                             or { id, error: message }
const port = typeof self === 'undefined' ? process.getBuiltinModule('node:worker_threads').parentPort : self;
let wasm;

function call(name, bytes) {
  const address = wasm.input(bytes.length);
  if (address === 0) throw new Error('the input is longer than 16 MiB');
  new Uint8Array(wasm.memory.buffer, address, bytes.length).set(bytes);
  const success = wasm[name]();
  // The memory may have grown, so its buffer is read again.
  const output = new Uint8Array(wasm.memory.buffer, wasm.output(), wasm.output_length()).slice();
  // This wipes the output in the module's memory.
  wasm.input(0);
  if (!success) throw new Error(new TextDecoder().decode(output));
  return output;
}

port.onmessage = async ({ data: { id, call: name, module, input } }) => {
  try {
    if (name === 'start') {
      wasm = (await WebAssembly.instantiate(module)).exports;
      port.postMessage({ id, value: wasm.supported() === 1 });
    } else if (name === 'memory') {
      port.postMessage({ id, value: wasm.memory.buffer.byteLength });
    } else {
      port.postMessage({ id, value: call(name, input) });
    }
  } catch (error) {
    port.postMessage({ id, error: error.message });
  } finally {
    input?.fill(0);
  }
};
