//! Compares the table in docs/costs.md with the lengths of the accounts and of the ELF.

use bauta::state::{Circuit, Collection, Config, Holding, Nullifier, Registry, Scope, Staged, Tree};

/// Bytes that rent counts in addition to an account's data.
const OVERHEAD: usize = 128;
/// The loader's part of the account that stores an ELF.
const PROGRAM_DATA_HEADER: usize = 45;
/// The rates of the table, in lamports a byte.
const RATES: [usize; 3] = [6_960, 5_080, 696];

fn row(account: &str, bytes: usize) -> String {
    let [a, b, c] = RATES.map(|rate| {
        let lamports = (OVERHEAD + bytes) * rate;
        format!(
            "{}.{:06}",
            lamports / 1_000_000_000,
            lamports % 1_000_000_000 / 1_000
        )
    });
    format!("| {account} | {bytes} | {a} | {b} | {c} |")
}

#[test]
fn the_page_of_costs_has_the_lengths_of_accounts_and_elf() {
    let elf = include_bytes!("../artifacts/bauta.v3.so").len();
    let accounts = [
        ("ELF", PROGRAM_DATA_HEADER + elf),
        ("`Config`", 8 + size_of::<Config>()),
        ("`Circuit`", 8 + size_of::<Circuit>()),
        ("`Registry`", 8 + size_of::<Registry>()),
        ("`Tree`", Tree::SPACE),
        ("`Collection`", 8 + size_of::<Collection>()),
        ("`Holding`", 8 + size_of::<Holding>()),
        ("`Scope`", 8 + size_of::<Scope>()),
        ("`Nullifier`", Nullifier::SPACE),
        ("`Staged`", 8 + size_of::<Staged>()),
    ];
    let expected: Vec<String> = accounts.iter().map(|(name, bytes)| row(name, *bytes)).collect();
    let page = include_str!("../../../docs/costs.md");
    let written: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| ELF"))
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(written, expected, "write these rows:\n{}", expected.join("\n"));
}

/// The first version of the program had 923,912 bytes. It must not grow to more than half of that.
#[test]
fn each_elf_has_at_most_half_of_the_first_size() {
    let elfs: [&[u8]; 2] = [
        include_bytes!("../artifacts/bauta.so"),
        include_bytes!("../artifacts/bauta.v3.so"),
    ];
    for elf in elfs {
        assert!(elf.len() <= 923_912 / 2, "{} bytes", elf.len());
    }
}
