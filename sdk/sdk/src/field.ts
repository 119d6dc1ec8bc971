declare const brand: unique symbol;

/**
 * An element of the scalar field of BN254: an integer that is at least 0 and below {@link MODULUS}.
 */
export type Field = bigint & { readonly [brand]: "Field" };

/** The order of the scalar field of BN254. */
export const MODULUS = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

/**
 * Checks that an integer is a field element.
 *
 * @throws `RangeError` if it is negative or not below {@link MODULUS}.
 */
export function field(value: bigint): Field {
  if (value < 0n || value >= MODULUS) {
    throw new RangeError("the value is not a field element: it must be at least 0 and below the modulus of BN254");
  }
  return value as Field;
}

/**
 * Decodes 32 big-endian bytes.
 *
 * @throws `RangeError` if there are not 32 bytes, or if the value is not below {@link MODULUS}.
 */
export function fieldFromBytes(bytes: Uint8Array): Field {
  if (bytes.length !== 32) throw new RangeError(`a field element has 32 bytes, got ${bytes.length}`);
  return field(integer(bytes));
}

/** Encodes a field element as 32 big-endian bytes. */
export function fieldToBytes(value: Field): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest: bigint = value;
  for (let index = 31; index >= 0; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/**
 * Decodes `0x` and 64 hexadecimal digits, as the API writes field elements.
 *
 * @throws `RangeError` if the text has another form, or if the value is not below {@link MODULUS}.
 */
export function fieldFromHex(text: string): Field {
  if (!/^0x[0-9a-f]{64}$/i.test(text)) throw new RangeError("a field element is 0x and 64 hexadecimal digits");
  return field(BigInt(text));
}

/** Encodes a field element as `0x` and 64 hexadecimal digits. */
export function fieldToHex(value: Field): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

function integer(bytes: Uint8Array): bigint {
  let digits = "0x";
  for (const byte of bytes) digits += byte.toString(16).padStart(2, "0");
  return BigInt(digits);
}
