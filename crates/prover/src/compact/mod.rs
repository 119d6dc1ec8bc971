//! The engine without tables, for devices with little memory. It needs no preparation, but its
//! multiplications have about 1.3 times as many additions.
//!
//! ```text
//!   ZKey --CompactKey--> web-key file --CompactKey::from_bytes--> CompactEngine
//!
//!   Witness --+--prove-----------------------------------------> Proof
//!             |
//!             +--unblinded_c----> UnblindedC ----+--combine----> Proof
//!             +--blinded_parts--> BlindedParts --+
//! ```
//!
//! Two devices or workers without shared memory can each compute one of the two parts. They take
//! about the same time.

mod key;

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, PrimeField};
use ark_std::rand::{CryptoRng, RngCore};
use bauta_packed_field::Arch;
use zeroize::Zeroize;

pub use key::CompactKey;

use crate::{
    ProverError,
    key::Circuit,
    proof::{Blinding, Proof},
    tables::Tables,
    threads::Threads,
    witness::Witness,
};

/// A proving key that is ready for proofs with the arithmetic of one back end.
pub struct CompactEngine<A: Arch> {
    circuit: Circuit,
    tables: Tables<A>,
}

/// The part C of a proof before blinding. It is a function of the witness, so it is as secret as
/// the witness. It is overwritten with zeros when it is dropped.
pub struct UnblindedC(G1Affine);

/// The parts A and B of a proof, and what blinding adds to C. The last one is secret, because with
/// C it gives the unblinded C. It is overwritten with zeros when it is dropped.
pub struct BlindedParts {
    a: G1Affine,
    b: G2Affine,
    shift: G1Affine,
}

impl Drop for UnblindedC {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for BlindedParts {
    fn drop(&mut self) {
        self.shift.zeroize();
    }
}

impl<A: Arch> CompactEngine<A> {
    /// Converts the points of a key to the form of the back end.
    pub fn new(arch: A, key: CompactKey) -> Result<Self, ProverError> {
        let CompactKey { circuit, queries } = key;
        let tables = Tables::without_multiples(arch, &circuit, queries)?;
        Ok(Self { circuit, tables })
    }

    /// Returns the number of wires of the circuit.
    #[must_use]
    pub fn wires(&self) -> usize {
        self.circuit.wires
    }

    /// Returns the number of constraints of the circuit.
    #[must_use]
    pub fn constraints(&self) -> usize {
        self.circuit.constraints
    }

    /// Makes a proof and verifies it. Every call draws new randomness from `rng`. The witness must
    /// contain the values of `A·z` and `B·z` (see [`Witness::with_rows`]).
    pub fn prove(
        &self,
        witness: &Witness,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, ProverError> {
        self.prove_blinded(witness, &Blinding::random(rng))
    }

    fn prove_blinded(&self, witness: &Witness, blinding: &Blinding) -> Result<Proof, ProverError> {
        let proof = self
            .tables
            .prove(&self.circuit, witness, blinding, Threads::One)?;
        self.verified(proof, self.public_inputs(witness))
    }

    /// Computes the part of a proof that needs no randomness.
    pub fn unblinded_c(&self, witness: &Witness) -> Result<UnblindedC, ProverError> {
        let c = self.tables.unblinded_c(&self.circuit, witness)?;
        Ok(UnblindedC(c.into_affine()))
    }

    /// Computes the other part of a proof. Every call draws new randomness from `rng`.
    pub fn blinded_parts(
        &self,
        witness: &Witness,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<BlindedParts, ProverError> {
        self.blind(witness, &Blinding::random(rng))
    }

    fn blind(&self, witness: &Witness, blinding: &Blinding) -> Result<BlindedParts, ProverError> {
        self.circuit.check_wires(witness)?;
        let (a, b, shift) = self.tables.a_and_b(witness, blinding, Threads::One);
        Ok(BlindedParts {
            a: a.into_affine(),
            b: b.into_affine(),
            shift: shift.into_affine(),
        })
    }

    /// Makes a proof from its two parts, which must be of this witness, and verifies it.
    pub fn combine(
        &self,
        parts: &BlindedParts,
        c: &UnblindedC,
        witness: &Witness,
    ) -> Result<Proof, ProverError> {
        self.circuit.check_wires(witness)?;
        let proof = Proof {
            a: parts.a,
            b: parts.b,
            c: (parts.shift + c.0).into_affine(),
        }
        .without_infinity()?;
        self.verified(proof, self.public_inputs(witness))
    }

    fn public_inputs<'a>(&self, witness: &'a Witness) -> &'a [Fr] {
        &witness.wires()[1..=self.circuit.public]
    }

    fn verified(&self, proof: Proof, public_inputs: &[Fr]) -> Result<Proof, ProverError> {
        if self.circuit.verifier.verify(&proof, public_inputs)? {
            Ok(proof)
        } else {
            Err(ProverError::VerificationFailed)
        }
    }
}

impl UnblindedC {
    /// Size in bytes.
    pub const LENGTH: usize = key::G1;

    /// Returns x and y, 32 bytes each with the least significant byte first. Infinity is all zeros.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        if let Some((x, y)) = self.0.xy() {
            bytes[..32].copy_from_slice(&x.into_bigint().to_bytes_le());
            bytes[32..].copy_from_slice(&y.into_bigint().to_bytes_le());
        }
        bytes
    }

    /// Reads the point. Returns `None` if the bytes are not a point of the curve.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        if *bytes == [0; Self::LENGTH] {
            return Some(Self(G1Affine::zero()));
        }
        key::g1(bytes).map(Self)
    }
}

/// Reads a coordinate, 32 bytes with the least significant byte first. Returns `None` if it is not
/// below q.
fn coordinate(bytes: &[u8]) -> Option<Fq> {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().ok()?);
    }
    Fq::from_bigint(ark_ff::BigInt(words))
}
