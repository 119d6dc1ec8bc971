// Compares the SDK with the test vectors of the protocol, which circomlibjs made.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { getAddressDecoder, type Address } from "@solana/kit";

import {
  attributesOfTrack,
  claimWithAuxiliaryRoot,
  commitmentOf,
  contextOf,
  deriveSecret,
  digestOf,
  emptySubtree,
  entryIdOf,
  fieldFromHex,
  fieldToBytes,
  fieldToHex,
  leafOf,
  nullifierOf,
  poseidon,
  rootOfPath,
  scopeElement,
  type Siblings,
} from "../src/index.ts";

interface Vector {
  inputs: Record<"master" | "registry" | "mint" | "cluster_tag" | "program_id" | "scope_account", string> &
    Record<"recipient" | "relayer" | "payload", string> &
    Record<"expiry" | "track" | "counter" | "index", number> & { path: string[][] };
  outputs: Record<string, string>;
}

const read = (path: string) => readFileSync(new URL(`../../../crates/${path}`, import.meta.url), "utf8");
const vectors: Vector[] = JSON.parse(read("primitives/vectors/protocol.json"));
// Integers may be above 2^53, which JSON.parse rounds.
const exact: { track: bigint[]; expiry: bigint[]; index: bigint[] } = { track: [], expiry: [], index: [] };
for (const [, name, digits] of read("primitives/vectors/protocol.json").matchAll(/"(track|expiry|index)": (-?\d+)/g)) {
  exact[name as keyof typeof exact].push(BigInt(digits!));
}

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const address = (hex: string): Address => getAddressDecoder().decode(bytes(hex));

test("Poseidon gives the hashes of circomlibjs for 1 to 6 inputs", () => {
  const cases: { inputs: string[]; hash: string }[] = JSON.parse(read("poseidon/vectors/poseidon.json"));
  assert.deepEqual([...new Set(cases.map(({ inputs }) => inputs.length))].sort(), [1, 2, 3, 4, 5, 6]);
  for (const { inputs, hash } of cases) {
    assert.equal(fieldToHex(poseidon(...inputs.map(fieldFromHex))), hash);
  }
});

test("Poseidon refuses no input and more than six", () => {
  const zero = fieldFromHex(`0x${"0".repeat(64)}`);
  assert.throws(() => poseidon(), RangeError);
  assert.throws(() => poseidon(...Array(7).fill(zero)), RangeError);
});

for (const [number, { inputs, outputs }] of vectors.entries()) {
  test(`the values of vector ${number} are those of the protocol`, async () => {
    const [track, expiry, index] = [exact.track[number]!, exact.expiry[number]!, exact.index[number]!];
    const registry = address(inputs.registry);
    const entryId = await entryIdOf(address(inputs.mint));
    const secret = await deriveSecret(bytes(inputs.master), registry, entryId);
    const rotated = await deriveSecret(bytes(inputs.master), registry, entryId, inputs.counter);
    const commitment = commitmentOf(secret);
    const attributes = attributesOfTrack(track);
    const leaf = leafOf(commitment, entryId, attributes);
    const path = inputs.path.map((siblings) => siblings.map(fieldFromHex) as unknown as Siblings);
    const root = rootOfPath(leaf, index, path);
    const scope = await scopeElement(bytes(inputs.cluster_tag), address(inputs.program_id), address(inputs.scope_account));
    const nullifier = nullifierOf(secret, entryId, scope);
    const noRelayer = /^0+$/.test(inputs.relayer);
    const context = await contextOf({
      recipient: address(inputs.recipient),
      relayer: noRelayer ? undefined : address(inputs.relayer),
      expiry,
      payload: bytes(inputs.payload),
    });
    const digest = digestOf({ root, nullifier, scope, claim: attributes, context });
    const hex = (secret: Uint8Array) => `0x${Buffer.from(secret).toString("hex")}`;
    assert.deepEqual(
      {
        entry_id: fieldToHex(entryId),
        secret: hex(secret),
        commitment: fieldToHex(commitment),
        rotated_secret: hex(rotated),
        leaf: fieldToHex(leaf),
        root: fieldToHex(root),
        scope: fieldToHex(scope),
        nullifier: fieldToHex(nullifier),
        context: fieldToHex(context),
        digest: fieldToHex(digest),
        claim_with_auxiliary_root: fieldToHex(claimWithAuxiliaryRoot(attributes, root)),
      },
      outputs,
    );
  });
}

test("the roots of empty subtrees are those of the program", () => {
  const digits = [...read("primitives/src/empty_subtrees.in").matchAll(/0x([0-9a-f]{2})/g)].map(([, byte]) => byte);
  const expected = Array.from({ length: digits.length / 32 }, (_, level) => digits.slice(32 * level, 32 * level + 32).join(""));
  assert.equal(expected.length, 17);
  assert.deepEqual(
    expected.map((_, level) => Buffer.from(fieldToBytes(emptySubtree(level))).toString("hex")),
    expected,
  );
});
