import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

/** The API that `npm run dev` and `npm run preview` forward requests to. */
const api = process.env["BAUTA_API_URL"] ?? "http://127.0.0.1:8080";

/** Forwards a path to the API as if the API had served the page. */
const forwarded = {
  target: api,
  changeOrigin: true,
  ws: true,
  headers: { origin: new URL(api).origin },
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Wallets give their icons as data: URLs.
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html",
].join("; ");

const proxy = Object.fromEntries(["/v1", "/api", "/feature-flags", "/health"].map((path) => [path, forwarded]));

export default defineConfig({
  base: "/dashboard/",
  plugins: [svelte()],
  build: {
    // Without data: URLs, which the policy of the page forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  // web/shared has what both pages use.
  server: { proxy, fs: { allow: [".."] } },
  preview: { proxy, headers: { "content-security-policy": policy } },
});
