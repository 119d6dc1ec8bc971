//! Prints the IDL of an Anchor program, as `anchor idl build` does: `idl PROGRAM_DIR > idl.json`.
//!
//! Anchor takes documentation and seeds from the sources, but Rust allows no documentation on the
//! arguments of a function, and accounts whose address the program checks itself have no seeds.
//! `src/idl-notes.json` in the program's folder adds both. Every instruction, account, argument,
//! type and field must have documentation in the result.
//!
//! The builder runs `cargo test` in the program's folder. Unset `RUSTUP_TOOLCHAIN` before you start
//! it: if the variable is set, anchor-lang-idl 0.1.4 passes a literal `+{toolchain}` to cargo.

mod notes;

use std::fs;

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result};

use self::notes::Notes;

fn main() -> Result<()> {
    let dir = std::env::args().nth(1).context("usage: idl PROGRAM_DIR")?;
    let dir = fs::canonicalize(&dir).with_context(|| format!("can't find the folder {dir}"))?;
    let path = dir.join("src/idl-notes.json");
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let notes: Notes =
        serde_json::from_str(&text).with_context(|| format!("{} is not valid", path.display()))?;
    let mut idl = IdlBuilder::new()
        .program_path(dir)
        .cargo_args(vec!["--locked".into(), "--lib".into()])
        .build()?;
    notes
        .apply(&mut idl)
        .with_context(|| format!("{} does not fit the program", path.display()))?;
    println!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}
