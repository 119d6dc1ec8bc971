//! Evaluation domains.

use ark_bn254::Fr;
use ark_ff::FftField;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};

/// Returns the domain of `n` points. `n` is a power of two, at most 2^27.
pub(crate) fn domain(n: usize) -> Radix2EvaluationDomain<Fr> {
    Radix2EvaluationDomain::new(n).expect("domains have at most 2^27 points")
}

/// Returns the odd coset `ζ·⟨ω⟩` with `ζ² = ω`: the odd powers of the primitive 2n-th root of
/// unity.
pub(crate) fn odd_coset(n: usize) -> Radix2EvaluationDomain<Fr> {
    let zeta = Fr::get_root_of_unity(2 * n as u64).expect("domains have at most 2^27 points");
    domain(n).get_coset(zeta).expect("a root of unity is not zero")
}
