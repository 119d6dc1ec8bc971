//! Compute units and transaction bytes. The figures are exact, so nothing is repeated. `--quick`
//! only writes no page.

use anyhow::Result;
use bauta_program_test::{Elf, measure};

use crate::{Figures, Options, page};

/// The text before the table.
const HEAD: &str = "# Compute units

This page has the cost of a transaction with one instruction of the program. It is measured with the
checked-in ELF in LiteSVM 0.16 (agave 4.2). Compute units are those of the whole transaction. It has
no compute budget instruction, which would cost 150 more. Bytes are those of the whole transaction,
including signatures. A cluster accepts 1,232. Those of compressed assets have an address lookup
table. The figures are exact and the same on every machine.
`tests/program/tests/compute_units.rs` compares them with this page.

    cargo xtask bench cu

";

/// The text after the table.
const TAIL: &str = "
`groth16` is the part of `verify` from the payload's hash to the pairing: context, digest, public
input and pairing. By the runtime's schedule, its system calls alone cost 79,853: the pairing of
four pairs 73,612 with its input, a multiplication in G1 3,840, an addition 334, and a Poseidon hash
of five elements 2,067. [The notes](compute-units-notes.md) show where the units are spent and what
was tried.

A derived address of a mint in the registrations costs about 379 more for each bump that is skipped in
its search: the holding at the first registration, the metadata and the edition. The token record
contains its bump. The addresses in the table skip few. One programmable token in nine skips more bumps
than the one in the table, and its later registration then costs more than 40,000.

The compressed assets in the table have 14 nodes of a proof, or 3 below a canopy (`_canopy`, `_again`,
`_gone`, `_left`). Another node costs 117. `register_compressed_old_proof` has a proof that is 64
changes old: the program checks it twice, and reads each change. The first check fails only if the
proof does not lead to the current root.

The rows `airdrop_` are transactions of the airdrop program ([airdrop.md](../airdrop.md)). A claim
contains a `verify` with a gate. `_exact` is a claim in a campaign with a curve, and `_token_2022` a
claim in tokens of Token-2022. Each bump that is skipped in the search of the recipient's token account
costs 1,500 more.

`verify_skips_0` and `verify_skips_8` are `verify` with a nullifier in whose address the program skips
no bump and eight bumps. Each skipped bump costs 379. One nullifier in 2^(n+1) skips more than
n bumps, and no one can choose the nullifier of a member. A transaction that sets no limit is granted
200,000 units for each instruction. This suffices for every nullifier, because there are 256 bumps. A
transaction that sets a limit adds 10,000 to the cost in the table. This is enough for 26 skipped
bumps, and one nullifier in 2^27 needs more. A verification that runs out of units changes nothing
and can be sent again with a higher limit.

For comparison: a bare pairing check with 8 inputs costs 93,344. An append of one leaf to a
concurrent Merkle tree with a cheaper hash function costs 22,647, and an append of ten leaves
29,392.
";

/// Measures every instruction.
pub fn run(options: &Options) -> Result<Figures> {
    let rows = measure::all(Elf::FromEnvironment);
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
