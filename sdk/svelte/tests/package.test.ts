import { testPackage } from "../../tests/package.ts";

testPackage("svelte", [{ names: "*", bytes: 3_000 }]);
