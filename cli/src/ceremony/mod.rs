//! A ceremony: the folder that the coordinator publishes, and the checks of its files.
//!
//! ```text
//!   FOLDER/transcript        signed records: rules, contributions, skipped turns, beacon, key
//!   FOLDER/circuit.r1cs      the constraint system
//!   FOLDER/0000.zkey ...     the key after each contribution
//!   FOLDER/pending/ADDRESS.* what a participant delivers: the key and a signed statement
//!   FOLDER/refused/0002.zkey what the participant of a turn signed, and what is wrong
//!   FOLDER/final.zkey        the key after the beacon
//! ```

pub mod checked;
pub mod delivery;
pub mod record;
pub mod state;

use std::{
    fs::{self, File},
    io::{BufReader, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use bauta_circuits::{
    Key, Statement,
    statement::r1cs,
    statements::{Visitor, visit},
};
use bauta_iden3::{ContributionKind, PowersOfTau, R1cs, ZKey};
use bauta_primitives::tree::Depth;
use sha2::{Digest, Sha256};
use solana_keypair::Keypair;

use self::{
    record::{Event, Record, digest},
    state::State,
};

/// The largest transcript that is read, in bytes.
const MAX_TRANSCRIPT: u64 = 16 << 20;
/// The bytes by which the key of a ceremony can be larger than the key before it. A contribution
/// has less than 1,000 bytes.
const MAX_GROWTH: u64 = 4_096;
/// The name of the key after the beacon.
pub const FINAL: &str = "final.zkey";
/// The largest first key in bytes.
pub const MAX_ZKEY: u64 = 4 << 30;

/// The folder of a ceremony.
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    /// Returns the path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the path of what a participant delivers.
    pub fn pending(&self, address: &str, extension: &str) -> PathBuf {
        self.path.join("pending").join(format!("{address}.{extension}"))
    }

    /// Reads the transcript and follows its records.
    pub fn state(&self) -> Result<State> {
        let bytes = read_limited(&self.file("transcript"), MAX_TRANSCRIPT)?;
        State::replay(std::str::from_utf8(&bytes).context("the transcript is not text")?)
    }

    /// Adds a record that the coordinator signs. The whole line is on the disk when this returns.
    pub fn add(&self, state: &State, coordinator: &Keypair, time: i64, event: Event) -> Result<()> {
        let record = Record {
            number: state.records,
            previous: state.last_line.clone(),
            time,
            event,
        };
        let line = record.line(coordinator)?;
        // A record that breaks the rules would end the ceremony, because no line can be taken out.
        state.clone().apply(record)?;
        self.write_line(&line, false)
    }

    /// Writes the first line of the transcript, or adds a line.
    pub fn write_line(&self, line: &str, is_first: bool) -> Result<()> {
        let path = self.file("transcript");
        let mut file = File::options()
            .append(true)
            .create_new(is_first)
            .open(&path)
            .with_context(|| format!("can't write {}", path.display()))?;
        file.write_all(format!("{line}\n").as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// Reads a file whose SHA-256 the transcript has.
    pub fn recorded(&self, name: &str, sha256: &str) -> Result<Vec<u8>> {
        let path = self.file(name);
        let bytes = read_limited(&path, MAX_ZKEY)?;
        ensure!(
            digest(&bytes) == sha256,
            "the SHA-256 of {} is not that of the transcript",
            path.display()
        );
        Ok(bytes)
    }

    /// Reads a key whose SHA-256 the transcript has.
    pub fn zkey(&self, name: &str, sha256: &str) -> Result<ZKey> {
        let bytes = self.recorded(name, sha256)?;
        ZKey::from_bytes(&bytes).with_context(|| format!("can't read {}", self.file(name).display()))
    }

    /// Returns the largest size of the next key in bytes.
    pub fn next_limit(&self, state: &State) -> Result<u64> {
        let path = self.file(&state.newest_name());
        let newest = fs::metadata(&path).with_context(|| format!("can't read {}", path.display()))?;
        Ok(newest.len() + MAX_GROWTH)
    }
}

/// Reads a file of at most `limit` bytes.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let context = || format!("can't read {}", path.display());
    let bytes = fs::metadata(path).with_context(context)?.len();
    ensure!(
        bytes <= limit,
        "{} has {bytes} bytes: the limit is {limit}",
        path.display()
    );
    let mut data = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut data))
        .with_context(context)?;
    Ok(data)
}

