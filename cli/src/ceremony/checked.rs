//! Checks the transcript and the files of a ceremony.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use bauta_iden3::{ContributionKind, R1cs, ZKey};

use super::{
    FINAL, Folder, check_contribution, check_follows, check_points, constraints,
    delivery::what_is_wrong,
    digest_of_file, import, last_hash,
    record::{Reason, digest},
    state::{FinishedKey, State, refused_name, zkey_name},
};

/// A transcript and its newest key.
pub struct Checked {
    pub state: State,
    pub system: R1cs,
    pub newest: ZKey,
}

impl Checked {
    /// Checks the transcript, and that the newest key is the one that the coordinator accepted. Its
    /// SHA-256 is in the signed transcript, so its points are not compared again.
    pub fn newest(folder: &Folder, state: State, ptau: &Path) -> Result<Self> {
        let system = system(&state, ptau)?;
        let newest = folder.zkey(&state.newest_name(), state.newest())?;
        Ok(Self {
            state,
            system,
            newest,
        })
    }

    /// Checks the transcript and every file. The points of the newest key are compared with the
    /// powers of tau. Those of earlier keys are not, because nothing is made from them any more.
    pub fn all(folder: &Folder, state: State, ptau: &Path) -> Result<Self> {
        let system = system(&state, ptau)?;
        let mut newest = folder.zkey(&zkey_name(0), &state.zkeys[0])?;
        ensure!(newest.contributions.is_empty(), "the first key has contributions");
        check_refusals(folder, &state, (0, &newest), (&system, ptau))?;
        for (number, (sha256, (_, hash))) in (1..).zip(state.zkeys[1..].iter().zip(&state.contributed)) {
            let name = zkey_name(number);
            let next = folder.zkey(&name, sha256)?;
            check_contribution(&newest, &next).with_context(|| format!("the key {name} is wrong"))?;
            ensure!(
                last_hash(&next)? == *hash,
                "the contribution hash of {name} is not that of the transcript"
            );
            newest = next;
            check_refusals(folder, &state, (number, &newest), (&system, ptau))?;
        }
        check_points(&newest, &system, ptau)?;
        if let Some((value, sha256)) = &state.beacon {
            let last = folder.zkey(FINAL, sha256)?;
            check_beacon(&newest, &last, value)?;
            check_points(&last, &system, ptau)?;
            if let Some(finished) = &state.finished {
                check_finished(&state, finished, last, ptau)?;
            }
        }
        Ok(Self {
            state,
            system,
            newest,
        })
    }
}

/// Returns the constraint system, if it and the powers of tau are those of the transcript.
fn system(state: &State, ptau: &Path) -> Result<R1cs> {
    let system = constraints(&state.init.statement, state.init.depth)?;
    ensure!(
        digest(&system.to_bytes()?) == state.init.r1cs_sha256,
        "the ceremony is for another constraint system: use the release that began it"
    );
    ensure!(
        digest_of_file(ptau)? == state.init.ptau_sha256,
        "the SHA-256 of {} is not that of the transcript",
        ptau.display()
    );
    Ok(system)
}

/// Refuses a transcript that refuses a right contribution to the key after a number of
/// contributions.
fn check_refusals(
    folder: &Folder,
    state: &State,
    (number, newest): (usize, &ZKey),
    (system, ptau): (&R1cs, &Path),
) -> Result<()> {
    for skipped in state.skipped.iter().filter(|skipped| skipped.after == number) {
        let Reason::Refused {
            zkey_sha256,
            contribution_hash,
            ..
        } = &skipped.reason
        else {
            continue;
        };
        let name = refused_name(skipped.participant);
        let bytes = folder.recorded(&name, zkey_sha256)?;
        ensure!(
            what_is_wrong((newest, &bytes), contribution_hash, system, ptau)?.is_some(),
            "the transcript refuses {name}, but the file is right"
        );
    }
    Ok(())
}

/// Refuses a key that does not follow the newest one by a beacon of this value.
pub fn check_beacon(newest: &ZKey, last: &ZKey, value: &str) -> Result<()> {
    check_follows(newest, last)?;
    let value = hex::decode(value).context("the value of the beacon is not in hexadecimal digits")?;
    let kind = last.contributions.last().map(|contribution| &contribution.kind);
    ensure!(
        matches!(kind, Some(ContributionKind::Beacon { hash, .. }) if *hash == value),
        "the last contribution of the key is not the beacon of this value"
    );
    Ok(())
}

/// Makes the key again, and compares it with the one that the coordinator signed.
fn check_finished(state: &State, finished: &FinishedKey, last: ZKey, ptau: &Path) -> Result<()> {
    let made = import(&state.init.statement, state.init.depth, last, ptau)?;
    let made = FinishedKey {
        sha256: digest(&made.bytes),
        verifying_key_hash: hex::encode(made.verifying_key_hash),
    };
    ensure!(
        made == *finished,
        "the transcript names the key {} with the verifying key hash {}, but {FINAL} gives the key {} with {}",
        finished.sha256,
        finished.verifying_key_hash,
        made.sha256,
        made.verifying_key_hash
    );
    Ok(())
}
