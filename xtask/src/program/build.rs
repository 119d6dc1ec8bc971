//! Builds a program's artifacts.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

use super::{
    Program, checkouts,
    record::{self, Record},
    sources,
    toolchain::{self, Toolchain},
};
use crate::workspace;

/// Builds every program into its artifacts folder.
pub fn build(programs: &[Program]) -> Result<()> {
    for program in programs {
        let artifacts = program.artifacts();
        fs::create_dir_all(&artifacts).with_context(|| format!("can't create {}", artifacts.display()))?;
        let recorded = Record::read(program).ok();
        let toolchain = Toolchain::for_build(recorded.as_ref().map(|record| &record.toolchain))?;
        let record = make(program, &toolchain, &artifacts)?;
        record.write(&artifacts)?;
        for file in program.files() {
            let size = fs::metadata(artifacts.join(&file)).map_or(0, |file| file.len());
            println!(
                "{}  {size:>7} bytes  {}/artifacts/{file}",
                &record.artifacts[&file][..16],
                program.name
            );
        }
    }
    Ok(())
}

/// Builds a program's ELFs and IDL into `dir`.
pub fn make(program: &Program, toolchain: &Toolchain, dir: &Path) -> Result<Record> {
    let sources = sources::digest(program)?;
    toolchain.build(program, dir)?;
    idl(program, dir)?;
    Ok(Record {
        sources,
        toolchain: toolchain.identity().clone(),
        artifacts: record::artifacts(program, dir)?,
    })
}

/// Writes a program's IDL into `dir`, if the program has one.
pub fn idl(program: &Program, dir: &Path) -> Result<()> {
    let Some(file) = program.idl() else { return Ok(()) };
    let prefix = toolchain::prefix()?;
    let _lock = toolchain::lock(&prefix)?;
    let target = prefix.join("idl");
    let tool = workspace::root()?.join("tools/idl/Cargo.toml");
    let mut build = workspace::cargo()?;
    build
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(tool)
        .arg("--target-dir")
        .arg(&target);
    workspace::run(&mut build)?;
    checkouts::drop_crates_of_other_checkouts(&target, "debug", &workspace::root()?)?;
    let mut command = std::process::Command::new(target.join("debug/idl"));
    command
        .arg(&program.dir)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTUP_TOOLCHAIN");
    let idl = workspace::output(&mut command)?;
    let path = dir.join(file);
    fs::write(&path, idl).with_context(|| format!("can't write {}", path.display()))
}

/// Returns one line for each name whose values differ.
pub fn differences(recorded: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = recorded.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter(|name| recorded.get(*name) != now.get(*name))
        .map(|name| {
            let value =
                |map: &BTreeMap<String, String>| map.get(name).cloned().unwrap_or_else(|| "nothing".into());
            format!("  {name}: recorded {}, now {}", value(recorded), value(now))
        })
        .collect()
}
