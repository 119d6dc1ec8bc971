//! The exact sizes of each statement: what the benchmarks report and a test holds against the checked-in table.

use std::{collections::HashSet, fmt::Write as _};

use bauta_iden3::{Constraint, LinearCombination, R1cs};

use crate::{
    statement::{Statement, r1cs},
    statements,
};

/// Sizes of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The statement's name.
    pub statement: &'static str,
    /// Depth of the registry tree.
    pub depth: u8,
    /// Constraints.
    pub constraints: usize,
    /// Public inputs.
    pub public_inputs: u32,
    /// Wires, the constant one included.
    pub wires: u32,
    /// Points of the evaluation domain.
    pub domain_size: usize,
    /// Wires that matrix A uses: points of the prover's sum in G1.
    pub a_wires: usize,
    /// Wires that matrix B uses: points of the prover's sum in G2.
    pub b_wires: usize,
    /// Entries of the matrices A and B with the public wires' rows, as a key holds them.
    pub coefficients: usize,
}

impl Figures {
    /// The sizes of a statement.
    pub fn of<S: Statement>(statement: &S) -> Self {
        let r1cs = r1cs(statement);
        Self {
            statement: S::NAME,
            depth: statement.depth() as u8,
            constraints: r1cs.constraints.len(),
            public_inputs: r1cs.n_public(),
            wires: r1cs.wires,
            domain_size: r1cs.domain_size(),
            a_wires: used(&r1cs, |constraint| &constraint.a),
            b_wires: used(&r1cs, |constraint| &constraint.b),
            coefficients: r1cs.coefficients().len(),
        }
    }

    /// Name of the number of constraints among the benchmarks: `ownership10_constraints`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}{}_constraints", self.statement, self.depth)
    }
}

fn used(r1cs: &R1cs, side: fn(&Constraint) -> &LinearCombination) -> usize {
    let wires: HashSet<u32> = r1cs
        .constraints
        .iter()
        .flat_map(side)
        .map(|(wire, _)| *wire)
        .collect();
    wires.len()
}

/// The sizes of every statement.
#[must_use]
pub fn figures() -> Vec<Figures> {
    statements::ALL.iter().map(Figures::of).collect()
}

/// The sizes as a table in Markdown.
#[must_use]
pub fn table(figures: &[Figures]) -> String {
    let mut text = String::from(
        "| statement | depth | constraints | public inputs | wires | domain | wires in A | wires in B | entries of A and B |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in figures {
        let Figures {
            statement,
            depth,
            constraints,
            public_inputs,
            wires,
            ..
        } = row;
        let Figures {
            domain_size,
            a_wires,
            b_wires,
            coefficients,
            ..
        } = row;
        writeln!(
            text,
            "| {statement} | {depth} | {constraints} | {public_inputs} | {wires} | {domain_size} | {a_wires} | {b_wires} | {coefficients} |"
        )
        .expect("writing to a string doesn't fail");
    }
    text
}
