//! Builds the modules. The same sources and tools give the same bytes in every checkout.

use std::{collections::BTreeMap, env, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::copy;
use crate::{program, workspace};

/// The builds of the module with the compiler's options.
pub const BUILDS: [(&str, &str); 2] = [
    ("fused", "-Ctarget-feature=+simd128,+relaxed-simd"),
    ("baseline", ""),
];

/// The compiler's options for all builds. A panic ends the module without a message, so no code
/// that formats messages of panics is in it. Calls have the shortest form of a function's index.
const CODE: &str = "-Zunstable-options -Cpanic=immediate-abort -Clink-arg=--compress-relocations";

/// Cargo's options for the standard library, in its smaller form.
const STANDARD_LIBRARY: [&str; 2] = ["-Zbuild-std=std", "-Zbuild-std-features=optimize_for_size"];

const TARGET: &str = "wasm32-unknown-unknown";

/// The script that gives each crate an identity without paths.
const COMPILER: &str = "tools/wasm-prover/rustc.sh";

/// Builds the modules. Returns their folder.
pub fn build() -> Result<PathBuf> {
    let compiler = program::debian_compiler()?;
    let wrapper = workspace::root()?.join(COMPILER);
    let cache = workspace::cache()?.join("wasm");
    // Cargo does not detect a change of the script, so the script is part of the folder's name.
    let target = cache.join(format!("target-{}", &options_digest()?[..16]));
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
            .env("RUSTC_WRAPPER", &wrapper)
            .env("RUSTC_WORKSPACE_WRAPPER", "")
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
            &cache.join(format!("{name}.wasm")),
        )?;
    }
    Ok(cache)
}

/// Returns the digest of the options and of the script that calls the compiler.
pub fn options_digest() -> Result<String> {
    let path = workspace::root()?.join(COMPILER);
    let script = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let builds = BUILDS.map(|(name, options)| format!("{name} {options}\n"));
    let parts = [
        &builds.concat(),
        TARGET,
        &STANDARD_LIBRARY.join(" "),
        CODE,
        &script,
    ];
    Ok(program::sha256(parts.join("\n").as_bytes()))
}

/// Returns the versions of the compiler, of cargo and of the linker.
pub fn tools() -> Result<BTreeMap<String, String>> {
    let compiler = program::debian_compiler()?;
    let mut rustc = Command::new(&compiler.rustc);
    rustc.arg("--version").env("LD_LIBRARY_PATH", &compiler.libraries);
    let linker = linker()?;
    let mut version = Command::new(&linker);
    if linker.ends_with("rust-lld") {
        version.args(["-flavor", "wasm"]);
    }
    version.arg("--version");
    let mut cargo = workspace::cargo()?;
    cargo.arg("--version");
    [("rustc", rustc), ("linker", version), ("cargo", cargo)]
        .into_iter()
        .map(|(name, mut command)| {
            Ok((
                name.to_owned(),
                workspace::output(&mut command)?.trim().to_owned(),
            ))
        })
        .collect()
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
