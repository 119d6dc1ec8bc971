// Reads accounts of the token programs and of Metaplex. programs/bauta/src/token.rs,
// token_metadata.rs and core_asset.rs describe the layouts. The readers find addresses only: the
// program checks the accounts.

import { address, getAddressDecoder, type Address, type ReadonlyUint8Array } from "@solana/kit";

const TOKEN_PROGRAMS: readonly string[] = [
  "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
  "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
];
export const TOKEN_METADATA_PROGRAM = address("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s");
export const CORE_PROGRAM = address("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d");

const ACCOUNT_BYTES = 165;
const MINT_TYPE = 1;
const TOKEN_GROUP_MEMBER = 23;
const METADATA_BYTES = [607, 679];
const PROGRAMMABLE = [4, 5];

/** Returns whether a program is SPL Token or Token-2022. */
export function isTokenProgram(program: Address): boolean {
  return TOKEN_PROGRAMS.includes(program);
}

/** Reads a value, or returns `undefined` if the data ends too early or is malformed. */
function read<T>(data: ReadonlyUint8Array, at: number, parse: (fields: Cursor) => T): T | undefined {
  try {
    return parse(new Cursor(data, at));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class Cursor {
  readonly #data: Uint8Array;
  readonly #view: DataView;

  constructor(
    data: ReadonlyUint8Array,
    private at: number,
  ) {
    this.#data = Uint8Array.from(data);
    this.#view = new DataView(this.#data.buffer);
  }

  skip(bytes: number): number {
    const start = this.at;
    if (bytes > this.#data.length - start) throw new RangeError("the account ends too early");
    this.at += bytes;
    return start;
  }

  byte(): number {
    return this.#view.getUint8(this.skip(1));
  }

  flag(): boolean {
    const value = this.byte();
    if (value > 1) throw new RangeError("a flag is 0 or 1");
    return value === 1;
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.skip(8), true);
  }

  key(): Address {
    return getAddressDecoder().decode(this.#data, this.skip(32));
  }

  /** Skips a list with items of this many bytes. */
  list(bytes: number): void {
    this.skip(bytes * this.#view.getUint32(this.skip(4), true));
  }
}

/** What a token account holds. */
export interface Held {
  readonly mint: Address;
  readonly owner: Address;
  readonly amount: bigint;
}

/** Reads a token account. */
export function heldIn(data: ReadonlyUint8Array): Held | undefined {
  return read(data, 0, (fields) => ({ mint: fields.key(), owner: fields.key(), amount: fields.u64() }));
}

/** Returns the group that a mint of Token-2022 says it is a member of. */
export function groupOf(mint: ReadonlyUint8Array): Address | undefined {
  return read(mint, ACCOUNT_BYTES, (fields) => {
    if (fields.byte() !== MINT_TYPE) return undefined;
    for (;;) {
      const [kind, length] = [fields.u16(), fields.u16()];
      if (kind === 0) return undefined;
      if (kind !== TOKEN_GROUP_MEMBER) {
        fields.skip(length);
        continue;
      }
      fields.key();
      return fields.key();
    }
  });
}

/** The part of a metadata account that a registration needs. */
export interface Metadata {
  readonly isProgrammable: boolean;
  /** The collection that it names, verified or not. */
  readonly collection: Address | undefined;
}

/** Reads the metadata account of a mint. Returns `undefined` if the program can't read it. */
export function metadataOf(mint: Address, data: ReadonlyUint8Array): Metadata | undefined {
  if (!METADATA_BYTES.includes(data.length) || data[0] !== 4) return undefined;
  return read(data, 33, (fields) => {
    if (fields.key() !== mint) return undefined;
    for (let text = 0; text < 3; text++) fields.list(1);
    fields.skip(2);
    if (fields.flag()) fields.list(34);
    fields.flag();
    fields.flag();
    if (fields.flag()) fields.skip(1);
    const standard = fields.flag() ? fields.byte() : 0;
    if (standard > 5) return undefined;
    let collection: Address | undefined;
    if (fields.flag()) {
      fields.flag();
      collection = fields.key();
    }
    if (fields.flag()) {
      if (fields.byte() > 2) return undefined;
      fields.skip(16);
    }
    return { isProgrammable: PROGRAMMABLE.includes(standard), collection };
  });
}

/** Returns the edition account of a print's master, from the edition account of the print. */
export function masterOf(edition: ReadonlyUint8Array): Address | undefined {
  return read(edition, 0, (fields) => (fields.byte() === 1 ? fields.key() : undefined));
}

/** An asset of Metaplex Core. */
export interface CoreAsset {
  /** Its Core collection. */
  readonly collection: Address | undefined;
}

/** Reads an asset of Metaplex Core. */
export function coreAssetOf(data: ReadonlyUint8Array): CoreAsset | undefined {
  return read(data, 0, (fields) => {
    if (fields.byte() !== 1) return undefined;
    fields.key();
    return { collection: fields.byte() === 2 ? fields.key() : undefined };
  });
}
