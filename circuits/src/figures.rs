//! The exact sizes of each statement. The benchmarks report them, and a test compares them with the
//! checked-in table.

use std::{collections::HashSet, fmt::Write as _};

use bauta_iden3::{Constraint, LinearCombination, R1cs};

use crate::{
    statement::{Statement, r1cs},
    statements::{Visitor, visit_all},
};

/// The sizes of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The name of the statement.
    pub statement: &'static str,
    /// The depth of the registry tree.
    pub depth: u8,
    /// The number of constraints.
    pub constraints: usize,
    /// The number of public inputs.
    pub public_inputs: u32,
    /// The number of wires, including the constant one.
    pub wires: u32,
    /// The number of points of the evaluation domain.
    pub domain_size: usize,
    /// The number of wires that matrix A uses. It is the number of points of the prover's sum in
    /// G1.
    pub a_wires: usize,
    /// The number of wires that matrix B uses. It is the number of points of the prover's sum in
    /// G2.
    pub b_wires: usize,
    /// The number of entries of the matrices A and B, including the rows of the public wires, as in
    /// a key.
    pub coefficients: usize,
}

impl Figures {
    /// Returns the sizes of a statement.
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

    /// Returns the name of the benchmark figure for the number of constraints, for example
    /// `ownership10_constraints`.
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

/// Returns the sizes of every statement.
#[must_use]
pub fn figures() -> Vec<Figures> {
    struct Measure;

    impl Visitor for Measure {
        type Output = Figures;

        fn visit<S: Statement>(&mut self, statement: S) -> Figures {
            Figures::of(&statement)
        }
    }

    visit_all(&mut Measure)
}

/// Formats the sizes as a Markdown table.
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
        .expect("writing to a string cannot fail");
    }
    text
}
