import { testPackage } from "../../tests/package.ts";

const flow = "getVerifyInstructionAsync, fetchScope, fetchRegistry, eventsOfTransaction";

testPackage("program", [
  { names: "*", bytes: 32_000 },
  { names: flow, bytes: 10_000 },
  // With the messages of all errors.
  { names: `${flow}, programErrorOf`, bytes: 16_000 },
]);
