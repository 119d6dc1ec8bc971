// Compares the client with the IDL that Anchor generated, without Codama.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { createNoopSigner, getAddressDecoder, getProgramDerivedAddress, type AccountMeta, type Address, type Instruction } from "@solana/kit";

import * as client from "../src/index.ts";

interface Seed {
  kind: "const" | "account" | "arg";
  value?: number[];
  path?: string;
}
interface IdlAccount {
  name: string;
  signer?: boolean;
  writable?: boolean;
  optional?: boolean;
  address?: string;
  pda?: { seeds: Seed[]; program?: Seed };
}
interface Idl {
  address: string;
  instructions: { name: string; discriminator: number[]; accounts: IdlAccount[]; args: { name: string; type: unknown }[] }[];
  errors: { code: number; name: string; msg: string }[];
  events: { name: string; discriminator: number[] }[];
  types: { name: string; type: { fields?: { name: string; type: unknown }[]; variants?: { name: string; fields?: unknown[] }[] } }[];
}

const idl: Idl = JSON.parse(
  readFileSync(new URL("../../../programs/bauta/artifacts/bauta.json", import.meta.url), "utf8"),
);

type Value = { bytes: Uint8Array; input: unknown };

const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string) => camel(`_${name}`);
const address = (number: number) => getAddressDecoder().decode(new Uint8Array(32).fill(number));
/** Returns the builder of an instruction. One that derives an address is asynchronous. */
const builder = (name: string, isAsync: boolean) =>
  (client as unknown as Record<string, (input: unknown) => Instruction | Promise<Instruction>>)[
    `get${pascal(name)}Instruction${isAsync ? "Async" : ""}`
  ];

/** Returns some value of a type of the IDL, and its encoding if it can be a seed. */
function sample(type: any, number: number): Value {
  if (type === "pubkey") return { bytes: new Uint8Array(32).fill(number), input: address(number) };
  if (type === "u64") return { bytes: Uint8Array.from([number, 1, 0, 0, 0, 0, 0, 0]), input: 256n + BigInt(number) };
  if (type === "u8") return { bytes: Uint8Array.of(number), input: number };
  if (type === "bool") return { bytes: new Uint8Array(), input: true };
  if (type === "bytes") return { bytes: new Uint8Array(), input: new Uint8Array(3) };
  if (typeof type === "string") return { bytes: new Uint8Array(), input: number };
  if (type.option) return { bytes: new Uint8Array(), input: sample(type.option, number).input };
  if (type.vec) return { bytes: new Uint8Array(), input: [sample(type.vec, number).input] };
  if (type.array?.[0] === "u8") {
    const bytes = new Uint8Array(type.array[1]).fill(number);
    return { bytes, input: bytes };
  }
  const fields = idl.types.find(({ name }) => name === type.defined?.name)?.type.fields;
  if (fields) {
    const input = Object.fromEntries(fields.map((field) => [camel(field.name), sample(field.type, number).input]));
    return { bytes: new Uint8Array(), input };
  }
  const variant = idl.types.find(({ name }) => name === type.defined?.name)?.type.variants?.[0];
  if (variant?.fields) {
    const input = { __kind: variant.name, fields: variant.fields.map((field) => sample(field, number).input) };
    return { bytes: new Uint8Array(), input };
  }
  if (type.array) return { bytes: new Uint8Array(), input: Array(type.array[1]).fill(sample(type.array[0], number).input) };
  return { bytes: new Uint8Array(), input: 0 };
}

/** Returns the arguments of an instruction with the fields of structs in place of the structs. */
function flatArguments(instruction: Idl["instructions"][number]): { path: string; name: string; type: unknown }[] {
  return instruction.args.flatMap(({ name, type }) => {
    const defined = (type as { defined?: { name: string } }).defined?.name;
    const fields = idl.types.find((definition) => definition.name === defined)?.type.fields;
    // Codama keeps a struct that has a field with the name of an account, unless a seed is in it.
    const isSeed = ({ pda }: IdlAccount) => pda?.seeds.some(({ path }) => String(path ?? "").startsWith(`${name}.`));
    const isAccount = (field: { name: string }) => instruction.accounts.some((account) => account.name === field.name);
    const isFlat = instruction.accounts.some(isSeed) || !fields?.some(isAccount);
    if (!fields || !isFlat) return [{ path: name, name, type }];
    return fields.map((field) => ({ path: `${name}.${field.name}`, name: field.name, type: field.type }));
  });
}

for (const instruction of idl.instructions) {
  test(`${instruction.name} has the accounts of the IDL and derives every address that it describes`, async () => {
    const values = flatArguments(instruction).map((argument, index) => ({ ...argument, ...sample(argument.type, 100 + index) }));
    const derived = instruction.accounts.filter(({ name, pda }) => pda || name === "program");
    const given = instruction.accounts.filter((account) => !derived.includes(account) && !account.address);
    const skipped = instruction.name === "register_circuit" ? ["circuit"] : [];
    const keys = new Map(given.map(({ name }, index) => [name, address(1 + index)] as const));
    const input = Object.fromEntries([
      ...values.map(({ name, input }) => [camel(name), input]),
      ...given
        .filter(({ name }) => !skipped.includes(name))
        .map(({ name, signer }) => [camel(name), signer ? createNoopSigner(keys.get(name)!) : keys.get(name)]),
    ]);
    const build = builder(instruction.name, instruction.accounts.some(({ pda }) => pda));
    assert.ok(build, `${instruction.name} has no builder: run \`npm run generate\` in sdk`);
    const built = await build(input);

    assert.equal(built.programAddress, idl.address);
    assert.deepEqual([...(built.data ?? [])].slice(0, 8), instruction.discriminator);
    assert.equal(built.accounts?.length, instruction.accounts.length);
    for (const [index, account] of instruction.accounts.entries()) {
      const meta: AccountMeta = built.accounts![index]!;
      const role = (account.signer ? 2 : 0) + (account.writable ? 1 : 0);
      assert.equal(meta.role, role, account.name);
      if (skipped.includes(account.name)) continue;
      assert.equal(meta.address, await expected(account), account.name);
    }

    async function expected(account: IdlAccount): Promise<Address> {
      if (account.address) return account.address as Address;
      if (account.name === "program") return idl.address as Address;
      if (!account.pda) return keys.get(account.name)!;
      const program = account.pda.program ? getAddressDecoder().decode(Uint8Array.from(account.pda.program.value!)) : idl.address;
      const seeds = account.pda.seeds.map((seed) => {
        if (seed.kind === "const") return Uint8Array.from(seed.value!);
        if (seed.kind === "arg") return values.find(({ path }) => path === seed.path)!.bytes;
        return new Uint8Array(32).fill(1 + [...keys.keys()].indexOf(seed.path!));
      });
      return (await getProgramDerivedAddress({ programAddress: program as Address, seeds }))[0];
    }
  });
}

test("every error of the IDL has its code, name and message", () => {
  assert.deepEqual(
    Object.entries(client.BAUTA_ERRORS).map(([code, [name, msg]]) => ({ code: Number(code), name, msg })),
    idl.errors,
  );
});

test("every event of the IDL has a decoder with its discriminator", () => {
  assert.deepEqual(
    Object.entries(client.EVENT_DECODERS).map(([name, [bytes]]) => ({ name, discriminator: [...bytes] })),
    idl.events,
  );
});
