import { getBase58Encoder, type Address, type ReadonlyUint8Array } from "@solana/kit";

import { BautaClientError } from "./client-error.js";
import { EVENT_DECODERS, type BautaEvent } from "./generated/events.js";
import { findEventAuthorityPda } from "./generated/pdas/eventAuthority.js";
import { BAUTA_PROGRAM_ADDRESS } from "./generated/programs/index.js";

/** An inner instruction of a transaction. */
export interface InnerInstruction {
  readonly programAddress: Address;
  readonly accounts: readonly Address[];
  readonly data: ReadonlyUint8Array;
}

/**
 * The parts of a transaction with its results that {@link eventsOfTransaction} reads:
 * `getTransaction` with the encoding `json`.
 */
export interface TransactionWithResults {
  readonly transaction: { readonly message: { readonly accountKeys: readonly Address[] } };
  readonly meta: {
    readonly err: unknown;
    readonly innerInstructions?:
      | readonly {
          readonly instructions: readonly {
            readonly programIdIndex: number;
            readonly accounts: readonly number[];
            readonly data: string;
          }[];
        }[]
      | null
      | undefined;
    readonly loadedAddresses?: { readonly writable: readonly Address[]; readonly readonly: readonly Address[] } | undefined;
  } | null;
}

/** The first bytes of an event: the start of the SHA-256 hash of `anchor:event`, reversed. */
const TAG = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
const DISCRIMINATOR_BYTES = 8;

/**
 * Events that got more fields: the length of the earlier form without its discriminator, and the
 * number of new bytes, which are at the end. Their zeros mean what the earlier program did: a
 * collection without rules and without a number, and a token.
 */
const EXTENDED: Partial<Record<BautaEvent["name"], readonly [length: number, added: number]>> = {
  CollectionAdded: [3 * 32 + 1 + 2 * 8, 4],
  HolderRegistered: [4 * 32 + 4 * 8 + 1, 3],
};

/**
 * Decodes the event in an inner instruction of a successful transaction. Returns `undefined` if the
 * instruction is not an event of the program.
 *
 * The program calls itself to emit an event, signed by its event authority. No other program can
 * sign for it. Log lines are not events: any program can print any line.
 *
 * @throws {@link BautaClientError} if this client can't decode the event.
 */
export async function decodeEvent(instruction: InnerInstruction): Promise<BautaEvent | undefined> {
  const { programAddress, accounts, data } = instruction;
  if (programAddress !== BAUTA_PROGRAM_ADDRESS || accounts.length !== 1) return undefined;
  if (!startsWith(data, TAG) || accounts[0] !== (await eventAuthority())) return undefined;
  return decode(data.slice(TAG.length));
}

/**
 * Decodes the events of a transaction, in their order. A failed transaction has none.
 *
 * @param transaction A transaction from `getTransaction` with the encoding `json`.
 * @throws {@link BautaClientError} if the node recorded no inner instructions, or if this client
 * can't decode an event.
 */
export async function eventsOfTransaction(transaction: TransactionWithResults): Promise<BautaEvent[]> {
  const { meta } = transaction;
  if (meta?.err) return [];
  if (!meta?.innerInstructions) {
    throw new BautaClientError(
      "no-inner-instructions",
      "the node did not record the transaction's inner instructions, which have the events: use another node",
    );
  }
  const loaded = meta.loadedAddresses;
  const keys = [...transaction.transaction.message.accountKeys, ...(loaded?.writable ?? []), ...(loaded?.readonly ?? [])];
  const at = (index: number): Address => {
    const key = keys[index];
    if (!key) throw new BautaClientError("malformed-event", `the transaction has no account with the index ${index}`);
    return key;
  };
  const base58 = getBase58Encoder();
  const instructions = meta.innerInstructions
    .flatMap((group) => group.instructions)
    .map((inner) => ({
      programAddress: at(inner.programIdIndex),
      accounts: inner.accounts.map(at),
      data: base58.encode(inner.data),
    }));
  const events = await Promise.all(instructions.map(decodeEvent));
  return events.filter((event) => event !== undefined);
}

let authority: Promise<Address> | undefined;

function eventAuthority(): Promise<Address> {
  return (authority ??= findEventAuthorityPda().then(([address]) => address));
}

function decode(bytes: ReadonlyUint8Array): BautaEvent {
  for (const [key, [discriminator, decoder]] of Object.entries(EVENT_DECODERS)) {
    if (startsWith(bytes, discriminator)) return decodeAs(key as BautaEvent["name"], decoder(), bytes);
  }
  const found = [...bytes.slice(0, DISCRIMINATOR_BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  throw new BautaClientError("unknown-event", `the program emitted an unknown event (${found}): update the client`);
}

function decodeAs(
  name: BautaEvent["name"],
  decoder: { read(bytes: ReadonlyUint8Array, offset: number): readonly [unknown, number] },
  bytes: ReadonlyUint8Array,
): BautaEvent {
  const complete = withAddedFields(name, bytes);
  let decoded: readonly [unknown, number];
  try {
    decoded = decoder.read(complete, 0);
  } catch (cause) {
    throw new BautaClientError("malformed-event", `can't decode an event ${name}: ${String(cause)}`, { cause });
  }
  const [data, end] = decoded;
  if (end !== complete.length) {
    const rest = complete.length - end;
    throw new BautaClientError("malformed-event", `can't decode an event ${name}: ${rest} bytes follow the event`);
  }
  return { name, data } as BautaEvent;
}

/** Returns the event with the new bytes, if it has the earlier form. */
function withAddedFields(name: BautaEvent["name"], bytes: ReadonlyUint8Array): ReadonlyUint8Array {
  const [length, added] = EXTENDED[name] ?? [];
  if (length === undefined || added === undefined || bytes.length !== DISCRIMINATOR_BYTES + length) return bytes;
  const complete = new Uint8Array(bytes.length + added);
  complete.set(bytes);
  return complete;
}

function startsWith(bytes: ReadonlyUint8Array, prefix: ArrayLike<number>): boolean {
  return bytes.length >= prefix.length && Array.from(prefix).every((byte, index) => bytes[index] === byte);
}
