//! Ceremony keys.

use std::io::{Read, Seek};

use bauta_iden3::{DEVELOPMENT, PowersOfTau, ZKey};
use sha2::{Digest, Sha256};

use super::{Key, Provenance};
use crate::{
    CircuitsError,
    statement::{Statement, r1cs},
};

impl<S: Statement> Key<S> {
    /// Takes the last `.zkey` of a ceremony, after checking all that the files can show: that it belongs to this very
    /// constraint system, that every point follows from it and from the powers of tau, that the chain of contributions is unbroken, and
    /// that gamma isn't ±delta. What files can't show is that one contributor forgot their secret, and that the powers are
    /// those of a public ceremony: compare the hashes that were published.
    pub fn import<R: Read + Seek>(
        statement: S,
        zkey: ZKey,
        powers: &mut PowersOfTau<R>,
    ) -> Result<Self, CircuitsError> {
        let r1cs = r1cs(&statement);
        zkey.check_circuit(&r1cs)?;
        zkey.check_sound()?;
        zkey.verify_transcript()?;
        if zkey
            .contributions
            .iter()
            .any(|contribution| contribution.name.as_deref() == Some(DEVELOPMENT))
        {
            return Err(CircuitsError::DevelopmentContribution);
        }
        zkey.check_powers(&r1cs, powers)?;
        let provenance = Provenance::Ceremony {
            transcript_hash: transcript_hash(&zkey),
        };
        Self::assemble(statement, &r1cs, provenance, zkey)
    }
}

/// SHA-256 of the 64-byte circuit hash and then of each contribution's 64-byte hash, which is the one that snarkjs
/// shows and contributors publish.
pub(super) fn transcript_hash(zkey: &ZKey) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(zkey.cs_hash);
    for contribution in &zkey.contributions {
        hasher.update(contribution.hash());
    }
    hasher.finalize().into()
}
