use crate::errors::{BautaError, require};
use anchor_lang::prelude::*;

/// A circuit: its statement and its verifying key.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `statement` |
/// | 32 | 2 | `version` |
/// | 34 | 1 | `depth` |
/// | 35 | 1 | `leaf_format` |
/// | 36 | 1 | `provenance` ([`Provenance`]) |
/// | 37 | 1 | `status` (0 active, 2 suspended; 1 is not used) |
/// | 38 | 1 | `bump` |
/// | 39 | 1 | `auxiliary_format` (0 none) |
/// | 40 | 32 | `vk_hash` |
/// | 72 | 32 | `constraint_system_hash` |
/// | 104 | 32 | `transcript_hash` |
/// | 136 | 576 | `verifying_key` |
/// | 712 | 8 | `retires_at` |
#[account(zero_copy)]
pub struct Circuit {
    /// The statement's name in ASCII, zero-padded.
    pub statement: [u8; 32],
    /// The statement's version. Versions start at 1.
    pub version: u16,
    /// The depth of the trees that the circuit proves membership in: 10 or 16.
    pub depth: u8,
    /// The leaf format: it defines the contents of `attributes`.
    pub leaf_format: u8,
    /// The origin of the key: see [`Provenance`].
    pub provenance: u8,
    /// [`Circuit::ACTIVE`] or [`Circuit::SUSPENDED`]. A retirement does not change it: see
    /// `retires_at`.
    pub status: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// The leaf format of the auxiliary registry whose root the statement includes in its claim. 0
    /// if the statement includes none.
    pub auxiliary_format: u8,
    /// The SHA-256 hash of `verifying_key`.
    pub vk_hash: [u8; 32],
    /// The SHA-256 hash of the constraint system. Anyone who rebuilds the circuit can compare it.
    pub constraint_system_hash: [u8; 32],
    /// The SHA-256 hash of the ceremony's transcript. Zero for a development key.
    pub transcript_hash: [u8; 32],
    /// The verifying key: alpha (G1), beta, gamma, delta (G2), IC0, IC1 (G1), in the form of
    /// section 5 of the protocol.
    pub verifying_key: [u8; 576],
    /// The time from which the circuit is retired for ever, in Unix seconds. 0 if no retirement is
    /// scheduled.
    pub retires_at: i64,
}

impl Circuit {
    /// The first seed of the address. `vk_hash` and the hash of the metadata follow.
    pub const SEED: &'static [u8] = b"circuit";
    /// The status of a circuit that accepts scopes and verifications until it retires.
    pub const ACTIVE: u8 = 0;
    /// The status of a circuit that accepts neither scopes nor verifications until the admin
    /// resumes it.
    pub const SUSPENDED: u8 = 2;
    /// The number of seconds between `retire_circuit` and the retirement: 7 days. The admin can
    /// cancel the retirement in this time.
    pub const RETIREMENT_DELAY: i64 = 7 * 24 * 60 * 60;
    /// The depth of every auxiliary registry.
    pub const AUXILIARY_DEPTH: u8 = 10;

    /// Returns an error if the circuit accepts no scopes and no verifications at time `now`.
    pub fn check_active(&self, now: i64) -> Result<()> {
        self.check_not_retired(now)?;
        require!(self.status == Self::ACTIVE, BautaError::CircuitSuspended);
        Ok(())
    }

    /// Returns an error if the circuit is retired at time `now`.
    pub fn check_not_retired(&self, now: i64) -> Result<()> {
        require!(
            self.retires_at == 0 || now < self.retires_at,
            BautaError::CircuitRetired
        );
        Ok(())
    }
}

/// The origin of a verifying key.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Provenance {
    /// A key made from a published seed. Anyone can forge proofs with it.
    Development,
    /// A key made in a ceremony with a public transcript.
    Ceremony,
}
