// Tests which values the SDK refuses.

import assert from "node:assert/strict";
import { test } from "node:test";

import { address } from "@solana/kit";

import {
  attributesOfTrack,
  contextOf,
  deriveSecret,
  emptySubtree,
  field,
  fieldFromBytes,
  fieldFromHex,
  fieldToBytes,
  fieldToHex,
  MODULUS,
  parentOf,
  scopeElement,
} from "../src/index.ts";

const OWNER = address("Vote111111111111111111111111111111111111111");
const hex = (value: bigint) => `0x${value.toString(16).padStart(64, "0")}`;

test("the largest field element is accepted in each form, and the modulus in none", () => {
  const largest = field(MODULUS - 1n);
  assert.equal(fieldFromHex(fieldToHex(largest)), largest);
  assert.equal(fieldFromBytes(fieldToBytes(largest)), largest);
  for (const value of [MODULUS, MODULUS + 1n, (1n << 256n) - 1n]) {
    assert.throws(() => field(value), RangeError);
    assert.throws(() => fieldFromHex(hex(value)), RangeError);
    assert.throws(() => fieldFromBytes(Uint8Array.from(Buffer.from(hex(value).slice(2), "hex"))), RangeError);
  }
  assert.throws(() => field(-1n), RangeError);
});

test("texts and lengths other than those of a field element are refused", () => {
  for (const text of ["", "0x", "1", "0x1", hex(1n).slice(2), `${hex(1n)}0`, ` ${hex(1n)}`, hex(1n).replace("1", "g")]) {
    assert.throws(() => fieldFromHex(text), RangeError, text);
  }
  for (const length of [0, 31, 33]) assert.throws(() => fieldFromBytes(new Uint8Array(length)), RangeError);
});

test("a master secret or a counter of another size is refused", async () => {
  const master = new Uint8Array(32);
  for (const length of [0, 31, 33]) {
    await assert.rejects(deriveSecret(new Uint8Array(length), OWNER, field(1n)), RangeError);
  }
  for (const counter of [-1, 0.5, 2 ** 32, NaN]) {
    await assert.rejects(deriveSecret(master, OWNER, field(1n), counter), RangeError);
  }
});

test("an expiry that is not a signed integer of 64 bits is refused", async () => {
  for (const expiry of [1n << 63n, -(1n << 63n) - 1n]) {
    await assert.rejects(contextOf({ recipient: OWNER, expiry, payload: new Uint8Array() }), RangeError);
  }
});

test("a track, a level, a number of children or a cluster tag out of range is refused", () => {
  assert.equal(attributesOfTrack((1n << 64n) - 1n), (1n << 64n) - 1n);
  assert.throws(() => attributesOfTrack(1n << 64n), RangeError);
  assert.throws(() => attributesOfTrack(-1n), RangeError);
  for (const level of [-1, 17, 0.5]) assert.throws(() => emptySubtree(level), RangeError);
  assert.throws(() => parentOf([field(0n)]), RangeError);
  assert.throws(() => scopeElement(new Uint8Array(31), OWNER, OWNER), RangeError);
});
