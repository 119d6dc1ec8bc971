//! Whether a key was made from a constraint system and powers of tau: every point, and the circuit hash.
//!
//! Lists of equations are checked as one random sum each. With random `ρ_s`, `Σ ρ_s·A_s(X)` has the value
//! `Σ_s ρ_s·A[j, s]` at `ω^j`; an inverse FFT gives its coefficients, so `Σ ρ_s·A_s(τ)·G` follows from the powers of
//! tau and must equal `Σ ρ_s·(the key's A_s)`.

use std::io::{Read, Seek};

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, FftField};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use blake2::{Blake2b512, Digest};

use super::same_ratio;
use crate::{
    encoding::{g1_plain_be, g2_plain_be},
    errors::Error,
    ptau::{Points, PowersOfTau},
    r1cs::{LinearCombination, R1cs},
    random::multipliers,
    zkey::ZKey,
};

/// The powers that a key of a given domain is made from.
struct Powers {
    /// `2n - 1` powers of τ.
    tau_g1: Vec<G1Affine>,
    tau_g2: Vec<G2Affine>,
    alpha_tau: Vec<G1Affine>,
    beta_tau: Vec<G1Affine>,
    beta_g2: G2Affine,
}

impl ZKey {
    /// Checks every point of the key against the constraint system and the powers of tau, and makes the circuit hash
    /// again. With [`verify_transcript`](Self::verify_transcript) this is all that `snarkjs zkey verify` checks, and
    /// more: that the powers are powers of one `τ`.
    ///
    /// Call [`check_circuit`](Self::check_circuit) first: it gives clearer errors. The `.ptau` must be prepared for
    /// phase 2. That it comes from its ceremony isn't checked.
    pub fn check_powers<R: Read + Seek>(
        &self,
        system: &R1cs,
        file: &mut PowersOfTau<R>,
    ) -> Result<(), Error> {
        self.check_circuit(system)?;
        let n = system.domain_size();
        if 1 << file.power() < n {
            return Err(Error::TooFewPowers {
                power: file.power(),
                domain_size: self.domain_size,
            });
        }
        let powers = Powers {
            tau_g1: file.g1(Points::Tau, 0, 2 * n - 1)?,
            tau_g2: file.tau_g2(n)?,
            alpha_tau: file.g1(Points::AlphaTau, 0, n)?,
            beta_tau: file.g1(Points::BetaTau, 0, n)?,
            beta_g2: file.beta_g2()?,
        };
        powers.check()?;

        let differs = |part| Err(Error::OtherPowers { part });
        if (self.alpha_g1, self.beta_g1) != (powers.alpha_tau[0], powers.beta_tau[0]) {
            return differs("α or β in G1");
        }
        if self.beta_g2 != powers.beta_g2 {
            return differs("β in G2");
        }
        if self.gamma_g2 != G2Affine::generator() {
            return differs("γ, which must be the generator of G2, and the key's");
        }
        self.check_wires(system, &powers)?;
        self.check_h(&powers)?;

        let initial = Self {
            c: initial_c(system, file)?,
            ..self.clone()
        };
        if circuit_hash(&initial, &hashed_powers(n, file)?) != self.cs_hash {
            return differs("circuit hashes");
        }
        Ok(())
    }

    /// A, B1, B2, IC and C.
    fn check_wires(&self, system: &R1cs, powers: &Powers) -> Result<(), Error> {
        let n = system.domain_size();
        let public = self.n_public as usize + 1;
        let rho = multipliers(self.n_vars as usize);
        let mut only_public = rho.clone();
        only_public[public..].fill(Fr::ZERO);
        let mut only_private = rho.clone();
        only_private[..public].fill(Fr::ZERO);

        let differs = |part| Err(Error::OtherPowers { part });
        let g1 = |points: &[G1Affine], scalars: &[Fr]| G1Projective::msm_unchecked(points, scalars);
        let sums = |rho: &[Fr]| row_sums(system, rho).map(|rows| coefficients(n, rows));
        let [a, b, _] = sums(&rho);
        if g1(&powers.tau_g1[..n], &a) != g1(&self.a, &rho) {
            return differs("A");
        }
        if g1(&powers.tau_g1[..n], &b) != g1(&self.b1, &rho) {
            return differs("B in G1");
        }
        if G2Projective::msm_unchecked(&powers.tau_g2, &b) != G2Projective::msm_unchecked(&self.b2, &rho) {
            return differs("B in G2");
        }
        // β·A + α·B + C at τ
        let combined = |rho: &[Fr]| {
            let [a, b, c] = sums(rho);
            g1(&powers.beta_tau, &a) + g1(&powers.alpha_tau, &b) + g1(&powers.tau_g1[..n], &c)
        };
        if combined(&only_public) != g1(&self.ic, &rho[..public]) {
            return differs("IC");
        }
        let expected = combined(&only_private).into_affine();
        let found = g1(&self.c, &rho[public..]).into_affine();
        // Without private wires both are infinity.
        if (expected, found) != (G1Affine::identity(), G1Affine::identity())
            && !same_ratio((found, expected), (G2Affine::generator(), self.delta_g2))
        {
            return differs("C");
        }
        Ok(())
    }