/// Returns the hash of the last contribution.
pub fn last_hash(zkey: &ZKey) -> Result<String> {
    let last = zkey
        .contributions
        .last()
        .context("the file has no contribution")?;
    Ok(hex::encode(last.hash()))
}

/// Returns the SHA-256 of a file of any size.
pub fn digest_of_file(path: &Path) -> Result<String> {
    let context = || format!("can't read {}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).with_context(context)?;
    Ok(hex::encode(hasher.finalize()))
}

/// Refuses a key that does not follow the newest one by exactly one contribution. Compares all that
/// both keys must have in common except the points that a contribution changes.
pub fn check_follows(previous: &ZKey, next: &ZKey) -> Result<()> {
    let count = previous.contributions.len();
    ensure!(
        next.contributions.len() == count + 1,
        "the file has {} contributions, but the newest file has {count}: contribute to the newest file",
        next.contributions.len()
    );
    ensure!(
        next.cs_hash == previous.cs_hash && next.contributions[..count] == previous.contributions[..],
        "the file does not follow the newest file: contribute to the newest file"
    );
    next.verify_transcript()?;
    Ok(())
}

/// Refuses a key that does not follow the newest one by one contribution with a secret of its
/// participant. A beacon has no secret.
pub fn check_contribution(previous: &ZKey, next: &ZKey) -> Result<()> {
    check_follows(previous, next)?;
    let kind = next.contributions.last().map(|contribution| &contribution.kind);
    ensure!(
        kind == Some(&ContributionKind::Entropy),
        "the contribution is a beacon, which has no secret"
    );
    Ok(())
}

/// Compares every point of a key with the constraint system and the powers of tau.
pub fn check_points(zkey: &ZKey, r1cs: &R1cs, ptau: &Path) -> Result<()> {
    zkey.check_circuit(r1cs)?;
    zkey.check_powers(r1cs, &mut powers(ptau)?)?;
    Ok(())
}

fn powers(ptau: &Path) -> Result<PowersOfTau<BufReader<File>>> {
    let context = || format!("can't read the powers of tau {}", ptau.display());
    let file = File::open(ptau).with_context(context)?;
    PowersOfTau::open(BufReader::new(file)).with_context(context)
}

/// Returns the constraint system of a statement at a depth.
pub fn constraints(statement: &str, depth: u8) -> Result<R1cs> {
    struct Constraints;
    impl Visitor for Constraints {
        type Output = R1cs;

        fn visit<S: Statement + Clone>(&mut self, statement: S) -> R1cs {
            r1cs(&statement)
        }
    }
    let found = visit(statement, Depth::try_from(depth)?, &mut Constraints);
    found.with_context(|| format!("there is no statement {statement:?}"))
}

/// The key of a ceremony.
pub struct Made {
    pub bytes: Vec<u8>,
    pub verifying_key_hash: [u8; 32],
}

/// Makes the key file from the last key of the ceremony. Checks everything that the files can prove.
pub fn import(statement: &str, depth: u8, zkey: ZKey, ptau: &Path) -> Result<Made> {
    struct Import<'a>(Option<ZKey>, &'a Path);
    impl Visitor for Import<'_> {
        type Output = Result<Made>;

        fn visit<S: Statement + Clone>(&mut self, statement: S) -> Result<Made> {
            let zkey = self.0.take().context("a key is imported once")?;
            let key = Key::import(statement, zkey, &mut powers(self.1)?)?;
            Ok(Made {
                bytes: key.to_bytes()?,
                verifying_key_hash: key.verifying_key().hash(),
            })
        }
    }
    let made = visit(statement, Depth::try_from(depth)?, &mut Import(Some(zkey), ptau));
    made.with_context(|| format!("there is no statement {statement:?}"))?
}
