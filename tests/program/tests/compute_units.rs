//! Compares the measured cost of every instruction with docs/benchmarks/compute-units.md.

use bauta_program_test::{Elf, measure};

#[test]
fn every_instruction_costs_exactly_what_the_benchmark_page_says() {
    let page = include_str!("../../../docs/benchmarks/compute-units.md");
    let written: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| instruction"))
        .map(ToOwned::to_owned)
        .collect();
    let measured: Vec<String> = measure::all(Elf::FromEnvironment)
        .iter()
        .map(|row| match row.transaction_bytes {
            0 => format!("| {} | {} |  |", row.instruction, row.compute_units),
            bytes => format!("| {} | {} | {bytes} |", row.instruction, row.compute_units),
        })
        .collect();
    assert_eq!(
        measured, written,
        "the page is out of date: run `cargo xtask bench cu`, and give the reason for the change in the commit"
    );
}