    /// H gives `P(τ)/δ` for every `P` that vanishes on the domain and has a degree of at most `2n - 2`: checked for
    /// `P = R·(X^n - 1)` with a random `R`. At the odd points `X^n = -1`, so `P` is `-2·R` there.
    fn check_h(&self, powers: &Powers) -> Result<(), Error> {
        let n = self.domain_size as usize;
        let mut random = multipliers(n - 1);
        let shifted = G1Projective::msm_unchecked(&powers.tau_g1[n..], &random);
        let expected = shifted - G1Projective::msm_unchecked(&powers.tau_g1[..n - 1], &random);

        odd_coset(n).fft_in_place(&mut random);
        for value in &mut random {
            *value = -value.double();
        }
        let found = G1Projective::msm_unchecked(&self.h, &random);
        let ratio = (found.into_affine(), expected.into_affine());
        if same_ratio(ratio, (G2Affine::generator(), self.delta_g2)) {
            Ok(())
        } else {
            Err(Error::OtherPowers { part: "H" })
        }
    }
}

impl Powers {
    /// Each list holds the powers of one and the same τ.
    fn check(&self) -> Result<(), Error> {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let bad = |part| Err(Error::BadPowers { part });
        if self.tau_g1[0] != g1 || self.tau_g2[0] != g2 {
            return bad("the first points, which must be the generators,");
        }
        if self.tau_g1[1] == g1 {
            return bad("nobody contributed: the points");
        }
        let tau = (g2, self.tau_g2[1]);
        let rho = multipliers(self.tau_g1.len());
        for (part, points) in [
            ("τ in G1", &self.tau_g1),
            ("α·τ in G1", &self.alpha_tau),
            ("β·τ in G1", &self.beta_tau),
        ] {
            let sum =
                |points: &[G1Affine]| G1Projective::msm_unchecked(points, &rho[..points.len()]).into_affine();
            if !same_ratio((sum(&points[..points.len() - 1]), sum(&points[1..])), tau) {
                return bad(part);
            }
        }
        let sum =
            |points: &[G2Affine]| G2Projective::msm_unchecked(points, &rho[..points.len()]).into_affine();
        let steps = (sum(&self.tau_g2[..self.tau_g2.len() - 1]), sum(&self.tau_g2[1..]));
        if !same_ratio((g1, self.tau_g1[1]), steps) {
            return bad("τ in G2");
        }
        if !same_ratio((g1, self.beta_tau[0]), (g2, self.beta_g2)) {
            return bad("β in G1 and G2");
        }
        Ok(())
    }
}

/// `ζ·⟨ω⟩`, where `ζ² = ω`: the odd powers of the primitive 2n-th root of unity.
pub(crate) fn odd_coset(n: usize) -> Radix2EvaluationDomain<Fr> {
    let zeta = Fr::get_root_of_unity(2 * n as u64).expect("domains have at most 2^27 points");
    domain(n).get_coset(zeta).expect("a root of unity isn't zero")
}

pub(crate) fn domain(n: usize) -> Radix2EvaluationDomain<Fr> {
    Radix2EvaluationDomain::new(n).expect("domains have at most 2^27 points")
}

/// The coefficients of the polynomial with these values on the domain.
fn coefficients(n: usize, mut values: Vec<Fr>) -> Vec<Fr> {
    domain(n).ifft_in_place(&mut values);
    values
}

