import { MODULUS, type Field } from "./field.js";
import { poseidonConstants, type PoseidonConstants } from "./poseidon-constants.js";

/** The largest number of inputs of {@link poseidon}. */
export const MAX_INPUTS = 6;

const FULL_ROUNDS = 8;
const constants: (PoseidonConstants | undefined)[] = [];

/**
 * Hashes 1 to {@link MAX_INPUTS} field elements with Poseidon and the parameters of circomlib.
 *
 * The first hash of a number of inputs derives the constants, which takes a few milliseconds.
 *
 * @throws `RangeError` if the number of inputs is 0 or above {@link MAX_INPUTS}.
 */
export function poseidon(...inputs: readonly Field[]): Field {
  if (inputs.length < 1 || inputs.length > MAX_INPUTS) {
    throw new RangeError(`Poseidon takes 1 to ${MAX_INPUTS} inputs, got ${inputs.length}`);
  }
  const { rounds, matrix } = (constants[inputs.length] ??= poseidonConstants(inputs.length + 1));
  let state: bigint[] = [0n, ...inputs];
  for (const [number, added] of rounds.entries()) {
    const full = number < FULL_ROUNDS / 2 || number >= rounds.length - FULL_ROUNDS / 2;
    state = state.map((element, index) => {
      const sum = element + added[index]!;
      return full || index === 0 ? fifthPower(sum) : sum;
    });
    state = matrix.map((row) => row.reduce((sum, factor, index) => sum + factor * state[index]!, 0n) % MODULUS);
  }
  return state[0] as Field;
}

function fifthPower(value: bigint): bigint {
  const square = (value * value) % MODULUS;
  return (((square * square) % MODULUS) * value) % MODULUS;
}
