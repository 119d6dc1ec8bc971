import { testPackage } from "../../tests/package.ts";

const COMPONENT = "components/ProofPipelineUI.svelte";

testPackage("svelte", [{ names: "*", bytes: 3_000 }], [COMPONENT, `${COMPONENT}.d.ts`]);
