// Repairs of Codama's tree of the IDL, as visitors. Each repair says what Codama would do without
// it.

import {
  accountValueNode,
  argumentValueNode,
  assertIsNode,
  bytesTypeNode,
  constantDiscriminatorNode,
  constantPdaSeedNodeFromProgramId,
  constantPdaSeedNodeFromString,
  constantValueNode,
  definedTypeNode,
  fixedSizeTypeNode,
  hiddenPrefixTypeNode,
  isNode,
  pdaLinkNode,
  pdaNode,
  pdaSeedValueNode,
  pdaValueNode,
  programIdValueNode,
  publicKeyTypeNode,
  resolveNestedTypeNode,
  resolverValueNode,
  structTypeNode,
  variablePdaSeedNode,
  type AccountNode,
  type DefinedTypeNode,
  type InstructionNode,
  type Node,
  type PdaNode,
  type PdaValueNode,
  type ProgramNode,
} from "@codama/nodes";
import { bottomUpTransformerVisitor, type Visitor } from "@codama/visitors";

/** The function of `src/circuit.ts` that derives the address of a circuit from the arguments. */
export const CIRCUIT_RESOLVER = "resolveCircuit";

const UPGRADEABLE_LOADER = "BPFLoaderUpgradeab1e11111111111111111111111";
const TOKEN_METADATA = "metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s";

/** Returns the repairs: those of the program, then those of its accounts and instructions. */
export function repairs(): Visitor<Node | null>[] {
  return [
    bottomUpTransformerVisitor([
      transformer<ProgramNode>("programNode", [
        withOnePdaPerAddress,
        withAddressesThatTheIdlLacks,
        withAccountsAtTheirPdas,
        withEventsAsTypes,
      ]),
    ]),
    // One visitor for the rest: Codama's visitors refuse accounts and drop defaults that are
    // repaired.
    bottomUpTransformerVisitor([
      transformer<AccountNode>("accountNode", [withCheckedDiscriminator]),
      transformer<InstructionNode>("instructionNode", [
        withDistinctNames,
        withProgramData,
        withProgram,
        withCircuit,
      ]),
    ]),
  ];
}

function transformer<TNode extends Node>(kind: TNode["kind"], steps: ((node: TNode) => TNode)[]) {
  const transform = (node: Node) => steps.reduce((repaired, step) => step(repaired), node as TNode);
  return { select: `[${kind}]` as const, transform };
}

/**
 * Merges derived addresses that differ only in the names of their seeds. Codama names the holding
 * of a Core asset `registerCoreHolderHolding`, because its last seed is called `asset` and not
 * `mint`.
 */
function withOnePdaPerAddress(program: ProgramNode): ProgramNode {
  const shape = (pda: PdaNode) =>
    JSON.stringify([pda.programId, pda.seeds.map((seed) => ({ ...seed, name: undefined, docs: undefined }))]);
  const first = (pda: PdaNode) => program.pdas.find((other) => shape(other) === shape(pda)) ?? pda;
  const variables = (pda: PdaNode) => pda.seeds.filter((seed) => isNode(seed, "variablePdaSeedNode"));
  const merged = (value: PdaValueNode): PdaValueNode => {
    const link = value.pda;
    const named = isNode(link, "pdaLinkNode") ? program.pdas.find((pda) => pda.name === link.name) : undefined;
    if (!named) return value;
    const kept = first(named);
    const seeds = value.seeds.map((seed) => {
      const position = variables(named).findIndex(({ name }) => name === seed.name);
      return pdaSeedValueNode(variables(kept)[position]?.name ?? seed.name, seed.value);
    });
    return pdaValueNode(pdaLinkNode(kept.name), seeds, value.programId);
  };
  return {
    ...program,
    pdas: program.pdas.filter((pda) => first(pda) === pda),
    instructions: program.instructions.map((instruction) =>
      withDefaults(instruction, (value) => (isNode(value, "pdaValueNode") ? merged(value) : value)),
    ),
  };
}

/**
 * Adds the addresses that the IDL does not describe: of circuits, whose seeds are hashes, of the
 * loader's account, and of the accounts of Token Metadata that `register_holder` reads.
 */
function withAddressesThatTheIdlLacks(program: ProgramNode): ProgramNode {
  const hash = fixedSizeTypeNode(bytesTypeNode(), 32);
  const text = (value: string) => constantPdaSeedNodeFromString("utf8", value);
  const mint = variablePdaSeedNode("mint", publicKeyTypeNode(), "The token's mint.");
  const tokenMetadata = (name: string, docs: string, ...more: PdaNode["seeds"]) =>
    pdaNode({
      name,
      docs,
      programId: TOKEN_METADATA,
      seeds: [text("metadata"), constantPdaSeedNodeFromProgramId(), mint, ...more],
    });
  const added = [
    pdaNode({
      name: "circuit",
      seeds: [
        text("circuit"),
        variablePdaSeedNode("vkHash", hash, "The SHA-256 hash of the verifying key."),
        variablePdaSeedNode("metadataHash", hash, "The SHA-256 hash of the other fields of the registration."),
      ],
    }),
    pdaNode({
      name: "programData",
      docs: "The loader's account of a program, which has the ELF and the upgrade authority.",
      programId: UPGRADEABLE_LOADER,
      seeds: [variablePdaSeedNode("program", publicKeyTypeNode(), "The program.")],
    }),
    tokenMetadata("metadata", "The metadata account of a mint."),
    tokenMetadata("edition", "The edition account of a mint.", text("edition")),
    tokenMetadata(
      "tokenRecord",
      "The token record of a token account.",
      text("token_record"),
      variablePdaSeedNode("tokenAccount", publicKeyTypeNode(), "The token account."),
    ),
  ];
  return { ...program, pdas: [...program.pdas, ...added] };
}

