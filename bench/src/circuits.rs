//! Sizes of the circuits: exact, so there is nothing to repeat. `circuits/tests/figures.rs` holds the checked-in page,
//! docs/benchmarks/circuits.md, against the same figures.

use bauta_circuits::figures::{figures, table};

use crate::Figures;

/// Counts every circuit.
pub fn run() -> Figures {
    let figures = figures();
    print!("{}", table(&figures));
    figures
        .iter()
        .map(|row| (row.name(), row.constraints.into()))
        .collect()
}
