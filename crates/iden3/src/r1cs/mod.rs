//! Rank-1 constraint systems, which are the content of `.r1cs` files.

mod file;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use sha2::{Digest, Sha256};

use crate::{
    error::Unsatisfied,
    zkey::{Coefficient, Matrix},
};

/// A linear combination of wires, `Σ coefficient · z[wire]`, as a list of `(wire, coefficient)`. It
/// is sorted by wire. Each wire occurs at most once, and no coefficient is zero. The empty list is
/// zero.
pub type LinearCombination = Vec<(u32, Fr)>;

/// The constraint `(a·z) · (b·z) = c·z`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraint {
    /// The left factor.
    pub a: LinearCombination,
    /// The right factor.
    pub b: LinearCombination,
    /// The product.
    pub c: LinearCombination,
}

/// A rank-1 constraint system over the scalar field of BN254.
///
/// The assignment `z` has one value for each wire, in this order: the constant one (wire 0), the
/// public outputs, the public inputs, the private inputs, all other wires. The public inputs of a
/// proof are wires 1 to [`n_public`](R1cs::n_public).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct R1cs {
    /// The number of public wires that the circuit computes. They come directly after the constant
    /// one.
    pub public_outputs: u32,
    /// The number of public wires that are given as inputs.
    pub public_inputs: u32,
    /// The number of private wires that are given as inputs. The prover computes the wires after
    /// them.
    pub private_inputs: u32,
    /// The number of all wires, including the constant one.
    pub wires: u32,
    /// The constraints. Their order is part of the system's identity.
    pub constraints: Vec<Constraint>,
}

/// The products of the three matrices with an assignment. Each has one value for each constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluations {
    /// The values of `A·z`.
    pub a: Vec<Fr>,
    /// The values of `B·z`.
    pub b: Vec<Fr>,
    /// The values of `C·z`.
    pub c: Vec<Fr>,
}

/// Returns the value of a linear combination at the assignment `z`.
///
/// # Panics
///
/// Panics if the combination contains a wire that `z` does not have.
#[must_use]
pub fn evaluate(combination: &[(u32, Fr)], z: &[Fr]) -> Fr {
    combination
        .iter()
        .map(|(wire, coefficient)| z[*wire as usize] * coefficient)
        .sum()
}

impl R1cs {
    /// Returns the number of public wires without the constant one. It is the number of public
    /// inputs of a proof.
    #[must_use]
    pub fn n_public(&self) -> u32 {
        self.public_outputs + self.public_inputs
    }

    /// Returns the size of the evaluation domain, as snarkjs chooses it. It is the smallest power
    /// of two, at least 2, that holds all constraints and one row for the constant one and for each
    /// public wire.
    #[must_use]
    pub fn domain_size(&self) -> usize {
        (self.constraints.len() + self.n_public() as usize + 1)
            .next_power_of_two()
            .max(2)
    }

    /// Checks every constraint at the assignment `z`. The error names the first unsatisfied one.
    pub fn is_satisfied(&self, z: &[Fr]) -> Result<(), Unsatisfied> {
        self.check_assignment(z)?;
        let violated = self
            .constraints
            .iter()
            .position(|row| evaluate(&row.a, z) * evaluate(&row.b, z) != evaluate(&row.c, z));
        violated.map_or(Ok(()), |constraint| Err(Unsatisfied::Constraint { constraint }))
    }

    /// Returns the values of `A·z`, `B·z` and `C·z`. Does not check that the constraints are
    /// satisfied.
    pub fn evaluations(&self, z: &[Fr]) -> Result<Evaluations, Unsatisfied> {
        self.check_assignment(z)?;
        let rows = |side: fn(&Constraint) -> &LinearCombination| {
            self.constraints
                .iter()
                .map(|row| evaluate(side(row), z))
                .collect()
        };
        Ok(Evaluations {
            a: rows(|row| &row.a),
            b: rows(|row| &row.b),
            c: rows(|row| &row.c),
        })
    }

    fn check_assignment(&self, z: &[Fr]) -> Result<(), Unsatisfied> {
        if z.len() != self.wires as usize {
            return Err(Unsatisfied::Length {
                expected: self.wires as usize,
                found: z.len(),
            });
        }
        if z.first() != Some(&Fr::ONE) {
            return Err(Unsatisfied::ConstantOne);
        }
        Ok(())
    }

    /// Returns the SHA-256 hash that identifies the constraint system. All integers are hashed
    /// big-endian, in this order:
    ///
    /// 1. The 13 bytes `bauta/r1cs/1`, NUL.
    /// 2. `public_outputs`, `public_inputs`, `private_inputs`, `wires` and the number of
    ///    constraints, as u32.
    /// 3. For each constraint its `a`, `b` and `c`: the number of terms (u32), and for each term
    ///    the wire (u32) and the canonical coefficient (32 bytes).
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let count = |n: usize| u32::try_from(n).expect("a system has at most 2^27 rows");
        let mut hasher = Sha256::new();
        hasher.update(b"bauta/r1cs/1\0");
        let header = [
            self.public_outputs,
            self.public_inputs,
            self.private_inputs,
            self.wires,
        ];
        for number in header.into_iter().chain([count(self.constraints.len())]) {
            hasher.update(number.to_be_bytes());
        }
        for combination in self.constraints.iter().flat_map(|row| [&row.a, &row.b, &row.c]) {
            hasher.update(count(combination.len()).to_be_bytes());
            for (wire, coefficient) in combination {
                hasher.update(wire.to_be_bytes());
                hasher.update(coefficient.into_bigint().to_bytes_be());
            }
        }
        hasher.finalize().into()
    }

    /// Returns the entries of the matrices A and B in the order in which snarkjs writes them into a
    /// `.zkey`. For each constraint, these are the terms of A and then those of B. After the
    /// constraints, there is one row `A = wire` for the constant one and for each public wire.
    /// These rows make the polynomials of the public wires linearly independent of all others.
    #[must_use]
    pub fn coefficients(&self) -> Vec<Coefficient> {
        let index = |n: usize| u32::try_from(n).expect("a system has at most 2^27 rows");
        let mut entries = Vec::new();
        for (row, constraint) in self.constraints.iter().enumerate() {
            for (matrix, combination) in [(Matrix::A, &constraint.a), (Matrix::B, &constraint.b)] {
                entries.extend(combination.iter().map(|(wire, value)| Coefficient {
                    matrix,
                    constraint: index(row),
                    wire: *wire,
                    value: *value,
                }));
            }
        }
        entries.extend((0..=self.n_public()).map(|wire| Coefficient {
            matrix: Matrix::A,
            constraint: index(self.constraints.len()) + wire,
            wire,
            value: Fr::ONE,
        }));
        debug_assert!(
            entries.iter().all(|entry| entry.value != Fr::ZERO),
            "no zero coefficients"
        );
        entries
    }
}
