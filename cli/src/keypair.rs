//! `bauta keypair FILE`: a keypair in the form that Solana's tools use, a JSON array of 64 bytes.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use solana_keypair::{Keypair, read_keypair_file, write_keypair};
use solana_signer::Signer;

#[derive(clap::Args)]
pub struct Args {
    /// The keypair's file
    file: PathBuf,
}

/// Prints the address; makes the keypair first if the file isn't there.
pub fn run(args: &Args) -> Result<()> {
    println!("{}", read_or_make(&args.file)?.pubkey());
    Ok(())
}

/// Reads a keypair.
pub fn read(file: &Path) -> Result<Keypair> {
    read_keypair_file(file)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("can't read a keypair from {}", file.display()))
}

fn read_or_make(file: &Path) -> Result<Keypair> {
    let place = || format!("can't write a keypair to {}", file.display());
    let created = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    let mut out = match created {
        Ok(out) => out,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return read(file),
        Err(error) => return Err(error).with_context(place),
    };
    let keypair = Keypair::new();
    write_keypair(&keypair, &mut out)
        .map_err(|error| anyhow!("{error}"))
        .and_then(|_| out.flush().map_err(Into::into))
        .with_context(place)?;
    Ok(keypair)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_keypair_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keypair.json");
        let made = read_or_make(&file).unwrap().pubkey();
        assert_eq!(read_or_make(&file).unwrap().pubkey(), made);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_keypair_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.json");
        fs::write(&file, "[1, 2, 3]").unwrap();
        let error = read_or_make(&file).unwrap_err();
        assert!(error.to_string().contains("notes.json"), "{error:#}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "[1, 2, 3]");
    }
}
