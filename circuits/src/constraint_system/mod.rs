//! What a gadget needs of a constraint system, and the three things that are made from one description.
//!
//! ```text
//!                                    +--> Matrices: the R1CS, for setup, export and the checks of soundness
//!   Statement::synthesise -- C: ----- +--> Assignment: wires, A·z and B·z of one witness, for proving
//!                                    +--> Arkworks: arkworks' constraint synthesiser
//! ```
//!
//! A gadget never looks at a value, so all three see the same constraints.

mod arkworks;
mod assignment;
mod matrices;

use ark_bn254::Fr;

pub use arkworks::Arkworks;
pub use assignment::Assignment;
pub use matrices::Matrices;

/// A rank-1 constraint system under construction. Every statement has one public input, the digest.
///
/// Wires come from two calls alone. [`input`](Self::input) makes a free wire: what it may be is for constraints
/// to say. [`multiply`](Self::multiply) makes a wire that its own constraint forces. All inputs come first, as in
/// a `.r1cs` file; so whoever fixes the inputs has fixed every other wire.
pub trait ConstraintSystem {
    /// A linear combination of wires.
    type Expression: Clone;

    /// A new private input. The value matters to systems with a witness alone.
    fn input(&mut self, value: Fr) -> Self::Expression;

    /// A constant.
    fn constant(&self, value: Fr) -> Self::Expression;

    /// `expression + constant`.
    fn add_constant(&self, expression: &Self::Expression, constant: Fr) -> Self::Expression;

    /// `left + right`.
    fn add(&self, left: &Self::Expression, right: &Self::Expression) -> Self::Expression;

    /// `left - right`.
    fn subtract(&self, left: &Self::Expression, right: &Self::Expression) -> Self::Expression;

    /// `left + weight · right`.
    fn add_scaled(&self, left: &Self::Expression, weight: Fr, right: &Self::Expression) -> Self::Expression;

    /// `Σ weights[i] · expressions[i]`.
    fn weighted_sum<const N: usize>(
        &self,
        weights: &[Fr; N],
        expressions: &[Self::Expression; N],
    ) -> Self::Expression;

    /// A new wire, constrained to be `left · right`. Left goes to matrix A and right to B: a wire that stays out of B
    /// saves the prover a point in G2.
    fn multiply(&mut self, left: &Self::Expression, right: &Self::Expression) -> Self::Expression;

    /// The constraint `left · right = product`.
    fn enforce(&mut self, left: &Self::Expression, right: &Self::Expression, product: &Self::Expression);

    /// Makes an expression the one public input. A statement does this once, last.
    fn expose(&mut self, digest: &Self::Expression);
}
