//! Imports keys from ceremonies.

use std::io::{Read, Seek};

use bauta_iden3::{DEVELOPMENT, PowersOfTau, R1cs, ZKey};
use sha2::{Digest, Sha256};

use super::{Key, Provenance, development::is_from_published_seed};
use crate::{
    CircuitsError,
    statement::{Statement, r1cs},
};

impl<S: Statement> Key<S> {
    /// Imports the last `.zkey` of a ceremony. Checks everything that the files can prove: the key
    /// belongs to this constraint system, every point follows from the constraint system and the
    /// powers of tau, the chain of contributions is unbroken, and gamma is not ±delta.
    ///
    /// The files cannot prove that one contributor erased their secret, or that the powers of tau
    /// are those of a public ceremony. Compare the published hashes.
    pub fn import<R: Read + Seek>(
        statement: S,
        zkey: ZKey,
        powers: &mut PowersOfTau<R>,
    ) -> Result<Self, CircuitsError> {
        let r1cs = r1cs(&statement);
        zkey.check_circuit(&r1cs)?;
        zkey.check_sound()?;
        let provenance = ceremony(&zkey, &r1cs)?;
        zkey.check_powers(&r1cs, powers)?;
        Self::assemble(statement, &r1cs, provenance, zkey)
    }
}

/// Checks the transcript of a ceremony's key and returns the provenance. Returns an error if the
/// key comes from a development setup.
pub(super) fn ceremony(zkey: &ZKey, r1cs: &R1cs) -> Result<Provenance, CircuitsError> {
    zkey.verify_transcript()?;
    let named_so = zkey
        .contributions
        .iter()
        .any(|contribution| contribution.name.as_deref() == Some(DEVELOPMENT));
    if named_so || is_from_published_seed(zkey, r1cs) {
        return Err(CircuitsError::DevelopmentSetup);
    }
    Ok(Provenance::Ceremony {
        transcript_hash: transcript_hash(zkey),
    })
}

/// Returns the SHA-256 of the 64-byte circuit hash followed by the 64-byte hash of each
/// contribution. snarkjs shows these hashes, and contributors publish them.
fn transcript_hash(zkey: &ZKey) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(zkey.cs_hash);
    for contribution in &zkey.contributions {
        hasher.update(contribution.hash());
    }
    hasher.finalize().into()
}
