// A verifying key whose secret exponents (its trapdoor) are known. With them, a test computes an
// accepted proof for any digest without a circuit. Anyone who knows the exponents of a key can
// forge proofs: such a key is the result of a dishonest setup.

import { bn254 } from "@noble/curves/bn254.js";

const { Fr, Fp } = bn254.fields;
const G1 = bn254.G1.Point;
const G2 = bn254.G2.Point;

const [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] = [3n, 5n, 7n, 11n, 13n, 17n].map((base) => Fr.pow(base, 1_000_003n)) as [
  bigint,
  bigint,
  bigint,
  bigint,
  bigint,
  bigint,
];

/** Returns the key in the protocol's form: alpha (G1), beta, gamma, delta (G2), IC0, IC1 (G1). */
export function verifyingKey(): Uint8Array {
  return concat(g1(ALPHA), g2(BETA), g2(GAMMA), g2(DELTA), g1(IC0), g1(IC1));
}

/** Creates a proof that the program accepts for this digest, in the protocol's form: −A, B, C. */
export function prove(digest: bigint): Uint8Array {
  const [a, b] = [7_777n, 99_991n];
  const l = Fr.add(IC0, Fr.mul(Fr.create(digest), IC1));
  // Solves a b = alpha beta + l gamma + c delta for c.
  const c = Fr.div(Fr.sub(Fr.sub(Fr.mul(a, b), Fr.mul(ALPHA, BETA)), Fr.mul(l, GAMMA)), DELTA);
  return concat(g1(Fr.neg(a)), g2(b), g1(c));
}

function g1(exponent: bigint): Uint8Array {
  const { x, y } = G1.BASE.multiply(exponent).toAffine();
  return concat(Fp.toBytes(x), Fp.toBytes(y));
}

function g2(exponent: bigint): Uint8Array {
  const { x, y } = G2.BASE.multiply(exponent).toAffine();
  return concat(...[x.c1, x.c0, y.c1, y.c0].map((coordinate) => Fp.toBytes(coordinate)));
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
