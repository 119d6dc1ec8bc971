//! Proofs and verifying keys, and their encoding as bytes.

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};
use ark_groth16::{Groth16, prepare_verifying_key};
#[cfg(feature = "keys")]
use bauta_iden3::ZKey;
use bauta_iden3::json;
use bauta_primitives::Digest;
use bauta_prover::Verifier;
use sha2::Digest as _;

use crate::{CircuitsError, field::to_ark};

/// Size of a G1 point in bytes: x, y, each 32 bytes big-endian.
const G1: usize = 64;
/// Size of a G2 point in bytes: x.c1, x.c0, y.c1, y.c0, each 32 bytes big-endian. The imaginary
/// part comes first, as in EIP-197 and the `alt_bn128` system calls.
const G2: usize = 128;

/// A Groth16 proof. Anyone can change it into another proof of the same digest, so its bytes do not
/// identify anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The point A, **already negated**, because the program's pairing check expects it so.
    a: G1Affine,
    b: G2Affine,
    c: G1Affine,
}

impl Proof {
    /// Size of a proof in bytes.
    pub const LENGTH: usize = G1 + G2 + G1;

    /// Returns the proof in the form of arkworks and snarkjs, in which A is not negated.
    #[must_use]
    pub fn to_ark(&self) -> ark_groth16::Proof<Bn254> {
        ark_groth16::Proof {
            a: -self.a,
            b: self.b,
            c: self.c,
        }
    }

    /// Returns snarkjs's `proof.json`, in which A is not negated.
    #[must_use]
    pub fn to_snarkjs(&self) -> String {
        json::proof_to_json(&self.to_ark())
    }

    /// Returns the program's form: −A (64 bytes) ‖ B (128) ‖ C (64).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..G1].copy_from_slice(&g1_bytes(&self.a));
        bytes[G1..G1 + G2].copy_from_slice(&g2_bytes(&self.b));
        bytes[G1 + G2..].copy_from_slice(&g1_bytes(&self.c));
        bytes
    }

    /// Reads the program's form. Returns an error if a coordinate is not below q, or if a point is
    /// not on the curve, not in the subgroup, or at infinity.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, CircuitsError> {
        Ok(Self {
            a: read_g1("A", &bytes[..G1])?,
            b: read_g2("B", &bytes[G1..G1 + G2])?,
            c: read_g1("C", &bytes[G1 + G2..])?,
        })
    }
}

impl From<ark_groth16::Proof<Bn254>> for Proof {
    fn from(proof: ark_groth16::Proof<Bn254>) -> Self {
        Self {
            a: -proof.a,
            b: proof.b,
            c: proof.c,
        }
    }
}

/// A Groth16 verifying key for one public input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey {
    alpha: G1Affine,
    beta: G2Affine,
    gamma: G2Affine,
    delta: G2Affine,
    ic: [G1Affine; 2],
}

impl VerifyingKey {
    /// Size of a verifying key in bytes.
    pub const LENGTH: usize = G1 + 3 * G2 + 2 * G1;

    /// Returns the verifying part of a key. Returns an error if the key does not have exactly one
    /// public input.
    #[cfg(feature = "keys")]
    pub(crate) fn of(key: &ZKey) -> Result<Self, CircuitsError> {
        let ic = key
            .ic
            .as_slice()
            .try_into()
            .map_err(|_| CircuitsError::PublicInputs { found: key.n_public })?;
        Ok(Self {
            alpha: key.alpha_g1,
            beta: key.beta_g2,
            gamma: key.gamma_g2,
            delta: key.delta_g2,
            ic,
        })
    }

    /// Returns the program's form: alpha (64 bytes) ‖ beta (128) ‖ gamma (128) ‖ delta (128) ‖ IC0
    /// (64) ‖ IC1 (64).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.extend(g1_bytes(&self.alpha));
        for point in [&self.beta, &self.gamma, &self.delta] {
            bytes.extend(g2_bytes(point));
        }
        for point in &self.ic {
            bytes.extend(g1_bytes(point));
        }
        bytes.try_into().expect("there are three G1 and three G2 points")
    }

    /// Returns the SHA-256 of [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha2::Sha256::digest(self.to_bytes()).into()
    }

    /// Returns the key in the form of arkworks.
    #[must_use]
    pub fn to_ark(&self) -> ark_groth16::VerifyingKey<Bn254> {
        ark_groth16::VerifyingKey {
            alpha_g1: self.alpha,
            beta_g2: self.beta,
            gamma_g2: self.gamma,
            delta_g2: self.delta,
            gamma_abc_g1: self.ic.to_vec(),
        }
    }

    /// Returns snarkjs's `verification_key.json`.
    #[must_use]
    pub fn to_snarkjs(&self) -> String {
        json::verifying_key_to_json(&self.to_ark())
    }

    /// Reads the form of [`to_bytes`](Self::to_bytes). Returns an error if a coordinate is not
    /// below q, or if a point is not on the curve, not in the subgroup, or at infinity.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, CircuitsError> {
        let (alpha, rest) = bytes.split_at(G1);
        let (beta, rest) = rest.split_at(G2);
        let (gamma, rest) = rest.split_at(G2);
        let (delta, rest) = rest.split_at(G2);
        let (ic0, ic1) = rest.split_at(G1);
        Ok(Self {
            alpha: read_g1("alpha", alpha)?,
            beta: read_g2("beta", beta)?,
            gamma: read_g2("gamma", gamma)?,
            delta: read_g2("delta", delta)?,
            ic: [read_g1("IC0", ic0)?, read_g1("IC1", ic1)?],
        })
    }

    /// Precomputes the values that every verification needs: one pairing, and the lines of two
    /// points.
    #[must_use]
    pub fn prepare(&self) -> PreparedVerifyingKey {
        PreparedVerifyingKey(prepare_verifying_key(&self.to_ark()))
    }

    /// Returns whether the proof is valid for this digest, by the engine's verifier. A module that
    /// makes proofs has this verifier anyway. [`verify`](Self::verify) would add that of arkworks.
    #[must_use]
    pub fn is_valid_by_engine(&self, digest: Digest, proof: &Proof) -> bool {
        let verifier = Verifier {
            alpha: self.alpha,
            beta: self.beta,
            gamma: self.gamma,
            delta: self.delta,
            ic: self.ic.to_vec(),
        };
        let proof = bauta_prover::Proof {
            a: -proof.a,
            b: proof.b,
            c: proof.c,
        };
        let input: Fr = to_ark(digest.element());
        matches!(verifier.verify(&proof, &[input]), Ok(true))
    }

    /// Checks that the proof is valid for this digest. To verify more than one proof,
    /// [prepare](Self::prepare) the key once.
    pub fn verify(&self, digest: Digest, proof: &Proof) -> Result<(), CircuitsError> {
        self.prepare().verify(digest, proof)
    }
}

