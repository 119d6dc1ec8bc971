// The constants of Poseidon for BN254, by the generator of its authors
// (generate_parameters_grain.sage). They are derived and not stored: the constants of five widths
// have 43 KB.

import { MODULUS } from "./field.js";

/** The constants for a state of some width. */
export interface PoseidonConstants {
  /** The constants that each round adds, one for each element of the state. */
  readonly rounds: readonly (readonly bigint[])[];
  /** The matrix that each round multiplies the state by, row by row. */
  readonly matrix: readonly (readonly bigint[])[];
}

const BITS = 254;
const FULL_ROUNDS = 8;
/** The partial rounds for the widths 2 to 7. */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63] as const;

/** Derives the constants for a state of 2 to 7 elements. */
export function poseidonConstants(width: number): PoseidonConstants {
  const partial = PARTIAL_ROUNDS[width - 2];
  if (partial === undefined) throw new RangeError(`a state has 2 to 7 elements, got ${width}`);
  const bits = grain(width, partial);
  const element = () => {
    let value = integer(bits);
    while (value >= MODULUS) value = integer(bits);
    return value;
  };
  const list = <T>(length: number, item: () => T): T[] => Array.from({ length }, item);
  const rounds = list(FULL_ROUNDS + partial, () => list(width, element));
  // A Cauchy matrix.
  const xs = list(width, () => integer(bits) % MODULUS);
  const ys = list(width, () => integer(bits) % MODULUS);
  return { rounds, matrix: xs.map((x) => ys.map((y) => inverse((x + y) % MODULUS))) };
}

/** Returns the bits of the self-shrinking Grain generator for these parameters. */
function* grain(width: number, partial: number): Generator<number, never> {
  const parameters: [value: number, bits: number][] = [
    [1, 2], // a prime field
    [0, 4], // the S-box x^alpha
    [BITS, 12],
    [width, 12],
    [FULL_ROUNDS, 10],
    [partial, 10],
    [2 ** 30 - 1, 30],
  ];
  const state = parameters.flatMap(([value, bits]) => Array.from({ length: bits }, (_, at) => (value >> (bits - 1 - at)) & 1));
  let start = 0;
  const at = (offset: number) => state[(start + offset) % 80]!;
  const next = () => {
    const bit = at(62) ^ at(51) ^ at(38) ^ at(23) ^ at(13) ^ at(0);
    state[start] = bit;
    start = (start + 1) % 80;
    return bit;
  };
  for (let round = 0; round < 160; round++) next();
  for (;;) {
    while (next() === 0) next();
    yield next();
  }
}

function integer(bits: Generator<number, never>): bigint {
  let digits = "0b";
  for (let count = 0; count < BITS; count++) digits += bits.next().value;
  return BigInt(digits);
}

/** Inverts an element by Euclid's algorithm. */
function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value, MODULUS, 1n, 0n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % MODULUS) + MODULUS) % MODULUS;
}
