//! Rank-1 constraint systems, the content of a `.r1cs` file.

mod file;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use sha2::{Digest, Sha256};

use crate::{
    errors::Unsatisfied,
    zkey::{Coefficient, Matrix},
};

/// A sum of wires with coefficients, `Σ coefficient · z[wire]`, as `(wire, coefficient)`: sorted by wire, each
/// wire at most once, no zero coefficients. Empty is zero.
pub type LinearCombination = Vec<(u32, Fr)>;

/// The constraint `(a·z) · (b·z) = c·z`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraint {
    /// Left factor.
    pub a: LinearCombination,
    /// Right factor.
    pub b: LinearCombination,
    /// Product.
    pub c: LinearCombination,
}

/// A rank-1 constraint system over the scalar field of BN254.
///
/// The assignment `z` has one value for each wire, in this order: the constant one (wire 0), the public
/// outputs, the public inputs, the private inputs, everything else. The public values of a proof are wires 1 to
/// [`n_public`](R1cs::n_public).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct R1cs {
    /// Public wires that the circuit computes. They come first after the constant one.
    pub public_outputs: u32,
    /// Public wires that are given.
    pub public_inputs: u32,
    /// Private wires that are given; the prover computes the wires after them.
    pub private_inputs: u32,
    /// All wires, the constant one included.
    pub wires: u32,
    /// The constraints, in an order that is part of the system's identity.
    pub constraints: Vec<Constraint>,
}

/// The values of the three matrices' rows at an assignment, one for each constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluations {
    /// `A·z`
    pub a: Vec<Fr>,
    /// `B·z`
    pub b: Vec<Fr>,
    /// `C·z`
    pub c: Vec<Fr>,
}

/// Value of a linear combination at the assignment `z`. Panics if it names a wire that `z` doesn't have.
#[must_use]
pub fn evaluate(combination: &[(u32, Fr)], z: &[Fr]) -> Fr {
    combination
        .iter()
        .map(|(wire, coefficient)| z[*wire as usize] * coefficient)
        .sum()
}

impl R1cs {
    /// Number of public wires without the constant one: the public inputs of a proof.
    #[must_use]
    pub fn n_public(&self) -> u32 {
        self.public_outputs + self.public_inputs
    }

    /// Size of the evaluation domain that snarkjs gives this system: the smallest power of two that holds the
    /// constraints and one row for each public wire and the constant one; at least 2.
    #[must_use]
    pub fn domain_size(&self) -> usize {
        (self.constraints.len() + self.n_public() as usize + 1)
            .next_power_of_two()
            .max(2)
    }

    /// Checks every constraint at the assignment `z`, and names the first that doesn't hold.
    pub fn is_satisfied(&self, z: &[Fr]) -> Result<(), Unsatisfied> {
        self.check_assignment(z)?;
        let violated = self
            .constraints
            .iter()
            .position(|row| evaluate(&row.a, z) * evaluate(&row.b, z) != evaluate(&row.c, z));
        violated.map_or(Ok(()), |constraint| Err(Unsatisfied::Constraint { constraint }))
    }

    /// Values of `A·z`, `B·z` and `C·z`. Doesn't check that the constraints hold.
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

    /// SHA-256 that identifies the constraint system. Hashed are, all integers big-endian: the 13 bytes
    /// `bauta/r1cs/1`, NUL; `public_outputs`, `public_inputs`, `private_inputs`, `wires` and the number of
    /// constraints as u32; then for each constraint its `a`, `b`, `c`, each as the number of terms (u32) and for
    /// each term the wire (u32) and the canonical coefficient (32 bytes).
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

    /// The entries of the matrices A and B as snarkjs puts them into a `.zkey`: for each constraint the terms of A,
    /// then those of B; after the constraints, one row `A = wire` for the constant one and for each public wire.
    /// These extra rows make the polynomials of the public wires linearly independent of all others.
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
