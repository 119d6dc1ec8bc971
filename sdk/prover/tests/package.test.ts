import { testPackage } from "../../tests/package.ts";

testPackage("prover", [{ names: "*", bytes: 1_000 }], [
  "assets/baseline.wasm",
  "assets/fused.wasm",
  "assets/sealing-worker.js",
  "assets/worker.js",
]);
