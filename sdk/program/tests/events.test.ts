// Tests which inner instructions are events of the program.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { address, getBase58Decoder, type Address } from "@solana/kit";

import {
  AssetForm,
  BAUTA_PROGRAM_ADDRESS,
  BautaClientError,
  CollectionKind,
  decodeEvent,
  eventsOfTransaction,
  findEventAuthorityPda,
  getCollectionAddedEncoder,
  getHolderRegisteredEncoder,
  getRegistrySealedEncoder,
  type CollectionAdded,
  type HolderRegistered,
  type InnerInstruction,
} from "../src/index.ts";

const OTHER = address("Vote111111111111111111111111111111111111111");
const TAG = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
const sealed = { registry: OTHER, timestamp: 17n };

let authority: Address;
let instruction: InnerInstruction;
before(async () => {
  [authority] = await findEventAuthorityPda();
  instruction = emitted(getRegistrySealedEncoder().encode(sealed));
});

function emitted(event: Iterable<number>): InnerInstruction {
  return {
    programAddress: BAUTA_PROGRAM_ADDRESS,
    accounts: [authority],
    data: Uint8Array.from([...TAG, ...event]),
  };
}

const refusal = (code: string) => (error: unknown) => error instanceof BautaClientError && error.code === code;

test("a call of the program by itself is an event", async () => {
  assert.deepEqual(await decodeEvent(instruction), { name: "RegistrySealed", data: sealed });
});

test("events of another program are ignored", async () => {
  assert.equal(await decodeEvent({ ...instruction, programAddress: OTHER }), undefined);
});

test("events without the event authority are ignored", async () => {
  for (const accounts of [[], [OTHER], [OTHER, authority], [authority, OTHER]]) {
    assert.equal(await decodeEvent({ ...instruction, accounts }), undefined);
  }
});

test("another instruction of the program is not an event", async () => {
  for (const data of [instruction.data.slice(8), new Uint8Array()]) {
    assert.equal(await decodeEvent({ ...instruction, data }), undefined);
  }
});

test("an event that can't be decoded is an error", async () => {
  const { data } = instruction;
  const unknown = Uint8Array.from(data);
  unknown[8]! ^= 1;
  for (const bytes of [unknown, data.slice(0, 12)]) {
    await assert.rejects(decodeEvent({ ...instruction, data: bytes }), refusal("unknown-event"));
  }
  for (const bytes of [data.slice(0, -1), Uint8Array.from([...data, 0])]) {
    await assert.rejects(decodeEvent({ ...instruction, data: bytes }), refusal("malformed-event"));
  }
});

test("an event with an unknown variant is an error", async () => {
  const bytes = Uint8Array.from(getCollectionAddedEncoder().encode(added));
  bytes[8 + 3 * 32] = 200;
  await assert.rejects(decodeEvent(emitted(bytes)), refusal("malformed-event"));
});

const added: CollectionAdded = {
  registry: OTHER,
  collection: OTHER,
  key: OTHER,
  kind: CollectionKind.Group,
  track: 5n,
  timestamp: 6n,
  rules: 0,
  number: 0,
};

test("events of the earlier program are decoded", async () => {
  const registered: HolderRegistered = {
    registry: OTHER,
    sequence: 1n,
    mint: OTHER,
    owner: OTHER,
    commitment: new Uint8Array(32).fill(9),
    track: 5n,
    index: 2n,
    replaced: false,
    timestamp: 6n,
    form: AssetForm.Token,
    collection: 0,
  };
  assert.deepEqual(await decodeEvent(emitted(getCollectionAddedEncoder().encode(added).slice(0, -4))), {
    name: "CollectionAdded",
    data: added,
  });
  assert.deepEqual(await decodeEvent(emitted(getHolderRegisteredEncoder().encode(registered).slice(0, -3))), {
    name: "HolderRegistered",
    data: registered,
  });
});

/** A transaction of `getTransaction` with the event, whose event authority is in a lookup table. */
function transaction(): { [Key in keyof Parameters<typeof eventsOfTransaction>[0]]: any } {
  const data = getBase58Decoder().decode(instruction.data);
  return {
    transaction: { message: { accountKeys: [OTHER, BAUTA_PROGRAM_ADDRESS] } },
    meta: {
      err: null,
      innerInstructions: [
        {
          instructions: [
            { programIdIndex: 1, accounts: [3], data },
            { programIdIndex: 0, accounts: [3], data },
          ],
        },
      ],
      loadedAddresses: { writable: [OTHER], readonly: [authority] },
    },
  };
}

test("the events of a transaction are decoded, even if their accounts are in lookup tables", async () => {
  assert.deepEqual(await eventsOfTransaction(transaction()), [{ name: "RegistrySealed", data: sealed }]);
});

test("a failed transaction has no events", async () => {
  const failed = transaction();
  failed.meta.err = { InstructionError: [0, { Custom: 6000 }] };
  assert.deepEqual(await eventsOfTransaction(failed), []);
});

test("inner instructions that a node did not record are not read as no events", async () => {
  for (const innerInstructions of [null, undefined]) {
    const incomplete = transaction();
    incomplete.meta.innerInstructions = innerInstructions;
    await assert.rejects(eventsOfTransaction(incomplete), refusal("no-inner-instructions"));
  }
  await assert.rejects(eventsOfTransaction({ ...transaction(), meta: null }), refusal("no-inner-instructions"));
});

test("an index without an account is an error", async () => {
  const damaged = transaction();
  damaged.meta.loadedAddresses = undefined;
  await assert.rejects(eventsOfTransaction(damaged), refusal("malformed-event"));
});
