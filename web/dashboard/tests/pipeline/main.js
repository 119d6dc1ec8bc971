// A page of an earlier system: it has the component with the earlier properties.

import { ProofPriority } from "@bauta/svelte";
import ProofPipelineUI from "@bauta/svelte/ProofPipelineUI.svelte";
import { mount } from "svelte";

const apiKey = import.meta.env.VITE_API_KEY;
mount(ProofPipelineUI, {
  target: document.getElementById("app"),
  props: { attestations: ["a", "b"], proofType: "threshold", priority: ProofPriority.HIGH, apiKey },
});
