//! The program on the cluster, and the record of the bytes of this version.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use bauta_client::addresses::{self, UPGRADEABLE_LOADER};
use bauta_primitives::sha256;

use crate::{
    context::Context,
    failure::{Failure, Kind},
    loader::{self, ProgramData},
};

/// The record of the program's build, with the hashes of the ELFs of this version.
const BUILD: &str = include_str!("../../../../programs/bauta/artifacts/build.toml");
/// The ELFs of this version.
const ARTIFACTS: [&str; 2] = ["bauta.so", "bauta.v3.so"];
/// The largest number of zeros at the end of an ELF.
const MAX_ZEROS: usize = 64;

/// Reads the program. Fails if there is none.
pub async fn read(context: &Context) -> Result<ProgramData> {
    find(context).await?.ok_or_else(|| {
        let message = format!(
            "there is no program at {} on the cluster of {}",
            bauta::ID,
            context.rpc.host()
        );
        Failure::new(Kind::Other, message)
            .next("deploy the program (`bauta program deploy`), or name the right cluster with --cluster")
            .into()
    })
}

/// Reads the program. `None` if there is none.
pub async fn find(context: &Context) -> Result<Option<ProgramData>> {
    let program = context.account(&bauta::ID).await?;
    if !program.is_some_and(|program| program.executable) {
        return Ok(None);
    }
    let address = addresses::program_data().address;
    let account = context.account(&address).await?;
    let account = account
        .filter(|account| account.owner == UPGRADEABLE_LOADER)
        .with_context(|| format!("the program has no account of the upgradeable loader at {address}"))?;
    ProgramData::parse(account.data)
        .map(Some)
        .with_context(|| format!("the account {address} has no header of a program"))
}

impl ProgramData {
    /// Returns the name of the artifact of this version that has the program's bytes.
    pub fn artifact(&self) -> Option<&'static str> {
        let end = self.elf.iter().rposition(|byte| *byte != 0)? + 1;
        // An ELF can itself end with a few zeros.
        let candidates = (end..=self.elf.len()).take(MAX_ZEROS);
        let hashes: Vec<String> = candidates
            .map(|end| hex::encode(sha256(&self.elf[..end])))
            .collect();
        ARTIFACTS
            .into_iter()
            .find(|name| recorded(name).is_some_and(|recorded| hashes.iter().any(|hash| hash == recorded)))
    }
}

/// Returns the recorded hash of an artifact.
pub fn recorded(name: &str) -> Option<&'static str> {
    let line = format!("\"{name}\" = \"");
    BUILD
        .lines()
        .find_map(|text| text.strip_prefix(&line)?.strip_suffix('"'))
}

/// Returns the name of the artifact of this version with exactly these bytes. `what` names the
/// bytes in the error.
pub fn artifact_of(elf: &[u8], what: &str) -> Result<&'static str> {
    let hash = hex::encode(sha256(elf));
    let found = ARTIFACTS
        .into_iter()
        .find(|name| recorded(name) == Some(hash.as_str()));
    found.ok_or_else(|| {
        let message = format!(
            "{what} has the SHA-256 {hash}, which is not that of an ELF of this version of the command"
        );
        Failure::new(Kind::Check, message)
            .next(
                "use programs/bauta/artifacts/bauta.v3.so of the same version, and check it with `cargo \
                 xtask program check`",
            )
            .into()
    })
}

/// Reads an ELF of this version from a file. Returns it with the name of its artifact.
pub fn read_elf(file: &Path) -> Result<(Vec<u8>, &'static str)> {
    let context = || format!("can't read the ELF {}", file.display());
    let bytes = fs::metadata(file).with_context(context)?.len();
    let limit = loader::MAX_ACCOUNT - loader::PROGRAM_HEADER;
    ensure!(
        bytes <= limit as u64,
        "the ELF {} has {bytes} bytes, but an account has room for {limit}",
        file.display()
    );
    let elf = fs::read(file).with_context(context)?;
    let artifact = artifact_of(&elf, &format!("the file {}", file.display()))?;
    Ok((elf, artifact))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_elf(elf: Vec<u8>) -> ProgramData {
        ProgramData {
            authority: None,
            slot: 0,
            elf,
        }
    }

    #[test]
    fn the_elfs_of_this_version_are_known_also_with_zeros_after_them() {
        for name in ARTIFACTS {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../programs/bauta/artifacts/");
            let mut elf = fs::read(format!("{folder}{name}")).unwrap();
            assert_eq!(with_elf(elf.clone()).artifact(), Some(name));
            assert_eq!(artifact_of(&elf, "it").unwrap(), name);
            elf.resize(elf.len() + 5_000, 0);
            assert_eq!(with_elf(elf.clone()).artifact(), Some(name));
            // A buffer must have exactly the recorded bytes.
            assert!(artifact_of(&elf, "it").is_err());
            elf[1_000] ^= 1;
            assert_eq!(with_elf(elf).artifact(), None);
        }
        assert_eq!(with_elf(Vec::new()).artifact(), None);
    }
}
