import { testPackage } from "../../tests/package.ts";

testPackage("sdk", [{ names: "*", bytes: 4_000 }]);
