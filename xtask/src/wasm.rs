//! `cargo xtask wasm`: builds the prover as two WebAssembly modules and tests them under Node.js.
//!
//! ```text
//!   tools/wasm-prover --Debian's rustc, std from source--> fused.wasm     with relaxed SIMD
//!                                                          baseline.wasm  without
//!                                                              |
//!        arkworks, snarkjs and the program verify <--proof-- Node.js
//! ```
//!
//! The tested modules are put into sdk/prover/assets, from where `@bauta/prover` publishes them.
//! They are checked in, so that the packages need no compiler for WebAssembly.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{program, system, workspace};

/// The builds of the module with the compiler's options.
const BUILDS: [(&str, &str); 2] = [
    ("fused", "-Ctarget-feature=+simd128,+relaxed-simd"),
    ("baseline", ""),
];

/// The compiler's options for all builds. A panic ends the module without a message, so no code
/// that formats messages of panics is in it. Calls have the shortest form of a function's index.
const CODE: &str = "-Zunstable-options -Cpanic=immediate-abort -Clink-arg=--compress-relocations";

/// Cargo's options for the standard library, in its smaller form.
const STANDARD_LIBRARY: [&str; 2] = ["-Zbuild-std=std", "-Zbuild-std-features=optimize_for_size"];

/// Builds the modules and runs the test. It selects the test and not the package, because a package
/// alone would rebuild the dependencies with other features.
pub fn run() -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    let modules = build()?;
    workspace::run(
        workspace::cargo()?
            .env("BAUTA_WASM_PROVERS", &modules)
            .args(["test", "--workspace", "--locked"])
            .args(["--features", "bauta-circuits/wasm-test", "--test", "wasm"]),
    )?;
    for (name, _) in BUILDS {
        let file = format!("{name}.wasm");
        copy(&modules.join(&file), &published()?.join(&file))?;
    }
    Ok(())
}

/// Returns the folder of the checked-in modules.
fn published() -> Result<PathBuf> {
    Ok(workspace::root()?.join("sdk/prover/assets"))
}

/// Builds the modules. Returns their folder.
pub fn build() -> Result<PathBuf> {
    let compiler = program::debian_compiler()?;
    let target = workspace::cache()?.join("wasm");
    let paths = without_paths()?;
    for (name, options) in BUILDS {
        // Each build has its own target folder, because other options rebuild everything.
        let folder = target.join(name);
        let mut cargo = workspace::cargo()?;
        cargo
            .current_dir(workspace::root()?.join("tools/wasm-prover"))
            .env("LD_LIBRARY_PATH", &compiler.libraries)
            .env("RUSTC", &compiler.rustc)
            // Building the standard library is an unstable feature of cargo.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC_WRAPPER", "")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?)
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                format!("{options} {CODE} {paths}"),
            )
            .args(["build", "--release", "--locked", "--target", TARGET])
            .args(STANDARD_LIBRARY)
            .arg("--target-dir")
            .arg(&folder);
        workspace::run(&mut cargo)?;
        copy(
            &folder.join(TARGET).join("release/bauta_wasm_prover.wasm"),
            &target.join(format!("{name}.wasm")),
        )?;
    }
    Ok(target)
}

/// Returns the options that replace the paths of this machine in messages of panics.
fn without_paths() -> Result<String> {
    let cargo = match env::var_os("CARGO_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir().context("there is no home folder")?.join(".cargo"),
    };
    let folders = [
        (workspace::cache()?, "/cache"),
        (cargo, "/cargo"),
        (workspace::root()?, "/bauta"),
    ];
    let options = folders.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    Ok(options.join(" "))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(|_| ())
        .with_context(|| format!("can't copy {} to {}", from.display(), to.display()))
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
