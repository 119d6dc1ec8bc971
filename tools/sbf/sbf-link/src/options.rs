//! Parses the command line, as rustc writes it for `linker-flavor: bpf`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

/// The options that rustc passes.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// Path of the SBPF v0 ELF. The SBPF v3 ELF is written beside it, with the extension `v3.so`.
    pub output: PathBuf,
    /// Paths of objects and libraries.
    pub inputs: Vec<PathBuf>,
    /// Optimisation level: 0 to 3, s or z.
    pub level: String,
}

/// Ignored options that have a value. There is only one target, and the only export is the
/// entrypoint.
const IGNORED: [&str; 7] = [
    "-L",
    "--target",
    "--cpu",
    "--cpu-features",
    "--emit",
    "--export-symbols",
    // Makes cargo link again after the linker has changed: the value is the linker's digest.
    "--identity",
];
/// Ignored options without a value.
const IGNORED_FLAGS: [&str; 4] = ["--debug", "--btf", "--unroll-loops", "--ignore-inline-never"];

impl Options {
    /// Parses the arguments, without the name of the linker itself.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut arguments = arguments.into_iter();
        let mut output = None;
        let mut inputs = vec![];
        let mut level = "2".to_owned();
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            let mut value = || {
                value
                    .clone()
                    .or_else(|| arguments.next())
                    .with_context(|| format!("{name}: the value is missing"))
            };
            match name {
                "-o" | "--output" => output = Some(PathBuf::from(value()?)),
                _ if IGNORED.contains(&name) => _ = value()?,
                _ if IGNORED_FLAGS.contains(&name) => {}
                _ if name.starts_with("-O") => {
                    name[2..].clone_into(&mut level);
                    ensure!(
                        ["0", "1", "2", "3", "s", "z"].contains(&&*level),
                        "{name}: unknown optimisation level; use 0 to 3, s or z"
                    );
                }
                _ if name.starts_with('-') => bail!("unknown option {argument}"),
                _ => inputs.push(PathBuf::from(argument)),
            }
        }
        let output = output.context("--output is missing")?;
        ensure!(!inputs.is_empty(), "there are no input files");
        Ok(Self {
            output,
            inputs,
            level,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn the_command_line_of_rustc_is_parsed() {
        let line =
            "a.o --cpu generic -L /lib b.rlib --export-symbols s.txt -O3 --identity=12 --output=p.so --btf";
        let expected = Options {
            output: "p.so".into(),
            inputs: vec!["a.o".into(), "b.rlib".into()],
            level: "3".into(),
        };
        assert_eq!(parse(line).expect("valid"), expected);
    }

    #[test]
    fn an_unknown_or_incomplete_command_line_is_refused() {
        for (line, message) in [
            ("a.o -o p.so --shared", "unknown option --shared"),
            (
                "a.o -o p.so -O9",
                "-O9: unknown optimisation level; use 0 to 3, s or z",
            ),
            ("a.o", "--output is missing"),
            ("-o p.so", "there are no input files"),
            ("a.o -o", "-o: the value is missing"),
        ] {
            assert_eq!(parse(line).expect_err(line).to_string(), message);
        }
    }
}
