//! Sizes of the circuits. They are exact, so nothing is repeated. `circuits/tests/figures.rs`
//! compares the checked-in page, docs/benchmarks/circuits.md, with the same figures.

use bauta_circuits::figures::{figures, table};

use crate::Figures;

/// Counts the constraints of every circuit.
pub fn run() -> Figures {
    let figures = figures();
    print!("{}", table(&figures));
    figures
        .iter()
        .map(|row| (row.name(), row.constraints.into()))
        .collect()
}
