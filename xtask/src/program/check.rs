//! Checks that the artifacts belong to the sources.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use super::{
    Program,
    build::{differences, make},
    record::{self, Record},
    sources,
    toolchain::{self, Toolchain},
};
use crate::workspace;

/// Checks every program's artifacts. With `rebuild`, builds them again and compares.
pub fn check(programs: &[Program], rebuild: bool) -> Result<()> {
    let mut wrong = vec![];
    let mut untested = vec![];
    for program in programs {
        match recorded(program).and_then(|record| {
            if rebuild {
                rebuild_and_compare(program, &record)
            } else {
                Ok(None)
            }
        }) {
            Ok(elf) => {
                println!("{}: artifacts belong to the sources", program.folder);
                untested.extend(program.elf_variable.zip(elf));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", program.folder)),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    if untested.is_empty() {
        Ok(())
    } else {
        test(untested)
    }
}

/// Checks that the artifacts are the recorded ones and were recorded for the current sources.
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
        "the artifacts were built from other sources:\n{}\n{REBUILD}",
        sources.join("\n")
    );
    Ok(record)
}

const REBUILD: &str = "build them with `cargo xtask program build` and commit programs/*/artifacts";

/// Builds again and compares. With the recorded toolchain, the bytes must be equal. With another
/// toolchain, returns the new ELF, which the caller must test.
fn rebuild_and_compare(program: &Program, record: &Record) -> Result<Option<PathBuf>> {
    let dir = toolchain::prefix()?.join("check").join(program.name);
    fs::create_dir_all(&dir).with_context(|| format!("can't create {}", dir.display()))?;
    let toolchain = Toolchain::for_check(&record.toolchain)?;
    let rebuilt = make(program, &toolchain, &dir)?;
    let [_, elf] = program.elfs();
    let other = differences(&record.toolchain, &rebuilt.toolchain);
    if other.is_empty() {
        let bytes = differences(&record.artifacts, &rebuilt.artifacts);
        ensure!(
            bytes.is_empty(),
            "the rebuild with the recorded toolchain gave other bytes (in {}):\n{}",
            dir.display(),
            bytes.join("\n")
        );
        println!("{}: the rebuild gave equal bytes", program.folder);
        return Ok(None);
    }
    println!(
        "{}: the toolchain differs from the recorded one:\n{}",
        program.folder,
        other.join("\n")
    );
    if let Some(idl) = program.idl() {
        ensure!(
            record.artifacts.get(&idl) == rebuilt.artifacts.get(&idl),
            "the rebuilt {idl} differs from the recorded one (in {})",
            dir.display()
        );
    }
    Ok(Some(dir.join(elf)))
}

/// Runs the tests in the local SVM with ELFs other than the checked-in ones.
fn test(elfs: Vec<(&str, PathBuf)>) -> Result<()> {
    let mut suite = workspace::cargo()?;
    suite
        .args(["test", "--locked", "--package", "bauta-program-suite", "--"])
        .envs(elfs);
    // The figures on the page of compute units hold only for the checked-in ELF.
    suite.args([
        "--skip",
        "every_instruction_costs_exactly_what_the_benchmark_page_says",
    ]);
    workspace::run(&mut suite)
}
