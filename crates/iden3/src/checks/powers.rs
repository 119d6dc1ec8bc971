//! Checks that a key was made from a constraint system and powers of tau: every point, and the
//! circuit hash.
//!
//! A list of equations is checked as one random sum. With random `ρ_s`, `Σ ρ_s·A_s(X)` has the
//! value `Σ_s ρ_s·A[j, s]` at `ω^j`. An inverse FFT gives its coefficients. From these and the
//! powers of tau follows `Σ ρ_s·A_s(τ)·G`, which must equal `Σ ρ_s·(the key's A_s)`.

use std::io::{Read, Seek};

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::AdditiveGroup;
use ark_poly::EvaluationDomain;

use crate::{
    circuit_hash::circuit_hash,
    domain::{domain, odd_coset},
    error::Error,
    pairing::same_ratio,
    ptau::{Points, PowersOfTau},
    r1cs::{LinearCombination, R1cs},
    random::multipliers,
    zkey::ZKey,
};

/// The powers of tau from which a key with a given domain is made.
struct Powers {
    /// The first `2n - 1` powers of τ.
    tau_g1: Vec<G1Affine>,
    tau_g2: Vec<G2Affine>,
    alpha_tau: Vec<G1Affine>,
    beta_tau: Vec<G1Affine>,
    beta_g2: G2Affine,
}

impl ZKey {
    /// Checks every point of the key against the constraint system and the powers of tau, and
    /// recomputes the circuit hash. Together with [`verify_transcript`](Self::verify_transcript),
    /// this covers everything that `snarkjs zkey verify` checks. It also checks that the powers are
    /// powers of one `τ`.
    ///
    /// Call [`check_circuit`](Self::check_circuit) first, because its errors are clearer. The
    /// `.ptau` must be prepared for phase 2. This does not check that it comes from its ceremony.
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
            return differs("γ (which must be the generator of G2)");
        }
        self.check_wires(system, &powers)?;
        self.check_h(&powers)?;

        let initial = Self {
            c: initial_c(system, file)?,
            ..self.clone()
        };
        if circuit_hash(&initial, &hashed_powers(n, file)?) != self.cs_hash {
            return differs("the circuit hash");
        }
        Ok(())
    }

    /// Checks A, B1, B2, IC and C.
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
        // This is β·A + α·B + C at τ.
        let combined = |rho: &[Fr]| {
            let [a, b, c] = sums(rho);
            g1(&powers.beta_tau, &a) + g1(&powers.alpha_tau, &b) + g1(&powers.tau_g1[..n], &c)
        };
        if combined(&only_public) != g1(&self.ic, &rho[..public]) {
            return differs("IC");
        }
        let expected = combined(&only_private).into_affine();
        let found = g1(&self.c, &rho[public..]).into_affine();
        // Without private wires, both sums are infinity.
        if (expected, found) != (G1Affine::identity(), G1Affine::identity())
            && !same_ratio((found, expected), (G2Affine::generator(), self.delta_g2))
        {
            return differs("C");
        }
        Ok(())
    }

    /// Checks H. It must give `P(τ)/δ` for every `P` that is zero on the domain and has a degree of
    /// at most `2n - 2`. This is checked for `P = R·(X^n - 1)` with a random `R`. At the odd
    /// points, `X^n = -1`, so `P` is `-2·R` there.
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
    /// Checks that each list contains the powers of the same τ.
    fn check(&self) -> Result<(), Error> {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let bad = |problem| Err(Error::BadPowers { problem });
        if self.tau_g1[0] != g1 || self.tau_g2[0] != g2 {
            return bad("the first points of τ in G1 and G2 must be the generators");
        }
        if self.tau_g1[1] == g1 {
            return bad("τ is one, because there is no contribution");
        }
        let tau = (g2, self.tau_g2[1]);
        let rho = multipliers(self.tau_g1.len());
        for (problem, points) in [
            (
                "the points of τ in G1 are not the powers of one secret τ",
                &self.tau_g1,
            ),
            (
                "the points of α·τ in G1 are not α times the powers of τ",
                &self.alpha_tau,
            ),
            (
                "the points of β·τ in G1 are not β times the powers of τ",
                &self.beta_tau,
            ),
        ] {
            let sum =
                |points: &[G1Affine]| G1Projective::msm_unchecked(points, &rho[..points.len()]).into_affine();
            if !same_ratio((sum(&points[..points.len() - 1]), sum(&points[1..])), tau) {
                return bad(problem);
            }
        }
        let sum =
            |points: &[G2Affine]| G2Projective::msm_unchecked(points, &rho[..points.len()]).into_affine();
        let steps = (sum(&self.tau_g2[..self.tau_g2.len() - 1]), sum(&self.tau_g2[1..]));
        if !same_ratio((g1, self.tau_g1[1]), steps) {
            return bad("the points of τ in G2 are not the powers of τ");
        }
        if !same_ratio((g1, self.beta_tau[0]), (g2, self.beta_g2)) {
            return bad("β in G1 and β in G2 differ");
        }
        Ok(())
    }
}

/// Returns the coefficients of the polynomial with these values on the domain.
fn coefficients(n: usize, mut values: Vec<Fr>) -> Vec<Fr> {
    domain(n).ifft_in_place(&mut values);
    values
}

/// Returns `Σ_s ρ_s · M[j, s]` for each row `j` of each matrix, including the rows of the public
/// wires.
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

/// Computes C before the first contribution, from the Lagrange form of the powers.
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
    // The sums are computed one after another, and each sum uses all threads. If they were computed
    // in parallel, a thread that waits for its part of one sum would start another sum, thousands
    // of levels deep, until its stack overflows.
    let points: Vec<G1Projective> = wires
        .iter()
        .map(|(bases, scalars)| G1Projective::msm_unchecked(bases, scalars))
        .collect();
    Ok(G1Projective::normalize_batch(&points))
}

/// Returns `(τ^(i+n) - τ^i)·G` in the order in which snarkjs hashes these points: in pieces of
/// 2^14. The last piece has the same length as the others, even if the list ends before it. Domains
/// above 2^14 points therefore hash some points beyond `i = n - 2`.
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
