// The command `bauta` with the real chain and API: proofs are relayed, and trees are uploaded.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { fetchNullifier } from "@bauta/program";

import { Stack, until, variable } from "./stack.ts";

const folder = mkdtempSync(join(tmpdir(), "bauta-command-"));
let stack: Stack;

before(async () => (stack = await Stack.start()));
after(() => rmSync(folder, { recursive: true }));

/** Runs the command in the folder. Returns its output. */
async function bauta(...command: string[]) {
  const run = promisify(execFile)(variable("BAUTA_COMMAND"), [...command, "--json"], { cwd: folder });
  return JSON.parse((await run).stdout);
}

test("the command proves without SOL, and the relay of the API pays", async () => {
  const registry = await stack.registry();
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
});

test("the leaves of an attested tree are uploaded, and a member proves with them", async () => {
  const created = await bauta("registry", "create", "--kind", "attested", "--nonce", `${Date.now()}`);
  const registry: string = created.registry;
  const passphrase = ["--passphrase-file", "secret"];
  writeFileSync(join(folder, "secret"), "another horse battery staple\n");
  await bauta("identity", "new", "member", ...passphrase);
  const entry = ["--entry", "7"];
  const shown = await bauta("identity", "show", "member", "--registry", registry, ...entry, ...passphrase);
  writeFileSync(join(folder, "members.csv"), `commitment,entry,track\n${shown.commitment},7,3\n`);
  writeFileSync(join(folder, "key"), `${stack.apiKey}\n`);
  const upload = ["--upload", stack.api, "--api-key-file", "key"];
  // The second command finds the root published, and uploads again.
  for (const attempt of [1, 2]) {
    const published = await bauta("registry", "publish", registry, "--members", "members.csv", ...upload);
    assert.equal(published.uploaded_leaves, 1, `attempt ${attempt}`);
  }
  const { scope } = await bauta("scope", "create", "--registry", registry, "--circuit", stack.circuit);
  const member = [...entry, "--track", "3", "--identity", "member", ...passphrase];
  await bauta("prove", scope, ...member, "--recipient", registry, "--api", stack.api, "--out", "attested.json");
  assert.equal((await bauta("verify", "attested.json")).verified, true);
});
