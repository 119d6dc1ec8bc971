import { testPackage } from "../../tests/package.ts";

/** The names of the complete example: a wallet registers, and a page proves on the device. */
const names = "connectWallet, createBauta, createProver";
/** What it never loads: delegation, Oblivious HTTP, rollouts, and identities of wallets. */
const without = ["delegation", "ohttp", "percentile", "sealing-source", "wallet-identity"];

// The README has these figures.
testPackage("sdk", [
  { names: "*", bytes: 20_000 },
  { names: "readPath, commitmentOf, deriveSecret", bytes: 4_000 },
  { names, bytes: 20_000, all: { bytes: 39_000, without } },
  { names, bytes: 20_000, all: { bytes: 68_000, without, withKit: true } },
]);
