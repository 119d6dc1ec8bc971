use anchor_lang::prelude::*;

/// A statement's circuit and its verifying key.
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
    /// The statement's version, from 1.
    pub version: u16,
    /// Levels of the tree that the circuit walks: 10 or 16.
    pub depth: u8,
    /// What `attributes` mean in the leaves.
    pub leaf_format: u8,
    /// Whether the key came from a ceremony.
    pub provenance: u8,
    /// [`Circuit::ACTIVE`] or [`Circuit::RETIRED`].
    pub status: u8,
    /// The address's bump.
    pub bump: u8,
    /// Zero.
    pub padding: u8,
    /// SHA-256 of `verifying_key`.
    pub vk_hash: [u8; 32],
    /// SHA-256 of the constraint system, for whoever builds it anew.
    pub constraint_system_hash: [u8; 32],
    /// SHA-256 of the ceremony's transcript; zero for a development key.
    pub transcript_hash: [u8; 32],
    /// alpha (G1), beta, gamma, delta (G2), IC0, IC1 (G1) as in the protocol's section 5.
    pub verifying_key: [u8; 576],
}

impl Circuit {
    /// The first seed of its address; the second is `vk_hash`.
    pub const SEED: &'static [u8] = b"circuit";
    /// Takes scopes and verifications.
    pub const ACTIVE: u8 = 0;
    /// Takes neither any more.
    pub const RETIRED: u8 = 1;
}

/// Where a verifying key comes from.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Provenance {
    /// Made by one person or machine, who can forge proofs.
    Development,
    /// Made by a ceremony, whose transcript is public.
    Ceremony,
}
