import { testPackage } from "../../tests/package.ts";

testPackage("react", [{ names: "*", bytes: 3_000 }]);