/// A verifying key that is prepared for many verifications.
#[derive(Debug, Clone)]
pub struct PreparedVerifyingKey(ark_groth16::PreparedVerifyingKey<Bn254>);

impl PreparedVerifyingKey {
    /// Checks that the proof is valid for this digest.
    pub fn verify(&self, digest: Digest, proof: &Proof) -> Result<(), CircuitsError> {
        let input: Fr = to_ark(digest.element());
        match Groth16::<Bn254>::verify_proof(&self.0, &proof.to_ark(), &[input]) {
            Ok(true) => Ok(()),
            _ => Err(CircuitsError::InvalidProof),
        }
    }
}

/// Returns snarkjs's `public.json` with the only public input.
#[must_use]
pub fn public_to_snarkjs(digest: Digest) -> String {
    json::public_to_json(&[to_ark(digest.element())])
}

fn coordinate(value: &Fq) -> [u8; 32] {
    value
        .into_bigint()
        .to_bytes_be()
        .try_into()
        .expect("Fq has 32 bytes")
}

fn g1_bytes(point: &G1Affine) -> [u8; G1] {
    let mut bytes = [0; G1];
    // Infinity is all zeros.
    if let Some((x, y)) = point.xy() {
        bytes[..32].copy_from_slice(&coordinate(&x));
        bytes[32..].copy_from_slice(&coordinate(&y));
    }
    bytes
}

fn g2_bytes(point: &G2Affine) -> [u8; G2] {
    let mut bytes = [0; G2];
    if let Some((x, y)) = point.xy() {
        for (chunk, value) in bytes.chunks_exact_mut(32).zip([x.c1, x.c0, y.c1, y.c0]) {
            chunk.copy_from_slice(&coordinate(&value));
        }
    }
    bytes
}

fn read_coordinate(name: &'static str, bytes: &[u8]) -> Result<Fq, CircuitsError> {
    let value = Fq::from_be_bytes_mod_order(bytes);
    if coordinate(&value) == *bytes {
        Ok(value)
    } else {
        Err(CircuitsError::Point {
            name,
            problem: "has a coordinate that is not below the base field's modulus q",
        })
    }
}

fn read_g1(name: &'static str, bytes: &[u8]) -> Result<G1Affine, CircuitsError> {
    let [x, y] = [
        read_coordinate(name, &bytes[..32])?,
        read_coordinate(name, &bytes[32..])?,
    ];
    if x == Fq::ZERO && y == Fq::ZERO {
        return Err(CircuitsError::Point {
            name,
            problem: "is the point at infinity",
        });
    }
    let point = G1Affine::new_unchecked(x, y);
    if point.is_on_curve() {
        Ok(point)
    } else {
        Err(CircuitsError::Point {
            name,
            problem: "is not on the curve",
        })
    }
}

fn read_g2(name: &'static str, bytes: &[u8]) -> Result<G2Affine, CircuitsError> {
    let mut values = [Fq::ZERO; 4];
    for (value, chunk) in values.iter_mut().zip(bytes.chunks_exact(32)) {
        *value = read_coordinate(name, chunk)?;
    }
    if values == [Fq::ZERO; 4] {
        return Err(CircuitsError::Point {
            name,
            problem: "is the point at infinity",
        });
    }
    let [x1, x0, y1, y0] = values;
    let point = G2Affine::new_unchecked(ark_bn254::Fq2::new(x0, x1), ark_bn254::Fq2::new(y0, y1));
    if !point.is_on_curve() {
        return Err(CircuitsError::Point {
            name,
            problem: "is not on the curve",
        });
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(CircuitsError::Point {
            name,
            problem: "is not in the subgroup of order r",
        });
    }
    Ok(point)
}
