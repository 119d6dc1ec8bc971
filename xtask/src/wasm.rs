//! `cargo xtask wasm`: builds the proving engine as a WebAssembly module and tests it under
//! Node.js.
//!
//! ```text
//!   tools/wasm-prover --Debian's rustc, std from source--> bauta_wasm_prover.wasm
//!                                                              |
//!                    arkworks verifies the proof <---proof--- Node.js
//! ```

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{program, system, workspace};

/// Builds the module and runs the test.
pub fn run() -> Result<()> {
    system::require(&[system::CC, system::NODE])?;
    let compiler = program::debian_compiler()?;
    let target = workspace::cache()?.join("wasm");
    let mut cargo = workspace::cargo()?;
    cargo
        .current_dir(workspace::root()?.join("tools/wasm-prover"))
        .env("LD_LIBRARY_PATH", compiler.libraries)
        .env("RUSTC", compiler.rustc)
        // Building the standard library is an unstable feature of cargo.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC_WRAPPER", "")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?)
        .args(["build", "--release", "--locked", "--target", TARGET])
        .args(["-Zbuild-std=std,panic_abort", "--target-dir"])
        .arg(&target);
    workspace::run(&mut cargo)?;
    let module = target.join(TARGET).join("release/bauta_wasm_prover.wasm");
    workspace::run(
        workspace::cargo()?
            .env("BAUTA_WASM_PROVER", module)
            .args(["test", "--locked", "--package", "bauta-prover"])
            .args(["--features", "wasm-test", "--test", "wasm"]),
    )
}

const TARGET: &str = "wasm32-unknown-unknown";

/// Returns the linker of the Rust toolchain, or LLVM's linker if the toolchain has none.
fn linker() -> Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = workspace::output(Command::new(rustc).args(["--print", "target-libdir"]))?;
    let shipped = PathBuf::from(libraries.trim())
        .parent()
        .map(|folder| folder.join("bin/rust-lld"))
        .filter(|linker| linker.exists());
    shipped.or_else(|| workspace::on_path("wasm-ld")).context(
        "there is no linker for WebAssembly: the Rust toolchain has no rust-lld and PATH has no wasm-ld; install \
         Debian's package lld",
    )
}
