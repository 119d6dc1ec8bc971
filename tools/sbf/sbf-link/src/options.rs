//! The command line, as rustc writes it for `linker-flavor: bpf`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

/// What rustc asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The ELF to write, SBPF v0. The one of SBPF v3 is put beside it, with the extension `v3.so`.
    pub output: PathBuf,
    /// Objects and libraries.
    pub inputs: Vec<PathBuf>,
    /// Level of optimisation: 0 to 3, s or z.
    pub level: String,
}

/// Options with a value that mean nothing here: there is one target, and the one export is the entrypoint.
const PASSED_OVER: [&str; 7] = [
    "-L",
    "--target",
    "--cpu",
    "--cpu-features",
    "--emit",
    "--export-symbols",
    "--identity",
];
/// The same without a value. `--identity` is there to make cargo link again when the linker has changed.
const PASSED_OVER_FLAGS: [&str; 4] = ["--debug", "--btf", "--unroll-loops", "--ignore-inline-never"];

impl Options {
    /// Read the arguments (without the program's name).
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
                    .with_context(|| format!("{name}: value missing"))
            };
            match name {
                "-o" | "--output" => output = Some(PathBuf::from(value()?)),
                _ if PASSED_OVER.contains(&name) => _ = value()?,
                _ if PASSED_OVER_FLAGS.contains(&name) => {}
                _ if name.starts_with("-O") => {
                    name[2..].clone_into(&mut level);
                    ensure!(
                        ["0", "1", "2", "3", "s", "z"].contains(&&*level),
                        "{name}: unknown level"
                    );
                }
                _ if name.starts_with('-') => bail!("unknown option {argument}"),
                _ => inputs.push(PathBuf::from(argument)),
            }
        }
        let output = output.context("no --output")?;
        ensure!(!inputs.is_empty(), "no input files");
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
    fn rustc_command_line_is_understood() {
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
    fn what_is_not_understood_is_refused() {
        for (line, message) in [
            ("a.o -o p.so --shared", "unknown option --shared"),
            ("a.o -o p.so -O9", "-O9: unknown level"),
            ("a.o", "no --output"),
            ("-o p.so", "no input files"),
            ("a.o -o", "-o: value missing"),
        ] {
            assert_eq!(parse(line).expect_err(line).to_string(), message);
        }
    }
}
