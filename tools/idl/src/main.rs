//! Prints the IDL of an Anchor program, as `anchor idl build` does: `idl PROGRAM_DIR > idl.json`.
//!
//! The builder runs `cargo test` in the program's folder. Unset `RUSTUP_TOOLCHAIN` before you start
//! it: if the variable is set, anchor-lang-idl 0.1.4 passes a literal `+{toolchain}` to cargo.

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result};

fn main() -> Result<()> {
    let dir = std::env::args().nth(1).context("usage: idl PROGRAM_DIR")?;
    let dir = std::fs::canonicalize(&dir).with_context(|| format!("can't find the folder {dir}"))?;
    let idl = IdlBuilder::new()
        .program_path(dir)
        .cargo_args(vec!["--locked".into(), "--lib".into()])
        .build()?;
    println!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}
