// Tests how errors of transactions are described.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  address,
  SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM,
  SOLANA_ERROR__INSTRUCTION_ERROR__INVALID_ARGUMENT,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  SolanaError,
} from "@solana/kit";

import { BAUTA_ERROR__NULLIFIER_USED, BAUTA_PROGRAM_ADDRESS, describeErrorCode, isBautaError, programErrorOf } from "../src/index.ts";

const OTHER = address("11111111111111111111111111111111");
const message = { instructions: [{ programAddress: OTHER }, { programAddress: BAUTA_PROGRAM_ADDRESS }] };
const used = {
  code: BAUTA_ERROR__NULLIFIER_USED,
  name: "NullifierUsed",
  message: "the nullifier is already used in this scope",
};

function failure(index: number, code: number): SolanaError {
  return new SolanaError(SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM, { code, index });
}

test("the error of an instruction of the program has its name and message", () => {
  const error = failure(1, BAUTA_ERROR__NULLIFIER_USED);
  assert.deepEqual(programErrorOf(error, message), used);
  assert.ok(isBautaError(error, message, BAUTA_ERROR__NULLIFIER_USED));
});

test("the error is found inside the error of a preflight", () => {
  const cause = failure(1, BAUTA_ERROR__NULLIFIER_USED);
  const error = new SolanaError(SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE, {
    cause,
  } as never);
  assert.deepEqual(programErrorOf(error, message), used);
});

test("errors of other programs and of other kinds are not described", () => {
  assert.equal(programErrorOf(failure(0, BAUTA_ERROR__NULLIFIER_USED), message), undefined);
  assert.equal(programErrorOf(failure(2, BAUTA_ERROR__NULLIFIER_USED), message), undefined);
  const other = new SolanaError(SOLANA_ERROR__INSTRUCTION_ERROR__INVALID_ARGUMENT, { index: 1 });
  assert.equal(programErrorOf(other, message), undefined);
  assert.equal(programErrorOf(new Error("offline"), message), undefined);
  assert.equal(programErrorOf(undefined, message), undefined);
});

test("codes of the system program, of Anchor and unknown codes have names of their own", () => {
  const names = [0, 1, 2, 99, 100, 5999, 6000, 60_000].map((code) => describeErrorCode(code).name);
  const [first] = names.slice(6);
  assert.deepEqual(names, [
    "AccountAlreadyInUse",
    "ResultWithNegativeLamports",
    "System",
    "System",
    "Anchor",
    "Anchor",
    first,
    "Unknown",
  ]);
  assert.notEqual(first, "Unknown");
});
