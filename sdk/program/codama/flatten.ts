// A repair of the IDL: seeds that are fields of a struct argument.

import type {
  IdlV01,
  IdlV01Field,
  IdlV01Instruction,
  IdlV01InstructionAccount,
  IdlV01Seed,
  IdlV01TypeDef,
} from "@codama/nodes-from-anchor";

/**
 * Replaces each struct argument that has a seed among its fields by these fields. The encoding of
 * the arguments does not change.
 *
 * Codama does the same later, but then it has already dropped the seeds, such as
 * `presentation.nullifier` of `verify`.
 */
export function withFlatSeeds(idl: IdlV01): IdlV01 {
  return { ...idl, instructions: idl.instructions.map((instruction) => flat(instruction, idl.types ?? [])) };
}

function flat(instruction: IdlV01Instruction, types: readonly IdlV01TypeDef[]): IdlV01Instruction {
  const accounts = instruction.accounts.filter((account) => !("accounts" in account)) as IdlV01InstructionAccount[];
  if (accounts.length !== instruction.accounts.length) {
    throw new Error(`${instruction.name} has a group of accounts, which the generator does not support`);
  }
  const structs = new Set(accounts.flatMap(({ pda }) => pda?.seeds ?? []).flatMap(structOf));
  return {
    ...instruction,
    args: instruction.args.flatMap((argument) => (structs.has(argument.name) ? fieldsOf(argument, types) : [argument])),
    accounts: accounts.map((account) =>
      account.pda ? { ...account, pda: { ...account.pda, seeds: account.pda.seeds.map(withoutStruct) } } : account,
    ),
  };
}

function structOf(seed: IdlV01Seed): string[] {
  return seed.kind === "arg" && seed.path.includes(".") ? seed.path.split(".").slice(0, 1) : [];
}

function withoutStruct(seed: IdlV01Seed): IdlV01Seed {
  return seed.kind === "arg" ? { ...seed, path: seed.path.slice(seed.path.indexOf(".") + 1) } : seed;
}

function fieldsOf(argument: IdlV01Field, types: readonly IdlV01TypeDef[]): IdlV01Field[] {
  const name = (argument.type as { defined?: { name: string } }).defined?.name;
  const definition = types.find((type) => type.name === name)?.type;
  if (definition?.kind !== "struct") throw new Error(`the argument ${argument.name} has a seed, but is not a struct`);
  return definition.fields as IdlV01Field[];
}
