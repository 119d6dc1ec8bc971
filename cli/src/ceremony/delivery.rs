//! What the participant of a turn delivers.
//!
//! Anyone can have put files into the folder `pending`. Only the signature of the participant makes
//! them a contribution to the newest key. A file without it, or a file that differs from the signed one,
//! has not arrived: the turn lasts until its deadline.

use std::{io::ErrorKind, path::Path};

use anyhow::{Context as _, Result};
use bauta_iden3::{R1cs, ZKey};

use super::{
    Folder, check_contribution,
    checked::Checked,
    last_hash, powers, read_limited,
    record::{Statement, digest},
};

/// The largest statement of a participant that is read, in bytes.
const MAX_STATEMENT: u64 = 4_096;
/// The longest text about a wrong file, in characters.
const MAX_PROBLEM: usize = 300;

/// What the participant of a turn delivered.
pub enum Delivery {
    /// Nothing, or a file that counts for nothing, with the reason.
    Missing(Option<String>),
    /// A file that the participant signed.
    Arrived {
        bytes: Vec<u8>,
        statement: Statement,
        /// What is wrong with the file. `None` if it is right.
        problem: Option<String>,
    },
}

/// Reads what a participant delivered, and checks everything that the files can prove. An error is
/// one of this machine, and not of the participant.
pub fn delivered(folder: &Folder, checked: &Checked, address: &str, ptau: &Path) -> Result<Delivery> {
    let state = &checked.state;
    let missing = |reason: &str| {
        Ok(Delivery::Missing(Some(format!(
            "what is in the folder pending for {address} does not count: {reason}"
        ))))
    };
    let json = folder.pending(address, "json");
    let json = match read_pending(&json, MAX_STATEMENT)? {
        Pending::Absent => return Ok(Delivery::Missing(None)),
        Pending::TooLarge => return missing("the statement is too large"),
        Pending::Bytes(bytes) => bytes,
    };
    let Ok(statement) = serde_json::from_slice::<Statement>(&json) else {
        return missing("the statement can't be read");
    };
    if statement.ceremony != state.id || !statement.is_signed_by(address) {
        return missing("the participant did not sign the statement for this ceremony");
    }
    if statement.previous_zkey_sha256 != state.newest() {
        return missing("the contribution is to an old file, and not to the newest one");
    }
    let bytes = match read_pending(&folder.pending(address, "zkey"), folder.next_limit(state)?)? {
        Pending::Absent => return missing("the key has not arrived"),
        Pending::TooLarge => return missing("the key is larger than a contribution makes it"),
        Pending::Bytes(bytes) => bytes,
    };
    if digest(&bytes) != statement.zkey_sha256 {
        return missing("the key is not the one that the participant signed");
    }
    let hash = &statement.contribution_hash;
    let problem = what_is_wrong((&checked.newest, &bytes), hash, &checked.system, ptau)?;
    Ok(Delivery::Arrived {
        bytes,
        statement,
        problem,
    })
}

/// Returns what is wrong with a contribution to a key whose hash its participant signed. `None` if
/// it is right. An error is one of the powers of tau, or of this machine.
pub fn what_is_wrong(
    (previous, bytes): (&ZKey, &[u8]),
    contribution_hash: &str,
    system: &R1cs,
    ptau: &Path,
) -> Result<Option<String>> {
    let wrong = |error: anyhow::Error| Ok(Some(format!("{error:#}").chars().take(MAX_PROBLEM).collect()));
    let zkey = match ZKey::from_bytes(bytes) {
        Ok(zkey) => zkey,
        Err(error) => return wrong(error.into()),
    };
    if let Err(error) = check_contribution(previous, &zkey) {
        return wrong(error);
    }
    if last_hash(&zkey)? != contribution_hash {
        return wrong(anyhow::anyhow!(
            "the contribution hash is not the one that the participant signed"
        ));
    }
    if let Err(error) = zkey.check_circuit(system) {
        return wrong(error.into());
    }
    let Err(error) = zkey.check_powers(system, &mut powers(ptau)?) else {
        return Ok(None);
    };
    // If the key before it fails too, then the powers of tau are wrong or can't be read.
    previous
        .check_powers(system, &mut powers(ptau)?)
        .context("can't compare a key with the powers of tau")?;
    wrong(error.into())
}

enum Pending {
    Absent,
    TooLarge,
    Bytes(Vec<u8>),
}

fn read_pending(path: &Path, limit: u64) -> Result<Pending> {
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Pending::Absent),
        Ok(metadata) if metadata.len() > limit => Ok(Pending::TooLarge),
        _ => Ok(Pending::Bytes(read_limited(path, limit)?)),
    }
}
