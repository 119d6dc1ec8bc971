import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const sdk = fileURLToPath(new URL("../../sdk", import.meta.url));

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    // The packages of sdk/, from their sources. What they import comes from this package.
    alias: [{ find: /^@bauta\/(\w+)$/, replacement: `${sdk}/$1/src/index.ts` }],
    dedupe: ["@hpke/chacha20poly1305", "@hpke/core", "@hpke/dhkem-x25519", "@solana/kit"],
  },
  build: {
    // Without data: URLs, which the policy of the page forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
