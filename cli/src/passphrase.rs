//! Reads the passphrase of an identity: from a file, or from the terminal without showing it.

use std::{
    fs::File,
    io::{IsTerminal, Read, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use console::Term;
use zeroize::{Zeroize, Zeroizing};

use crate::failure::{Failure, Kind};

/// The smallest length of a new passphrase in characters.
const MIN_CHARACTERS: usize = 8;
/// The largest length of a passphrase in bytes.
const MAX_BYTES: usize = 1024;

/// The option of commands that open or seal an identity.
#[derive(clap::Args)]
pub struct PassphraseArgs {
    /// File whose first line is the passphrase [default: read from the terminal]
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// Returns the passphrase of an existing identity.
    pub fn existing(&self) -> Result<Zeroizing<String>> {
        match &self.passphrase_file {
            Some(file) => from_file(file),
            None => prompt("Passphrase: "),
        }
    }

    /// Returns the passphrase of a new identity. On the terminal, the user repeats it.
    pub fn new_one(&self) -> Result<Zeroizing<String>> {
        new_one(self.passphrase_file.as_deref())
    }
}

/// Returns a new passphrase from a file, or from the terminal, where the user repeats it.
pub fn new_one(file: Option<&Path>) -> Result<Zeroizing<String>> {
    let passphrase = if let Some(file) = file {
        from_file(file)?
    } else {
        let first = prompt("New passphrase: ")?;
        ensure!(
            prompt("The same passphrase again: ")? == first,
            "the two passphrases differ"
        );
        first
    };
    ensure!(
        passphrase.chars().count() >= MIN_CHARACTERS,
        "the passphrase is too short: it must have at least {MIN_CHARACTERS} characters"
    );
    Ok(passphrase)
}

fn from_file(file: &Path) -> Result<Zeroizing<String>> {
    let context = || format!("can't read the passphrase from {}", file.display());
    let opened = File::open(file).with_context(context)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES + 2));
    opened
        .take(MAX_BYTES as u64 + 2)
        .read_to_string(&mut text)
        .with_context(context)?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(
        !line.is_empty() && line.len() <= MAX_BYTES,
        "the first line of {} has {} bytes: a passphrase has 1 to {MAX_BYTES}",
        file.display(),
        line.len()
    );
    Ok(Zeroizing::new(line.to_owned()))
}

fn prompt(question: &str) -> Result<Zeroizing<String>> {
    let terminal = Term::stderr();
    if !stdin().is_terminal() || !terminal.is_term() {
        return Err(
            Failure::new(Kind::Other, "there is no terminal to read the passphrase from")
                .next("give the file of the passphrase with --passphrase-file")
                .into(),
        );
    }
    terminal.write_str(question)?;
    let mut line = terminal
        .read_secure_line()
        .context("can't read the passphrase from the terminal")?;
    let passphrase = Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned());
    line.zeroize();
    ensure!(!passphrase.is_empty(), "the passphrase is empty");
    Ok(passphrase)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_passphrase_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passphrase");
        fs::write(&file, "correct horse \nsecond line\n").unwrap();
        assert_eq!(new_one(Some(&file)).unwrap().as_str(), "correct horse ");
        for (wrong, reason) in [
            ("", "0 bytes"),
            ("\nx", "0 bytes"),
            ("short\n", "at least 8"),
            (&"x".repeat(2_000), "1 to 1024"),
        ] {
            fs::write(&file, wrong).unwrap();
            let error = new_one(Some(&file)).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
