//! The interface of a constraint system for gadgets, and its three implementations.
//!
//! ```text
//!                                    +--> Matrices: the R1CS, for setup, export, soundness checks
//!   Statement::synthesise -- C: -----+--> Assignment: wires, A·z and B·z of a witness, for proving
//!                                    +--> Arkworks: arkworks's constraint synthesiser
//! ```
//!
//! A gadget never uses a value, so all three implementations receive the same constraints.

mod arkworks;
mod assignment;
mod matrices;

use ark_bn254::Fr;

pub use arkworks::Arkworks;
pub use assignment::Assignment;
pub use matrices::Matrices;

/// A rank-1 constraint system under construction. Every statement has one public input, the digest.
///
/// Only two methods create wires. [`input`](Self::input) creates a free wire: constraints must
/// restrict its value. [`multiply`](Self::multiply) creates a wire that is determined by its own
/// constraint. All inputs come first, as in a `.r1cs` file. The inputs therefore determine all
/// other wires.
pub trait ConstraintSystem {
    /// A linear combination of wires.
    type Expression: Clone;

    /// Creates a private input. Only systems with a witness use the value.
    fn input(&mut self, value: Fr) -> Self::Expression;

    /// Returns a constant.
    fn constant(&self, value: Fr) -> Self::Expression;

    /// Returns `expression + constant`.
    fn add_constant(&self, expression: &Self::Expression, constant: Fr) -> Self::Expression;

    /// Returns `left + right`.
    fn add(&self, left: &Self::Expression, right: &Self::Expression) -> Self::Expression;

    /// Returns `left - right`.
    fn subtract(&self, left: &Self::Expression, right: &Self::Expression) -> Self::Expression;

    /// Returns `left + weight · right`.
    fn add_scaled(&self, left: &Self::Expression, weight: Fr, right: &Self::Expression) -> Self::Expression;

    /// Returns `Σ weights[i] · expressions[i]`.
    fn weighted_sum<const N: usize>(
        &self,
        weights: &[Fr; N],
        expressions: &[Self::Expression; N],
    ) -> Self::Expression;

    /// Creates a wire that is constrained to `left · right`. `left` becomes a row of matrix A and
    /// `right` a row of matrix B. A wire that does not occur in B saves the prover a point in G2.
    fn multiply(&mut self, left: &Self::Expression, right: &Self::Expression) -> Self::Expression;

    /// Adds the constraint `left · right = product`.
    fn enforce(&mut self, left: &Self::Expression, right: &Self::Expression, product: &Self::Expression);

    /// Makes an expression the only public input. A statement must call this once, at its end.
    fn expose(&mut self, digest: &Self::Expression);
}
