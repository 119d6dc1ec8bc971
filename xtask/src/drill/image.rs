//! What can be done of the Dockerfile and the compose file without a container engine: the build stage's copies and its cargo command, the
//! programs that go into the image, the script that makes secrets, and what the services say to the files that it makes.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{system, workspace};

/// Runs it.
pub fn run() -> Result<()> {
    system::require(&[system::CC])?;
    let root = workspace::root()?;
    let dockerfile = fs::read_to_string(root.join("deploy/Dockerfile"))?.replace("\\\n", " ");
    let target = workspace::cache()?.join("target-image");
    let source = tempfile::tempdir()?;
    for (sources, destination) in copies(&dockerfile) {
        for name in &sources {
            copy(
                &root.join(name),
                &source.path().join(destination).join(last(&sources, name)),
            )?;
        }
    }
    for words in cargo_commands(&dockerfile) {
        let mut cargo = workspace::cargo()?;
        cargo.args(&words[1..]).current_dir(source.path());
        workspace::run(cargo.env("CARGO_TARGET_DIR", &target))?;
    }
    let programs: Vec<PathBuf> = programs(&dockerfile)
        .map(|name| target.join(name.trim_start_matches("target/")))
        .collect();
    ensure!(!programs.is_empty(), "the Dockerfile copies no program");
    for program in &programs {
        workspace::output(Command::new(program).arg("--help"))?;
    }
    secrets(&root, &programs)?;
    println!(
        "the Dockerfile's build gives {} programs that run",
        programs.len()
    );
    Ok(())
}

/// Sources and destination of each `COPY` from the context.
fn copies(dockerfile: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    let lines = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    lines
        .filter(|line| !line.starts_with("--from"))
        .filter_map(|line| {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            let destination = words.pop()?;
            Some((words, destination))
        })
}

/// Several files go into a folder by their names; a folder's content goes into the folder that is named.
fn last<'a>(sources: &[&str], name: &'a str) -> &'a str {
    if sources.len() > 1 { name } else { "" }
}

fn cargo_commands(dockerfile: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = dockerfile.lines().filter(|line| line.starts_with("RUN "));
    let commands = lines.flat_map(|line| line.split("&&"));
    commands.filter_map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let begin = words.iter().position(|word| *word == "cargo")?;
        Some(words[begin..].to_vec())
    })
}

/// What `cp` takes out of the target folder.
fn programs(dockerfile: &str) -> impl Iterator<Item = &str> {
    dockerfile
        .split_whitespace()
        .filter(|word| word.starts_with("target/"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    // Keeps times, so that cargo builds what has changed and no more.
    let from = if from.is_dir() {
        from.join(".")
    } else {
        from.to_owned()
    };
    workspace::run(
        Command::new("cp")
            .args(["--archive", "--no-target-directory"])
            .args([&from, to]),
    )
}

/// The script makes files that the services take; a second run doesn't replace them.
fn secrets(root: &Path, programs: &[PathBuf]) -> Result<()> {
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("secrets");
    let script = |folder: &Path| {
        let mut command = Command::new("sh");
        command
            .arg(root.join("deploy/compose/make-secrets.sh"))
            .arg(folder)
            .env("SOLANA_RPC_URL", "http://127.0.0.1:1");
        command
    };
    workspace::run(&mut script(&folder))?;
    ensure!(
        !script(&folder).status()?.success(),
        "make-secrets.sh replaced what was there"
    );
    // Hosts are known in the compose file's network alone: to look for the database, a service must have read its file and found it good.
    let named = |name: &str| {
        let mut programs = programs.iter();
        programs
            .find(|path| path.ends_with(name))
            .with_context(|| format!("the image lacks {name}"))
    };
    let output = Command::new(named("prover-service")?)
        .arg("--config")
        .arg(folder.join("prover.toml"))
        .arg("migrate")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(said.contains("can't be reached"), "prover.toml: {said}");
    let mut indexer = Command::new(named("bauta-indexer")?)
        .arg("--config")
        .arg(folder.join("indexer.toml"))
        .env("METRICS_PORT", "0")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(indexer.stdout.take().context("its output is piped")?).read_line(&mut line)?;
    // It waits for its database.
    indexer.kill()?;
    indexer.wait()?;
    ensure!(line.contains("\"started\""), "indexer.toml: {line}");
    Ok(())
}
