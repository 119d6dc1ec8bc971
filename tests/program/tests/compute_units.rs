//! Compares the measured cost of every instruction with docs/benchmarks/compute-units.md.

use bauta_program_test::{Elf, measure};

/// The addresses of the table's tokens skip a few bumps. The page says what more of them cost.
#[test]
fn each_registration_in_the_table_that_is_not_compressed_costs_less_than_40_000_units() {
    let page = include_str!("../../../docs/benchmarks/compute-units.md");
    let mut registrations = 0;
    for line in page.lines().filter(|line| line.starts_with("| register_")) {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (name, units) = (cells.next(), cells.next());
        let units: u64 = units.and_then(|units| units.parse().ok()).expect("a number");
        let is_other = |name: &str| name == "register_circuit" || name.starts_with("register_compressed");
        if !name.is_some_and(is_other) {
            assert!(units < 40_000, "{line}");
            registrations += 1;
        }
    }
    assert_eq!(registrations, 13);
}

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
