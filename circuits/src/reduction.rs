//! The quotient polynomial for keys in snarkjs's form, for arkworks' prover.

use ark_ff::PrimeField;
use ark_groth16::r1cs_to_qap::{LibsnarkReduction, R1CSToQAP, evaluate_constraint};
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, Matrix, Result, SynthesisError};

/// Values of A·B - C on the odd coset instead of coefficients of the quotient.
///
/// The polynomial vanishes on the domain of n points, so its values at the odd points of the domain of 2n
/// determine it; a key in snarkjs's form has the Lagrange polynomials of just these points.
pub(crate) struct OddCoset;

impl R1CSToQAP for OddCoset {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        cs: ConstraintSystemRef<F>,
        t: &F,
    ) -> Result<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize)> {
        LibsnarkReduction::instance_map_with_evaluation::<F, D>(cs, t)
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        num_inputs: usize,
        num_constraints: usize,
        full_assignment: &[F],
    ) -> Result<Vec<F>> {
        let domain = D::new(num_constraints + num_inputs).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let rows = |matrix: &Matrix<F>| -> Vec<F> {
            let mut values: Vec<F> = matrix
                .iter()
                .map(|terms| evaluate_constraint(terms, full_assignment))
                .collect();
            values.resize(domain.size(), F::zero());
            values
        };
        let (mut a, mut b) = (rows(&matrices[0]), rows(&matrices[1]));
        a[num_constraints..num_constraints + num_inputs].copy_from_slice(&full_assignment[..num_inputs]);
        let mut c: Vec<F> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();

        let coset =
            F::get_root_of_unity(2 * domain.size() as u64).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        for values in [&mut a, &mut b, &mut c] {
            domain.ifft_in_place(values);
            D::distribute_powers(values, coset);
            domain.fft_in_place(values);
        }
        Ok(a.into_iter().zip(b).zip(c).map(|((a, b), c)| a * b - c).collect())
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        max_power: usize,
        t: F,
        _zt: F,
        delta_inverse: F,
    ) -> Result<Vec<F>> {
        let twice = D::new(2 * max_power + 1).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let lagrange = twice.evaluate_all_lagrange_coefficients(t);
        Ok(lagrange
            .into_iter()
            .skip(1)
            .step_by(2)
            .map(|value| value * delta_inverse)
            .collect())
    }
}
