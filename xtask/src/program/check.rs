//! Checks that the artifacts belong to the sources.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use super::{
    Program,
    build::{differences, make},
    record::{self, Record},
    sources,
    toolchain::{self, Toolchain},
};
use crate::workspace;

/// Check every program's artifacts; with `rebuild`, make them again and compare.
pub fn check(programs: &[Program], rebuild: bool) -> Result<()> {
    let mut wrong = vec![];
    for program in programs {
        let result =
            recorded(program).and_then(|record| if rebuild { again(program, &record) } else { Ok(()) });
        match result {
            Ok(()) => println!("programs/{}: artifacts belong to the sources", program.name),
            Err(error) => wrong.push(format!("programs/{}: {error:#}", program.name)),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The artifacts are the recorded ones, and recorded for these sources.
fn recorded(program: &Program) -> Result<Record> {
    let record = Record::read(program)?;
    let files = differences(
        &record.artifacts,
        &record::artifacts(program, &program.artifacts())?,
    );
    ensure!(
        files.is_empty(),
        "artifacts differ from build.toml (SHA-256):\n{}\n{REBUILD}",
        files.join("\n")
    );
    let sources = differences(&record.sources, &sources::digest(program)?);
    ensure!(
        sources.is_empty(),
        "the artifacts were made from other sources:\n{}\n{REBUILD}",
        sources.join("\n")
    );
    Ok(record)
}

const REBUILD: &str = "make them again with `cargo xtask program build` and commit programs/*/artifacts";

/// Build again: equal bytes with the recorded toolchain, a passing suite with another.
fn again(program: &Program, record: &Record) -> Result<()> {
    let dir = toolchain::prefix()?.join("check").join(program.name);
    fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
    let toolchain = Toolchain::for_check(&record.toolchain)?;
    let rebuilt = make(program, &toolchain, &dir)?;
    let other = differences(&record.toolchain, &rebuilt.toolchain);
    if other.is_empty() {
        let bytes = differences(&record.artifacts, &rebuilt.artifacts);
        if !bytes.is_empty() {
            bail!(
                "built again with the recorded toolchain, other bytes (in {}):\n{}",
                dir.display(),
                bytes.join("\n")
            );
        }
        println!("programs/{}: built again, equal bytes", program.name);
        return Ok(());
    }
    println!(
        "programs/{}: another toolchain than the recorded one:\n{}",
        program.name,
        other.join("\n")
    );
    let [elf, _, idl] = program.files();
    ensure!(
        record.artifacts.get(&idl) == rebuilt.artifacts.get(&idl),
        "{idl} built again differs from the recorded one ({})",
        dir.display()
    );
    println!("running the LiteSVM suite on the ELF it made");
    let mut suite = workspace::cargo()?;
    suite
        .args(["test", "--locked", "--package", "bauta-svm"])
        .env(program.elf_variable, dir.join(elf));
    workspace::run(&mut suite)
}
