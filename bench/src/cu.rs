//! Compute units and transaction bytes: exact, so there is nothing to repeat and `--quick` only writes no page.

use anyhow::Result;
use bauta_program_test::{Elf, measure};

use crate::{Figures, Options, page};

/// What the figures are, for whoever reads the page alone.
const HEAD: &str = "# Compute units

What a transaction with one instruction of the program costs, on the checked-in ELF in LiteSVM 0.16 (agave 4.2). Compute units are of the whole
transaction, which has no compute budget instruction (one costs 150 more). Bytes are of the whole transaction, signatures
included; a cluster takes 1,232. The figures are exact and the same on every machine; `tests/program/tests/compute_units.rs` compares them with this page.

    cargo xtask bench cu

";

/// Where the units of a verification go.
const TAIL: &str = "
`groth16` is the part of `verify` from the payload's hash to the pairing: context, digest, public input, pairing.
By the runtime's schedule its system calls alone cost 79,853: the pairing of four pairs 73,612 with its input, a multiplication in G1 3,840, an addition 334, Poseidon over five 2,067.
A nullifier's address costs about 370 for each bump tried; half of all nullifiers need one try. [Where the units go](compute-units-notes.md) and what was tried.

Peers, for comparison: a bare pairing check with 8 inputs 93,344; an append of one leaf to a concurrent Merkle tree with cheaper hashing 22,647, of ten 29,392.
";

/// Measures every instruction.
pub fn run(options: &Options) -> Result<Figures> {
    let rows = measure::all(Elf::Chosen);
    let lines = rows.iter().map(|row| {
        let bytes = match row.transaction_bytes {
            0 => String::new(),
            bytes => bytes.to_string(),
        };
        format!("| {} | {} | {bytes} |\n", row.instruction, row.compute_units)
    });
    let head = "| instruction | compute units | transaction bytes |\n|---|--:|--:|\n";
    let table: String = std::iter::once(head.to_owned()).chain(lines).collect();
    print!("{table}");
    if !options.quick {
        page::write("compute-units", &format!("{HEAD}{table}{TAIL}"))?;
    }
    Ok(rows
        .iter()
        .map(|row| (row.instruction.to_owned(), row.compute_units.into()))
        .collect())
}
