//! `bauta keypair FILE`. A keypair file is a JSON array of 64 bytes, as in Solana's own tools.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use solana_keypair::{Keypair, read_keypair_file, write_keypair};
use solana_signer::Signer;
use zeroize::Zeroizing;

use crate::{new_file, report::Report};

#[derive(clap::Args)]
pub struct Args {
    /// Keypair file
    file: PathBuf,
}

/// Returns the address of a keypair. Creates the keypair first if the file does not exist.
pub fn run(args: &Args) -> Result<Report> {
    Ok(Report::bare("address", read_or_create(&args.file)?.pubkey()))
}

/// Reads a keypair file.
pub fn read(file: &Path) -> Result<Keypair> {
    read_keypair_file(file)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("can't read the keypair file {}", file.display()))
}

/// Reads a keypair file. If it does not exist, returns a new keypair, and creates the file unless
/// this is a dry run.
pub fn read_or_plan(file: &Path, is_dry_run: bool) -> Result<Keypair> {
    if is_dry_run && !file.try_exists().unwrap_or(true) {
        return Ok(Keypair::new());
    }
    read_or_create(file)
}

/// Reads a keypair file, or creates it if it does not exist.
pub fn read_or_create(file: &Path) -> Result<Keypair> {
    let context = || format!("can't write the keypair file {}", file.display());
    if file.try_exists().with_context(context)? {
        return read(file);
    }
    let keypair = Keypair::new();
    let mut json = Zeroizing::new(Vec::new());
    write_keypair(&keypair, &mut *json).map_err(|error| anyhow!("{error}"))?;
    match new_file::create(file, &json) {
        // Another process has created it since.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(file),
        created => created.with_context(context).map(|()| keypair),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_keypair_is_created_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keypair.json");
        let address = read_or_create(&file).unwrap().pubkey();
        assert_eq!(read_or_create(&file).unwrap().pubkey(), address);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_not_a_keypair_is_named_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.json");
        fs::write(&file, "[1, 2, 3]").unwrap();
        let error = read_or_create(&file).unwrap_err();
        assert!(error.to_string().contains("notes.json"), "{error:#}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "[1, 2, 3]");
    }
}
