// Pages of the client that Codama doesn't render, or not as this package needs them.

import type { ErrorNode, EventNode, ProgramNode } from "@codama/nodes";

/**
 * Returns the page of the errors. Codama's page has no names, and no messages in production builds.
 */
export function errorsPage(program: ProgramNode): string {
  const { errors } = program;
  return `
import { isProgramError, type Address, type SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM, type SolanaError } from "@solana/kit";
import { BAUTA_PROGRAM_ADDRESS } from "../programs";

${errors.map((error) => `/** ${escaped(error.message)} */\nexport const ${constant(error)} = ${error.code};`).join("\n")}

/** An error code of the program. */
export type BautaError = ${errors.map((error) => `typeof ${constant(error)}`).join(" | ")};

/** The name and the message of each error of the program. */
export const BAUTA_ERRORS: Readonly<Record<BautaError, readonly [name: string, message: string]>> = {
${errors.map((error) => `[${constant(error)}]: [${JSON.stringify(pascal(error.name))}, ${JSON.stringify(error.message)}],`).join("\n")}
};

/**
 * Returns whether a transaction failed because an instruction of the program failed with an error
 * of the program, or with this error.
 */
export function isBautaError<TCode extends BautaError>(
  error: unknown,
  transactionMessage: { instructions: Record<number, { programAddress: Address }> },
  code?: TCode,
): error is SolanaError<typeof SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM> & Readonly<{ context: Readonly<{ code: TCode }> }> {
  return isProgramError<TCode>(error, transactionMessage, BAUTA_PROGRAM_ADDRESS, code);
}
`;
}

/** Returns the page of the events: a union of all events, and the table of their decoders. */
export function eventsPage(program: ProgramNode): string {
  const names = program.events.map((event) => pascal(event.name));
  return `
import type { Decoder, ReadonlyUint8Array } from "@solana/kit";
import {
${names.map((name) => `get${name}Decoder, type ${name},`).join("\n")}
} from "./types";

/** An event of the program. \`name\` is its name in the IDL. */
export type BautaEvent =
${names.map((name) => `| { readonly name: "${name}"; readonly data: ${name} }`).join("\n")};

/** The discriminator and the decoder of each event. */
export const EVENT_DECODERS: {
  readonly [Name in BautaEvent["name"]]: readonly [
    discriminator: ReadonlyUint8Array,
    decoder: () => Decoder<Extract<BautaEvent, { name: Name }>["data"]>,
  ];
} = {
${program.events.map((event) => `${pascal(event.name)}: [new Uint8Array([${discriminator(event).join(", ")}]), get${pascal(event.name)}Decoder],`).join("\n")}
};
`;
}

function discriminator(event: EventNode): number[] {
  const [first] = event.discriminators ?? [];
  if (first?.kind !== "constantDiscriminatorNode" || first.constant.value.kind !== "bytesValueNode") {
    throw new Error(`the event ${event.name} has no discriminator`);
  }
  const { data, encoding } = first.constant.value;
  if (encoding !== "base16") throw new Error(`the discriminator of ${event.name} is not in base 16`);
  return [...Buffer.from(data, "hex")];
}

function pascal(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function constant(error: ErrorNode): string {
  return `BAUTA_ERROR__${error.name.replace(/[A-Z0-9]+/g, "_$&").toUpperCase()}`;
}

function escaped(message: string): string {
  return message.replaceAll("*/", "*\\/");
}
