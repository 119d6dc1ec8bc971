//! The witness, from which a proof is made.

use ark_bn254::Fr;
use bauta_iden3::R1cs;
use zeroize::Zeroize;

use crate::ProverError;

/// An assignment of all wires of a circuit: the constant one, the public wires, the private wires.
/// It is secret. It is overwritten with zeros when it is dropped, and it cannot be printed.
pub struct Witness {
    wires: Vec<Fr>,
    rows: Option<Rows>,
}

/// The values of `A·z` and `B·z`, one for each constraint.
pub(crate) struct Rows {
    pub(crate) a: Vec<Fr>,
    pub(crate) b: Vec<Fr>,
}

impl Witness {
    /// Creates a witness from all wires. The engine computes the rows of A and B from the key.
    #[must_use]
    pub fn new(wires: Vec<Fr>) -> Self {
        Self { wires, rows: None }
    }

    /// Creates a witness from all wires and the values of `A·z` and `B·z` for each constraint. A
    /// witness generator has these values anyway, and they save the engine two sparse matrix
    /// products. If they are wrong, the proof does not verify.
    #[must_use]
    pub fn with_rows(wires: Vec<Fr>, a: Vec<Fr>, b: Vec<Fr>) -> Self {
        Self {
            wires,
            rows: Some(Rows { a, b }),
        }
    }

    /// Returns the values of all wires.
    #[must_use]
    pub fn wires(&self) -> &[Fr] {
        &self.wires
    }

    /// Checks every constraint. The error names the first unsatisfied one.
    pub fn check(&self, constraints: &R1cs) -> Result<(), ProverError> {
        Ok(constraints.is_satisfied(&self.wires)?)
    }

    pub(crate) fn rows(&self) -> Option<&Rows> {
        self.rows.as_ref()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.wires.zeroize();
        if let Some(rows) = &mut self.rows {
            rows.a.zeroize();
            rows.b.zeroize();
        }
    }
}
