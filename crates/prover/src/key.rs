//! The parts of a proving key that the engine uses.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::Field;
use bauta_iden3::{Matrix, ZKey};

use crate::{ProverError, proof::Verifier, threads::Threads};

/// The rows of a sparse matrix, one after another.
pub(crate) struct SparseRows {
    /// Row j is `entries[starts[j] .. starts[j + 1]]`.
    pub(crate) starts: Vec<u32>,
    /// Wires with their coefficients.
    pub(crate) entries: Vec<(u32, Fr)>,
}

impl SparseRows {
    fn new(key: &ZKey, matrix: Matrix, rows: usize) -> Self {
        let belongs =
            |entry: &&bauta_iden3::Coefficient| entry.matrix == matrix && (entry.constraint as usize) < rows;
        let mut entries: Vec<_> = key.coefficients.iter().filter(belongs).collect();
        entries.sort_by_key(|entry| entry.constraint);
        let mut starts = vec![0; rows + 1];
        for entry in &entries {
            starts[entry.constraint as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        Self {
            starts,
            entries: entries
                .into_iter()
                .map(|entry| (entry.wire, entry.value))
                .collect(),
        }
    }

    /// Returns the product of the matrix and an assignment.
    pub(crate) fn multiply(&self, wires: &[Fr], threads: Threads) -> Vec<Fr> {
        let rows: Vec<&[u32]> = self.starts.windows(2).collect();
        let chunks = rows.chunks(rows.len().div_ceil(8).max(1)).collect();
        let parts = threads.map(chunks, |chunk: &[&[u32]]| {
            let row = |bounds: &&[u32]| -> Fr {
                self.entries[bounds[0] as usize..bounds[1] as usize]
                    .iter()
                    .map(|(wire, value)| wires[*wire as usize] * value)
                    .sum()
            };
            chunk.iter().map(row).collect::<Vec<_>>()
        });
        parts.concat()
    }
}

/// Points of a key, with the indices of the scalars that they are multiplied by.
pub(crate) struct Query<P> {
    /// Indices of wires, or of points of the coset. They are ascending.
    pub(crate) indices: Vec<u32>,
    pub(crate) points: Vec<P>,
}

impl<P: AffineRepr> Query<P> {
    /// Keeps all points except infinity. `first` is the index of the first point.
    fn new(points: &[P], first: u32) -> Self {
        let (indices, points) = (first..)
            .zip(points)
            .filter(|(_, point)| !point.is_zero())
            .unzip();
        Self { indices, points }
    }
}

/// The queries that proofs are made from. docs/prover.md explains why no others are needed.
pub(crate) struct Queries {
    /// `A_s(τ)` in G1.
    pub(crate) a: Query<G1Affine>,
    /// `B_s(τ)` in G2.
    pub(crate) b: Query<G2Affine>,
    /// `(β·A_s(τ) + α·B_s(τ) + C_s(τ)) / δ` for the private wires.
    pub(crate) l: Query<G1Affine>,
    /// The Lagrange polynomials of the odd coset at τ, times the vanishing polynomial, divided by
    /// δ.
    pub(crate) h: Query<G1Affine>,
}

/// The parts of a circuit that a proof needs in addition to the tables.
pub(crate) struct Circuit {
    pub(crate) wires: usize,
    pub(crate) public: usize,
    pub(crate) constraints: usize,
    pub(crate) domain_size: usize,
    /// The matrices A and B. A key that has only points lacks them.
    pub(crate) matrices: Option<[SparseRows; 2]>,
    pub(crate) verifier: Verifier,
}

/// Checks a key and splits it into the circuit and the queries.
pub(crate) fn split_key(key: &ZKey) -> Result<(Circuit, Queries), ProverError> {
    let (wires, public, domain_size) = (
        key.n_vars as usize,
        key.n_public as usize,
        key.domain_size as usize,
    );
    let ensure = |holds: bool, otherwise| {
        if holds {
            Ok(())
        } else {
            Err(ProverError::InvalidKey(otherwise))
        }
    };
    ensure(
        public < wires,
        "it has no wire besides the constant one and the public wires",
    )?;
    ensure(
        domain_size.is_power_of_two() && (2..=1 << 27).contains(&domain_size),
        "the domain size is not a power of two from 2 to 2^27",
    )?;
    ensure(
        key.ic.len() == public + 1,
        "IC does not have one point for the constant one and each public wire",
    )?;
    ensure(
        key.a.len() == wires && key.b2.len() == wires,
        "A or B does not have one point for each wire",
    )?;
    ensure(
        key.c.len() == wires - public - 1,
        "C does not have one point for each private wire",
    )?;
    ensure(
        key.h.len() == domain_size,
        "H does not have one point for each element of the domain",
    )?;
    ensure(
        !key.alpha_g1.is_zero()
            && !key.beta_g2.is_zero()
            && !key.gamma_g2.is_zero()
            && !key.delta_g2.is_zero(),
        "α, β, γ or δ is the point at infinity",
    )?;
    let in_range = |entry: &bauta_iden3::Coefficient| {
        (entry.wire as usize) < wires && (entry.constraint as usize) < domain_size
    };
    ensure(
        key.coefficients.iter().all(in_range),
        "a coefficient refers to a wire or a row that does not exist",
    )?;

    // Rows m to m + n_public of A contain only the constant one and the public wires, where m is
    // the number of constraints.
    let rows = |matrix| {
        key.coefficients
            .iter()
            .filter(move |entry| entry.matrix == matrix)
    };
    let last_row = rows(Matrix::A)
        .map(|entry| entry.constraint as usize)
        .max()
        .unwrap_or(0);
    let constraints = (last_row + 1).saturating_sub(public + 1);
    let mut public_rows: Vec<_> = rows(Matrix::A)
        .filter(|entry| entry.constraint as usize >= constraints)
        .map(|entry| (entry.constraint as usize, entry.wire as usize, entry.value))
        .collect();
    public_rows.sort_unstable_by_key(|entry| entry.0);
    ensure(
        public_rows
            .into_iter()
            .eq((0..=public).map(|wire| (constraints + wire, wire, Fr::ONE)))
            && rows(Matrix::B).all(|entry| (entry.constraint as usize) < constraints),
        "A does not end with one row for the constant one and each public wire",
    )?;

    let circuit = Circuit {
        wires,
        public,
        constraints,
        domain_size,
        matrices: Some([Matrix::A, Matrix::B].map(|matrix| SparseRows::new(key, matrix, constraints))),
        verifier: Verifier {
            alpha: key.alpha_g1,
            beta: key.beta_g2,
            gamma: key.gamma_g2,
            delta: key.delta_g2,
            ic: key.ic.clone(),
        },
    };
    let queries = Queries {
        a: Query::new(&key.a, 0),
        b: Query::new(&key.b2, 0),
        l: Query::new(&key.c, key.n_public + 1),
        h: Query::new(&key.h, 0),
    };
    Ok((circuit, queries))
}

impl Circuit {
    /// Checks the number of wires and the constant one.
    pub(crate) fn check_wires(&self, witness: &crate::Witness) -> Result<(), ProverError> {
        let wires = witness.wires();
        if wires.len() != self.wires {
            return Err(ProverError::WitnessLength {
                expected: self.wires,
                found: wires.len(),
            });
        }
        if wires[0] != Fr::ONE {
            return Err(ProverError::ConstantOne);
        }
        Ok(())
    }

    /// Checks the shape of a witness. Returns its rows of A, including those of the public wires,
    /// and its rows of B.
    pub(crate) fn rows(
        &self,
        witness: &crate::Witness,
        threads: Threads,
    ) -> Result<(Vec<Fr>, Vec<Fr>), ProverError> {
        self.check_wires(witness)?;
        let wires = witness.wires();
        let (mut a, b) = if let Some(rows) = witness.rows() {
            for (matrix, values) in [('A', &rows.a), ('B', &rows.b)] {
                if values.len() != self.constraints {
                    return Err(ProverError::RowCount {
                        matrix,
                        expected: self.constraints,
                        found: values.len(),
                    });
                }
            }
            let mut a = Vec::with_capacity(self.domain_size);
            a.extend_from_slice(&rows.a);
            (a, rows.b.clone())
        } else {
            let [a, b] = self.matrices.as_ref().ok_or(ProverError::RowsMissing)?;
            threads.join(|| a.multiply(wires, threads), || b.multiply(wires, threads))
        };
        a.extend_from_slice(&wires[..=self.public]);
        Ok((a, b))
    }
}
