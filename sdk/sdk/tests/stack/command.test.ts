// The command `bauta` with the real API: a proof is relayed, and its use is on the chain.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { fetchNullifier } from "@bauta/program";

import { Stack, until, variable } from "./stack.ts";

test("the command proves without SOL, and the relay of the API pays", async () => {
  const stack = await Stack.start();
  const registry = await stack.registry();
  const folder = mkdtempSync(join(tmpdir(), "bauta-command-"));
  const bauta = async (...command: string[]) => {
    const run = promisify(execFile)(variable("BAUTA_COMMAND"), [...command, "--json"], { cwd: folder });
    return JSON.parse((await run).stdout);
  };
  try {
    await bauta("keypair", "owner.json");
    const pair = Uint8Array.from(JSON.parse(readFileSync(join(folder, "owner.json"), "utf8")));
    const owner = await stack.wallet(pair.slice(0, 32));
    const asset = await stack.token(registry, owner.address);
    const passphrase = ["--passphrase-file", "passphrase"];
    writeFileSync(join(folder, "passphrase"), "correct horse battery staple\n");
    await bauta("identity", "new", "identity", ...passphrase);
    const member = ["--asset", asset, "--identity", "identity", ...passphrase];
    await bauta("holder", "register", registry, ...member, "--keypair", "owner.json");
    const scope = await stack.scope(registry);
    await stack.known(`/v1/scopes/${scope}`);
    const wallets = async () => (await (await fetch(`${stack.api}/v1/relay`)).json()).relayers ?? [];
    await until(async () => (await wallets()).length > 0, "the relay has a wallet");

    const relay = ["--relay", stack.api];
    const proved = await bauta("prove", scope, ...member, "--recipient", registry, ...relay);
    // No keypair is needed. A repeated command returns the same relay.
    for (const attempt of [1, 2]) {
      const used = await bauta("verify", "proof.json", ...relay, "--keypair", "missing.json");
      assert.deepEqual([used.verified, used.nullifier], [true, proved.nullifier], `attempt ${attempt}`);
      const { data } = await fetchNullifier(stack.rpc, used.nullifier_account);
      assert.equal(data.rentPayer, stack.admin.address);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
