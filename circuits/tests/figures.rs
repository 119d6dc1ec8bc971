//! Tests that the sizes in the documentation are those of the code.

use std::fmt::Write as _;

use bauta_circuits::{
    Ownership, Proof, Statement, VerifyingKey,
    figures::{figures, table},
    load_or_setup_development,
    statements::DEPTHS,
};

const PAGE: &str = include_str!("../../docs/benchmarks/circuits.md");

#[test]
fn the_documented_table_of_sizes_is_exact() {
    let table = table(&figures());
    assert!(
        PAGE.contains(&table),
        "docs/benchmarks/circuits.md must contain:\n{table}"
    );
}

#[test]
fn the_documented_table_of_key_sizes_is_exact() {
    let mut table = String::from(
        "| statement | depth | development key file | verifying key | proof |\n|---|---|---|---|---|\n",
    );
    // tests/statements compares the rows of the other statements. Their keys are made there.
    for depth in DEPTHS {
        let statement = &Ownership::new(depth);
        let length = load_or_setup_development(statement)
            .unwrap()
            .to_bytes()
            .unwrap()
            .len();
        let (name, depth) = (Ownership::NAME, statement.depth() as u8);
        let (key, proof) = (VerifyingKey::LENGTH, Proof::LENGTH);
        writeln!(table, "| {name} | {depth} | {length} | {key} | {proof} |").unwrap();
    }
    assert!(
        PAGE.contains(&table),
        "docs/benchmarks/circuits.md must contain:\n{table}"
    );
}

#[test]
fn the_goals_for_constraints_are_met() {
    let constraints = |name: &str| {
        let row = figures().into_iter().find(|row| row.name() == name).unwrap();
        assert_eq!(row.public_inputs, 1);
        row.constraints
    };
    assert!(constraints("ownership10_constraints") <= 4_090);
    assert!(constraints("ownership16_constraints") <= 5_905);
    assert!(constraints("reputation10_constraints") <= 4_868);
    assert!(constraints("address10_constraints") <= 9_403);
}
