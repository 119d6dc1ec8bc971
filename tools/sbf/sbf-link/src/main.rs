//! A linker for Solana programs, for `linker-flavor: bpf`.
//!
//! ```text
//!  bitcode of rustc ─> one module ─> optimise ─> rewrite for BPF ─> object ─┬─> name.so
//!  (crates and std)     input        LLVM        rewrite            LLVM    └─> name.v3.so
//!                                                                      sbpf-linker
//! ```
//!
//! rustc's bitcode is ordinary LLVM bitcode. Upstream LLVM has a back end for BPF, and Solana's
//! SBPF is a dialect of BPF. The back end cannot compile some constructs that Rust needs. The
//! module `rewrite` lists them and says what replaces each. The library of sbpf-linker turns the
//! object file into the ELFs that the runtime loads: `name.so` for SBPF v0, `name.v3.so` for SBPF
//! v3.
//!
//! Set `SBF_LINK_DUMP=file.ll` to write the rewritten program to a file before code is generated,
//! and `SBF_LINK_OBJECT=file.o` to write the object file, which has the size of each function.

mod input;
mod llvm;
mod options;
mod rewrite;
mod routines;

use std::{env, fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, anyhow, ensure};
use sbpf_linker::{OptimizationConfig, ProgramOptions, SbpfArch, SbpfLinkerError};

use self::{
    llvm::{Module, Target},
    options::Options,
};

/// The newest BPF instructions that SBPF v0 and v3 both have.
const CPU: &str = "v2";
const FEATURES: &str = "+allows-misaligned-mem-access";
/// Size of a stack frame in the runtime, in bytes.
const FRAME: usize = 4096;
/// The only function that the runtime calls.
const ENTRYPOINT: &str = "entrypoint";
/// A static that only tools read, from the ELF: a program's contact for reports of vulnerabilities.
const SECURITY_TXT: &str = "security_txt";

fn main() -> ExitCode {
    let result = Options::parse(env::args().skip(1)).and_then(|options| link(&options));
    if let Err(error) = result {
        eprintln!("sbf-link: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn link(options: &Options) -> Result<()> {
    let module = Module::new();
    for path in &options.inputs {
        input::link(module, path)?;
    }
    let target = Target::new(module, CPU, FEATURES, FRAME)?;
    optimise(module, &target, &options.level)?;
    rewrite_for_bpf(module, &target)?;
    if let Some(path) = env::var_os("SBF_LINK_DUMP") {
        module.write(Path::new(&path))?;
    }
    module.verify()?;
    let object = routines::generate(module, &target)?;
    if let Some(path) = env::var_os("SBF_LINK_OBJECT") {
        fs::write(path, &object)?;
    }
    write(&object, SbpfArch::V0, &options.output)?;
    write(&object, SbpfArch::V3, &options.output.with_extension("v3.so"))
}

/// Optimises the whole program.
fn optimise(module: Module, target: &Target, level: &str) -> Result<()> {
    module.strip_debug_info();
    rewrite::attributes::drop_used(module);
    routines::internalize(module, routines::ALL);
    module.run(target, "globaldce")?;
    rewrite::attributes::drop_processor(module);
    rewrite::cold::mark(module);
    // A program has one thread, so atomic operations become ordinary ones.
    module.run(target, "function(lower-atomic)")?;
    // Level 0 would leave constructs that the back end cannot compile.
    let level = if level == "0" { "1" } else { level };
    module.run(target, &format!("default<O{level}>,globaldce"))
}

fn rewrite_for_bpf(module: Module, target: &Target) -> Result<()> {
    rewrite::traps::rewrite(module);
    rewrite::wide::rewrite(module)?;
    rewrite::division::rewrite(module);
    rewrite::arguments::rewrite(module)?;
    // instcombine is not in the list, because it would create the wide operations again.
    module.run(
        target,
        "always-inline,function(sroa,early-cse,instsimplify,simplifycfg,dce),globaldce",
    )?;
    rewrite::attributes::drop_sret(module);
    rewrite::copies::rewrite(module);
    refuse_writable_statics(module)
}

/// Returns an error if the program has writable statics. The runtime gives it no memory for them.
fn refuse_writable_statics(module: Module) -> Result<()> {
    let globals = module.globals();
    let writable: Vec<String> = globals
        .into_iter()
        .filter(|global| !global.is_declaration() && !global.is_constant_global())
        .map(llvm::Value::name)
        .collect();
    ensure!(
        writable.is_empty(),
        "a program on chain cannot have writable statics; found: {}",
        writable.join(", ")
    );
    Ok(())
}

/// Turns an object file into an ELF and writes it.
fn write(object: &[u8], arch: SbpfArch, path: &Path) -> Result<()> {
    let options = ProgramOptions::new(OptimizationConfig::enabled(), arch, FRAME as i32);
    let elf = sbpf_linker::link_program(object, options)
        .map_err(|errors| anyhow!("{}", SbpfLinkerError::format_errors(&errors)))?;
    fs::write(path, elf).with_context(|| format!("can't write {}", path.display()))
}
