//! The transcript of a ceremony: one signed record on each line.
//!
//! ```text
//!   SIGNATURE {"number":0,"previous":"","time":…,"event":{"init":…}}
//!   SIGNATURE {"number":1,"previous":"SHA-256 of line 0",…}
//! ```
//!
//! The coordinator signs each record, and each record has the hash of the line before it. So nobody
//! can change, leave out or reorder records without a new signature of the coordinator. A
//! contribution also has the signature of its participant.

use anyhow::{Context as _, Result, ensure};
use bauta_primitives::sha256;
use serde::{Deserialize, Serialize};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;

/// What a signature of a record begins with, so that it is valid for nothing else.
const RECORD_DOMAIN: &[u8] = b"bauta ceremony record\0";
/// What a signature of a participant begins with.
const CONTRIBUTION_DOMAIN: &[u8] = b"bauta ceremony contribution\0";

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The position in the transcript.
    pub number: u64,
    /// The SHA-256 of the line before, in hexadecimal digits. Empty in the first record.
    pub previous: String,
    /// The time in Unix seconds.
    pub time: i64,
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Init(Init),
    /// A participant contributed.
    Contributed {
        participant: usize,
        zkey_sha256: String,
        contribution_hash: String,
        /// The signature of the participant over the contribution.
        signature: String,
    },
    /// The turn of a participant ended without a contribution.
    Skipped {
        participant: usize,
        reason: Reason,
    },
    /// The coordinator chose the source of the beacon.
    BeaconAnnounced {
        source: String,
    },
    /// The beacon was applied.
    Beacon {
        value: String,
        zkey_sha256: String,
    },
    /// The key was made.
    Finished {
        key_sha256: String,
        verifying_key_hash: String,
    },
}

/// The rules of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    pub statement: String,
    pub depth: u8,
    pub coordinator: String,
    pub turn_seconds: u64,
    pub r1cs_sha256: String,
    pub ptau_sha256: String,
    pub zkey_sha256: String,
    /// The participants in the order of their turns.
    pub participants: Vec<Participant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    pub name: String,
    /// The address whose key signs the contribution.
    pub address: String,
}

/// Why a turn ended without a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing arrived before the deadline.
    Deadline,
    /// The file that the participant signed is wrong. The folder has the file, so anyone can check
    /// the refusal.
    Refused {
        /// What is wrong with the file.
        problem: String,
        zkey_sha256: String,
        contribution_hash: String,
        /// The signature of the participant over the contribution.
        signature: String,
    },
}

/// What a participant signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub ceremony: String,
    pub previous_zkey_sha256: String,
    pub zkey_sha256: String,
    pub contribution_hash: String,
    pub signature: String,
}

impl Statement {
    /// Signs a contribution.
    pub fn sign(
        key: &Keypair,
        ceremony: &str,
        previous_zkey_sha256: &str,
        zkey_sha256: &str,
        contribution_hash: &str,
    ) -> Self {
        let mut statement = Self {
            ceremony: ceremony.to_owned(),
            previous_zkey_sha256: previous_zkey_sha256.to_owned(),
            zkey_sha256: zkey_sha256.to_owned(),
            contribution_hash: contribution_hash.to_owned(),
            signature: String::new(),
        };
        statement.signature = key.sign_message(&statement.message()).to_string();
        statement
    }

    /// Returns whether the participant with this address signed it.
    pub fn is_signed_by(&self, address: &str) -> bool {
        is_signed(address, &self.message(), &self.signature)
    }

    fn message(&self) -> Vec<u8> {
        let fields = [
            &self.ceremony,
            &self.previous_zkey_sha256,
            &self.zkey_sha256,
            &self.contribution_hash,
        ];
        let mut message = CONTRIBUTION_DOMAIN.to_vec();
        for field in fields {
            message.extend(field.as_bytes());
            message.push(b'\n');
        }
        message
    }
}

fn is_signed(address: &str, message: &[u8], signature: &str) -> bool {
    let address: Result<Address, _> = address.parse();
    let signature: Result<Signature, _> = signature.parse();
    match (address, signature) {
        (Ok(address), Ok(signature)) => signature.verify(address.as_ref(), message),
        _ => false,
    }
}

/// Returns the SHA-256 in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(sha256(bytes))
}

impl Record {
    /// Returns the line of the record, with the signature of the coordinator.
    pub fn line(&self, coordinator: &Keypair) -> Result<String> {
        let json = serde_json::to_string(self)?;
        let signature = coordinator.sign_message(&signed(&json));
        Ok(format!("{signature} {json}"))
    }
}

fn signed(json: &str) -> Vec<u8> {
    [RECORD_DOMAIN, json.as_bytes()].concat()
}

/// Reads the lines of a transcript. Checks the signatures of the coordinator, whom the first record
/// names, and the chain of hashes.
pub fn read(text: &str) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    let (mut previous, mut coordinator) = (String::new(), String::new());
    for (number, line) in text.lines().enumerate() {
        let context = || format!("record {number} of the transcript is wrong");
        let (signature, json) = line.split_once(' ').with_context(context)?;
        let record: Record = serde_json::from_str(json).with_context(context)?;
        match (&record.event, number) {
            (Event::Init(init), 0) => coordinator.clone_from(&init.coordinator),
            (Event::Init(_), _) | (_, 0) => {
                anyhow::bail!(
                    "record {number} of the transcript is wrong: only the first one begins a ceremony"
                )
            }
            _ => {}
        }
        ensure!(
            is_signed(&coordinator, &signed(json), signature),
            "record {number} of the transcript is not signed by the coordinator {coordinator}"
        );
        ensure!(
            record.number == number as u64 && record.previous == previous,
            "record {number} of the transcript does not follow record {}",
            number.saturating_sub(1)
        );
        previous = digest(line.as_bytes());
        records.push(record);
    }
    ensure!(!records.is_empty(), "the transcript is empty");
    Ok(records)
}
