import { testPackage } from "../../tests/package.ts";

testPackage("sdk", [
  { names: "*", bytes: 20_000 },
  { names: "readPath, commitmentOf, deriveSecret", bytes: 4_000 },
]);
