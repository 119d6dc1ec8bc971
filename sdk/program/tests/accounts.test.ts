// Tests which accounts the client refuses to decode.

import assert from "node:assert/strict";
import { test } from "node:test";

import { address, lamports, SolanaError, type EncodedAccount } from "@solana/kit";

import {
  BAUTA_PROGRAM_ADDRESS,
  BautaClientError,
  decodeConfig,
  decodeNullifier,
  fetchConfig,
  fetchMaybeConfig,
  getConfigEncoder,
  type Config,
} from "../src/index.ts";

const ADMIN = address("Vote111111111111111111111111111111111111111");
const config: Config = {
  admin: ADMIN,
  pendingAdmin: address("11111111111111111111111111111111"),
  clusterTag: new Uint8Array(32).fill(7),
  paused: 0,
  developmentKeysAllowed: 1,
  bump: 254,
  padding: new Uint8Array(5),
};
const account: EncodedAccount = {
  address: ADMIN,
  data: getConfigEncoder().encode(config),
  executable: false,
  lamports: lamports(1n),
  programAddress: BAUTA_PROGRAM_ADDRESS,
  space: 112n,
};

/** A node that serves one account, whatever is requested. */
function node(served: EncodedAccount | null): Parameters<typeof fetchConfig>[0] {
  const value = served && {
    data: [Buffer.from(served.data).toString("base64"), "base64"],
    executable: served.executable,
    lamports: served.lamports,
    owner: served.programAddress,
    space: BigInt(served.data.length),
  };
  const rpc = { getAccountInfo: () => ({ send: async () => ({ context: { slot: 1n }, value }) }) };
  return rpc as unknown as Parameters<typeof fetchConfig>[0];
}

const refusal = (code: string) => (error: unknown) => error instanceof BautaClientError && error.code === code;

test("an account of the program is decoded", async () => {
  assert.deepEqual(decodeConfig(account).data, config);
  assert.deepEqual((await fetchConfig(node(account), ADMIN)).data, config);
});

test("an account that does not exist is reported as such", async () => {
  assert.equal((await fetchMaybeConfig(node(null), ADMIN)).exists, false);
});

test("an account of another program is refused", async () => {
  const foreign = { ...account, programAddress: ADMIN };
  assert.throws(() => decodeConfig(foreign), refusal("foreign-account"));
  await assert.rejects(fetchConfig(node(foreign), ADMIN), refusal("foreign-account"));
});

test("an account with another length is refused", () => {
  for (const data of [account.data.slice(1), account.data.slice(0, -1), Uint8Array.from([...account.data, 0]), new Uint8Array()]) {
    assert.throws(() => decodeConfig({ ...account, data }), refusal("account-length"));
  }
});

test("an account of another kind is refused", () => {
  const data = Uint8Array.from(account.data);
  data[0]! ^= 1;
  assert.throws(() => decodeConfig({ ...account, data }), SolanaError);
  assert.throws(() => decodeNullifier({ ...account, data: account.data.slice(0, 72) }), SolanaError);
});