/** Adds a type for each event. Codama renders no events. */
function withEventsAsTypes(program: ProgramNode): ProgramNode {
  const types = program.events.map(
    (event): DefinedTypeNode => definedTypeNode({ name: event.name, docs: event.docs, type: event.data }),
  );
  return { ...program, definedTypes: [...program.definedTypes, ...types] };
}

/**
 * Makes the decoder of an account refuse another discriminator. Codama's decoder returns it
 * unchecked.
 */
function withCheckedDiscriminator(account: AccountNode): AccountNode {
  const [discriminator, ...fields] = resolveNestedTypeNode(account.data).fields;
  const value = discriminator?.defaultValue;
  if (!discriminator || !value || discriminator.name !== "discriminator") {
    throw new Error(`the first field of the account ${account.name} is not its discriminator`);
  }
  assertIsNode(value, "bytesValueNode");
  const constant = constantValueNode(discriminator.type, value);
  return {
    ...account,
    data: hiddenPrefixTypeNode(structTypeNode(fields), [constant]),
    discriminators: [constantDiscriminatorNode(constant)],
  };
}

/**
 * Links each account to the derived address of its name. Codama links none. A tree has no derived
 * address.
 */
function withAccountsAtTheirPdas(program: ProgramNode): ProgramNode {
  const derived = program.pdas.map(({ name }) => name);
  return {
    ...program,
    accounts: program.accounts.map((account) =>
      derived.includes(account.name) ? { ...account, pda: pdaLinkNode(account.name) } : account,
    ),
  };
}

/**
 * Names an account that has the name of an argument `<name>Account`. Codama would rename the
 * argument to `<name>Arg`.
 */
function withDistinctNames(instruction: InstructionNode): InstructionNode {
  const taken = instruction.arguments.map(({ name }) => name);
  return {
    ...instruction,
    accounts: instruction.accounts.map((account) =>
      taken.includes(account.name) ? { ...account, name: `${account.name}Account` as typeof account.name } : account,
    ),
  };
}

/**
 * Derives the loader's account from the account `program`. The IDL has the address as a constant
 * seed.
 */
function withProgramData(instruction: InstructionNode): InstructionNode {
  const seeds = [pdaSeedValueNode("program", accountValueNode("program"))];
  return {
    ...instruction,
    accounts: instruction.accounts.map((account) =>
      account.name === "programData" ? { ...account, defaultValue: pdaValueNode("programData", seeds) } : account,
    ),
  };
}

/**
 * Sets the account `program`, and derives addresses with it. Codama requires it and then ignores
 * it.
 */
function withProgram(instruction: InstructionNode): InstructionNode {
  const program = instruction.accounts.find(({ name }) => name === "program");
  if (!program) return instruction;
  const own = withDefaults(instruction, (value) =>
    isNode(value, "pdaValueNode") && isNode(value.pda, "pdaLinkNode") && value.pda.name !== "programData"
      ? pdaValueNode(value.pda, value.seeds, accountValueNode(program.name))
      : value,
  );
  return {
    ...own,
    accounts: own.accounts.map((account) =>
      account.name === program.name ? { ...account, defaultValue: programIdValueNode() } : account,
    ),
  };
}

/**
 * Derives the address of the circuit that `register_circuit` creates. Its seeds are hashes of the
 * arguments.
 */
function withCircuit(instruction: InstructionNode): InstructionNode {
  if (instruction.name !== "registerCircuit") return instruction;
  const names = instruction.arguments.map(({ name }) => name).filter((name) => name !== "discriminator");
  const resolver = resolverValueNode(CIRCUIT_RESOLVER, {
    dependsOn: [accountValueNode("program"), ...names.map((name) => argumentValueNode(name))],
  });
  return {
    ...instruction,
    accounts: instruction.accounts.map((account) =>
      account.name === "circuit" ? { ...account, defaultValue: resolver } : account,
    ),
  };
}

type DefaultValue = NonNullable<InstructionNode["accounts"][number]["defaultValue"]>;

function withDefaults(instruction: InstructionNode, change: (value: DefaultValue) => DefaultValue): InstructionNode {
  return {
    ...instruction,
    accounts: instruction.accounts.map((account) =>
      account.defaultValue ? { ...account, defaultValue: change(account.defaultValue) } : account,
    ),
  };
}
