//! A proving key from published secrets: for tests and local chains.

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup, scalar_mul::BatchMulPreprocessing};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bauta_iden3::{LinearCombination, R1cs, ZKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};

/// The seed of all development keys, published here: whoever reads this line can forge proofs for them.
const SEED: &[u8] = b"bauta/development-setup/1: these secrets are public, anybody can forge";

/// The secrets of a setup. In a ceremony nobody knows them.
struct Secrets {
    tau: Fr,
    alpha: Fr,
    beta: Fr,
    delta: Fr,
}

impl Secrets {
    /// SHA-256 of the seed and the constraint system's hash seeds `ChaCha20`; the secrets are its first four elements.
    fn published(constraint_system_hash: &[u8; 32]) -> Self {
        let seed = Sha256::new()
            .chain_update(SEED)
            .chain_update(constraint_system_hash)
            .finalize();
        let rng = &mut ChaCha20Rng::from_seed(seed.into());
        let [tau, alpha, beta, delta] = std::array::from_fn(|_| Fr::rand(rng));
        Self {
            tau,
            alpha,
            beta,
            delta,
        }
    }
}

/// The polynomials of each wire at tau.
struct Columns {
    a: Vec<Fr>,
    b: Vec<Fr>,
    c: Vec<Fr>,
}

impl Columns {
    fn at_tau(r1cs: &R1cs, tau: Fr) -> Self {
        let domain = domain(r1cs.domain_size());
        let lagrange = domain.evaluate_all_lagrange_coefficients(tau);
        let column = |side: fn(&bauta_iden3::Constraint) -> &LinearCombination| {
            let mut sums = vec![Fr::ZERO; r1cs.wires as usize];
            for (constraint, at_tau) in r1cs.constraints.iter().zip(&lagrange) {
                for (wire, coefficient) in side(constraint) {
                    sums[*wire as usize] += *coefficient * at_tau;
                }
            }
            sums
        };
        let mut a = column(|constraint| &constraint.a);
        // one more row of A for the constant one and each public wire
        for (value, at_tau) in a
            .iter_mut()
            .zip(&lagrange[r1cs.constraints.len()..])
            .take(public(r1cs))
        {
            *value += at_tau;
        }
        Self {
            a,
            b: column(|constraint| &constraint.b),
            c: column(|constraint| &constraint.c),
        }
    }
}

/// The Groth16 key of a constraint system from the published secrets, the same at every call. gamma is 1, as in every
/// key that snarkjs makes. The parts are those of [`ZKey`].
#[must_use]
pub fn development_setup(r1cs: &R1cs) -> ZKey {
    let secrets = Secrets::published(&r1cs.hash());
    let Secrets {
        tau,
        alpha,
        beta,
        delta,
    } = secrets;
    let columns = Columns::at_tau(r1cs, tau);
    let delta_inverse = delta
        .inverse()
        .expect("a hash gives zero with negligible probability");
    let mut mixed: Vec<Fr> = (0..r1cs.wires as usize)
        .map(|wire| beta * columns.a[wire] + alpha * columns.b[wire] + columns.c[wire])
        .collect();
    let private = mixed.split_off(public(r1cs));
    let private: Vec<Fr> = private.into_iter().map(|value| value * delta_inverse).collect();
    // the odd points of a domain of twice the size
    let twice = domain(2 * r1cs.domain_size());
    let h: Vec<Fr> = twice
        .evaluate_all_lagrange_coefficients(tau)
        .into_iter()
        .skip(1)
        .step_by(2)
        .map(|value| value * delta_inverse)
        .collect();

    let in_g1 = BatchMulPreprocessing::new(G1Projective::generator(), 4 * r1cs.domain_size());
    let in_g2 = BatchMulPreprocessing::new(G2Projective::generator(), r1cs.domain_size());
    let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
    ZKey {
        n_vars: r1cs.wires,
        n_public: r1cs.n_public(),
        domain_size: u32::try_from(r1cs.domain_size()).expect("the curve has domains up to 2^28"),
        alpha_g1: (g1 * alpha).into_affine(),
        beta_g1: (g1 * beta).into_affine(),
        beta_g2: (g2 * beta).into_affine(),
        gamma_g2: g2.into_affine(),
        delta_g1: (g1 * delta).into_affine(),
        delta_g2: (g2 * delta).into_affine(),
        ic: in_g1.batch_mul(&mixed),
        coefficients: r1cs.coefficients(),
        a: in_g1.batch_mul(&columns.a),
        b1: in_g1.batch_mul(&columns.b),
        b2: in_g2.batch_mul(&columns.b),
        c: in_g1.batch_mul(&private),
        h: in_g1.batch_mul(&h),
        // there was no ceremony, so there is no transcript
        cs_hash: [0; 64],
        contributions: Vec::new(),
    }
}

/// The constant one and the public wires.
fn public(r1cs: &R1cs) -> usize {
    r1cs.n_public() as usize + 1
}

fn domain(size: usize) -> Radix2EvaluationDomain<Fr> {
    Radix2EvaluationDomain::new(size).expect("the curve has domains up to 2^28, far above any statement")
}