/// `Σ_s ρ_s · M[j, s]` for each row `j` of each matrix, public wires' rows included.
fn row_sums(system: &R1cs, rho: &[Fr]) -> [Vec<Fr>; 3] {
    let sum = |terms: &LinearCombination| crate::r1cs::evaluate(terms, rho);
    let mut a: Vec<Fr> = system.constraints.iter().map(|row| sum(&row.a)).collect();
    a.extend(&rho[..=system.n_public() as usize]);
    let b = system.constraints.iter().map(|row| sum(&row.b)).collect();
    let c = system.constraints.iter().map(|row| sum(&row.c)).collect();
    let n = system.domain_size();
    [a, b, c].map(|mut rows: Vec<Fr>| {
        rows.resize(n, Fr::ZERO);
        rows
    })
}

/// C before the first contribution, from the Lagrange form of the powers.
fn initial_c<R: Read + Seek>(system: &R1cs, file: &mut PowersOfTau<R>) -> Result<Vec<G1Affine>, Error> {
    let n = system.domain_size();
    let mut lagrange = |points| file.g1(points, n as u64 - 1, n);
    let tau = lagrange(Points::TauLagrange)?;
    let alpha = lagrange(Points::AlphaTauLagrange)?;
    let beta = lagrange(Points::BetaTauLagrange)?;

    let first = system.n_public() as usize + 1;
    let mut wires = vec![(Vec::new(), Vec::new()); system.wires as usize - first];
    for (row, constraint) in system.constraints.iter().enumerate() {
        for (terms, base) in [
            (&constraint.a, beta[row]),
            (&constraint.b, alpha[row]),
            (&constraint.c, tau[row]),
        ] {
            for (wire, coefficient) in terms {
                if let Some((bases, scalars)) = (*wire as usize).checked_sub(first).map(|at| &mut wires[at]) {
                    bases.push(base);
                    scalars.push(*coefficient);
                }
            }
        }
    }
    // One after the other: each sum uses all threads by itself, and a thread that waits for its part of one would
    // begin another, thousands deep, until its stack ends.
    let points: Vec<G1Projective> = wires
        .iter()
        .map(|(bases, scalars)| G1Projective::msm_unchecked(bases, scalars))
        .collect();
    Ok(G1Projective::normalize_batch(&points))
}

/// `(τ^(i+n) - τ^i)·G` in the order in which snarkjs hashes them: in pieces of 2^14, all of the same length even if
/// the list ends before. So domains above 2^14 points hash some points beyond `i = n - 2`.
fn hashed_powers<R: Read + Seek>(n: usize, file: &mut PowersOfTau<R>) -> Result<Vec<G1Affine>, Error> {
    const PIECE: usize = 1 << 14;
    let piece = PIECE.min(n - 1);
    let mut differences = Vec::with_capacity(n);
    for start in (0..n - 1).step_by(PIECE) {
        let low = file.g1(Points::Tau, start as u64, piece)?;
        let high = file.g1(Points::Tau, (start + n) as u64, piece)?;
        differences.extend(high.into_iter().zip(low).map(|(high, low)| high - low));
    }
    Ok(G1Projective::normalize_batch(&differences))
}

/// The circuit hash: BLAKE2b-512 of the key before the first contribution, where `γ = δ = 1`. Takes C for
/// `δ = 1`, and `(τ^(i+n) - τ^i)·G` for `i < n - 1` in place of H; hashed in the order header, IC, H, C, A, B1, B2,
/// each list after its length (u32, big-endian).
pub(crate) fn circuit_hash(initial: &ZKey, powers: &[G1Affine]) -> [u8; 64] {
    let mut hasher = Blake2b512::new();
    let length = |n: usize| {
        u32::try_from(n)
            .expect("lists have at most 2^32 - 1 points")
            .to_be_bytes()
    };
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    hasher.update(g1_plain_be(&initial.alpha_g1));
    hasher.update(g1_plain_be(&initial.beta_g1));
    hasher.update(g2_plain_be(&initial.beta_g2));
    hasher.update(g2_plain_be(&g2));
    hasher.update(g1_plain_be(&g1));
    hasher.update(g2_plain_be(&g2));
    let lists = [
        (initial.ic.len(), &initial.ic[..]),
        (initial.h.len() - 1, powers),
        (initial.c.len(), &initial.c),
        (initial.a.len(), &initial.a),
        (initial.b1.len(), &initial.b1),
    ];
    for (count, points) in lists {
        hasher.update(length(count));
        for point in points {
            hasher.update(g1_plain_be(point));
        }
    }
    hasher.update(length(initial.b2.len()));
    for point in &initial.b2 {
        hasher.update(g2_plain_be(point));
    }
    hasher.finalize().into()
}
