//! Development keys: a complete setup by one party.
//!
//! **Anyone who runs this setup can forge proofs**, because one process draws `τ`, `α`, `β` and
//! `δ`. Such keys are for development and tests. A key for production comes from a ceremony. Its
//! `.zkey` has the same form.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, PrimeGroup, scalar_mul::ScalarMul};
use ark_ff::{AdditiveGroup, Field};
use ark_poly::EvaluationDomain;
use rand::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    circuit_hash::circuit_hash, domain::domain, error::Error, r1cs::R1cs, random::nonzero_scalar, zkey::ZKey,
};

/// The name of the only contribution of a development key.
pub const DEVELOPMENT: &str = "DEVELOPMENT KEY: its maker can forge proofs";

impl ZKey {
    /// Makes a development key for a constraint system. Phase 1 and the initial key are like those
    /// of `snarkjs groth16 setup`. One contribution named [`DEVELOPMENT`] follows, so that `γ` and
    /// `δ` differ and the transcript verifies.
    pub fn development(system: &R1cs, rng: &mut (impl RngCore + CryptoRng)) -> Result<Self, Error> {
        system.check()?;
        let mut key = initial(system, &Secrets::draw(rng));
        key.contribute(DEVELOPMENT, rng);
        Ok(key)
    }

    /// Returns `true` if the key has the α or β of [`ZKey::development`] with the same state of
    /// `rng`. If the state is published, anyone can forge proofs with the key. Other names of
    /// contributions or further contributions change neither α nor β.
    ///
    /// This takes two scalar multiplications. It does not repeat the setup.
    #[must_use]
    pub fn has_development_secrets(&self, rng: &mut (impl RngCore + CryptoRng)) -> bool {
        let Secrets { alpha, beta, .. } = Secrets::draw(rng);
        self.alpha_g1 == g1_times(&alpha) || self.beta_g1 == g1_times(&beta)
    }
}

/// The secrets of phase 1, in the order in which a development setup draws them.
struct Secrets {
    tau: Zeroizing<Fr>,
    alpha: Zeroizing<Fr>,
    beta: Zeroizing<Fr>,
}

impl Secrets {
    fn draw(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let [tau, alpha, beta] = [(); 3].map(|()| Zeroizing::new(nonzero_scalar(rng)));
        Self { tau, alpha, beta }
    }
}

fn g1_times(scalar: &Fr) -> G1Affine {
    (G1Affine::generator() * *scalar).into()
}

/// Returns the key before the first contribution, with `γ = δ = 1`. **Anyone can forge proofs with
/// it.**
fn initial(system: &R1cs, secrets: &Secrets) -> ZKey {
    let n = system.domain_size();
    let Secrets { tau, alpha, beta } = secrets;
    let wires = system.wires as usize;
    let public = system.n_public() as usize + 1;

    // The values at τ of each wire's polynomial in each matrix.
    let lagrange = domain(n).evaluate_all_lagrange_coefficients(**tau);
    let [mut a, mut b, mut c] = [(); 3].map(|()| vec![Fr::ZERO; wires]);
    for (constraint, value) in system.constraints.iter().zip(&lagrange) {
        for (sums, terms) in [
            (&mut a, &constraint.a),
            (&mut b, &constraint.b),
            (&mut c, &constraint.c),
        ] {
            for (wire, coefficient) in terms {
                sums[*wire as usize] += *coefficient * value;
            }
        }
    }
    for (sum, value) in a[..public].iter_mut().zip(&lagrange[system.constraints.len()..]) {
        *sum += value;
    }
    let combined: Vec<Fr> = a
        .iter()
        .zip(&b)
        .zip(&c)
        .map(|((a, b), c)| **beta * a + **alpha * b + c)
        .collect();

    let odd: Vec<Fr> = domain(2 * n)
        .evaluate_all_lagrange_coefficients(**tau)
        .into_iter()
        .skip(1)
        .step_by(2)
        .collect();
    let vanishing = tau.pow([n as u64]) - Fr::ONE;
    let hashed: Vec<Fr> = std::iter::successors(Some(vanishing), |power| Some(*power * **tau))
        .take(n - 1)
        .collect();

    let g1 = |scalars: &[Fr]| G1Projective::generator().batch_mul(scalars);
    let (g1_one, g2_one) = (G1Affine::generator(), G2Affine::generator());
    let small = |n: usize| u32::try_from(n).expect("a domain has at most 2^27 points");
    let mut key = ZKey {
        n_vars: system.wires,
        n_public: system.n_public(),
        domain_size: small(n),
        alpha_g1: g1_times(alpha),
        beta_g1: g1_times(beta),
        beta_g2: (g2_one * **beta).into(),
        gamma_g2: g2_one,
        delta_g1: g1_one,
        delta_g2: g2_one,
        ic: g1(&combined[..public]),
        coefficients: system.coefficients(),
        a: g1(&a),
        b1: g1(&b),
        b2: G2Projective::generator().batch_mul(&b),
        c: g1(&combined[public..]),
        h: g1(&odd),
        cs_hash: [0; 64],
        contributions: Vec::new(),
    };
    key.cs_hash = circuit_hash(&key, &g1(&hashed));
    key
}
