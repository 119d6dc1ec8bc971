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
/// | 37 | 1 | `status` (0 active, 1 retired) |
/// | 38 | 1 | `bump` |
/// | 39 | 1 | padding |
/// | 40 | 32 | `vk_hash` |
/// | 72 | 32 | `constraint_system_hash` |
/// | 104 | 32 | `transcript_hash` |
/// | 136 | 576 | `verifying_key` |
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
    /// [`Circuit::ACTIVE`] or [`Circuit::RETIRED`].
    pub status: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding: u8,
    /// The SHA-256 hash of `verifying_key`.
    pub vk_hash: [u8; 32],
    /// The SHA-256 hash of the constraint system. Anyone who rebuilds the circuit can compare it.
    pub constraint_system_hash: [u8; 32],
    /// The SHA-256 hash of the ceremony's transcript. Zero for a development key.
    pub transcript_hash: [u8; 32],
    /// The verifying key: alpha (G1), beta, gamma, delta (G2), IC0, IC1 (G1), in the form of
    /// section 5 of the protocol.
    pub verifying_key: [u8; 576],
}

impl Circuit {
    /// The first seed of the address. The second seed is `vk_hash`.
    pub const SEED: &'static [u8] = b"circuit";
    /// The status of a circuit that accepts scopes and verifications.
    pub const ACTIVE: u8 = 0;
    /// The status of a circuit that accepts neither scopes nor verifications.
    pub const RETIRED: u8 = 1;
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
