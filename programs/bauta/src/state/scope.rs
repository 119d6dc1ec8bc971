use crate::errors::{BautaError, require};
use anchor_lang::prelude::*;

/// A scope: a domain of nullifiers and the rules for the proofs that it accepts. Only `status` ever
/// changes.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `creator` |
/// | 32 | 32 | `registry` |
/// | 64 | 32 | `circuit` |
/// | 96 | 32 | `auxiliary_registry` |
/// | 128 | 32 | `gate` |
/// | 160 | 32 | `scope` |
/// | 192 | 32 | `root` |
/// | 224 | 32 | `required_claim` |
/// | 256 | 1 | `has_required_claim` |
/// | 257 | 7 | padding |
/// | 264 | 8 | `opens_at` |
/// | 272 | 8 | `closes_at` |
/// | 280 | 1 | `mode` ([`ScopeMode`]) |
/// | 281 | 1 | `status` (0 open, 1 closed) |
/// | 282 | 1 | `depth` |
/// | 283 | 1 | `leaf_format` |
/// | 284 | 1 | `bump` |
/// | 285 | 3 | padding |
/// | 288 | 8 | `nonce` |
#[account(zero_copy)]
pub struct Scope {
    /// The creator, who may close the scope early.
    pub creator: Pubkey,
    /// The registry whose members may prove.
    pub registry: Pubkey,
    /// The circuit account.
    pub circuit: Pubkey,
    /// The auxiliary registry, whose root is included in the claim. Zero if there is none.
    pub auxiliary_registry: Pubkey,
    /// The gate, which must sign each verification: an address of a consumer program. Zero if there
    /// is none.
    pub gate: Pubkey,
    /// The `scope` of the protocol: the field element that nullifiers are derived from.
    pub scope: [u8; 32],
    /// The accepted root of a scope of mode `Snapshot`: a root that the registry accepted when the
    /// scope was created. Zero in a scope of mode `Live`.
    pub root: [u8; 32],
    /// The only accepted claim. It applies only if `has_required_claim` is 1.
    pub required_claim: [u8; 32],
    /// 1 if `required_claim` applies, else 0.
    pub has_required_claim: u8,
    /// Unused. Always zero.
    pub padding_0: [u8; 7],
    /// The time from which the scope accepts verifications, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    pub closes_at: i64,
    /// The mode, which defines the accepted roots: see [`ScopeMode`].
    pub mode: u8,
    /// [`Scope::OPEN`] or [`Scope::CLOSED`].
    pub status: u8,
    /// The depth of the circuit and of the registry.
    pub depth: u8,
    /// The leaf format of the circuit and of the registry.
    pub leaf_format: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding_1: [u8; 3],
    /// The number that the creator chose for the scope.
    pub nonce: u64,
}

impl Scope {
    /// The first seed of the address. Registry, creator and nonce (little-endian) follow.
    pub const SEED: &'static [u8] = b"scope";
    /// The status of a scope that is open from `opens_at` until `closes_at`.
    pub const OPEN: u8 = 0;
    /// The status of a scope that was closed early.
    pub const CLOSED: u8 = 1;

    /// Returns an error unless the scope accepts verifications at time `now`.
    pub fn check_open(&self, now: i64) -> Result<()> {
        require!(self.status == Self::OPEN, BautaError::ScopeClosed);
        require!(now >= self.opens_at, BautaError::ScopeNotOpenYet);
        require!(now < self.closes_at, BautaError::ScopeEnded);
        Ok(())
    }

    /// Returns `true` if the scope can't accept verifications at `now` or later.
    #[must_use]
    pub fn is_over(&self, now: i64) -> bool {
        self.status != Self::OPEN || now >= self.closes_at
    }
}

/// The mode of a scope. It defines the accepted roots, and with them how often a token can be used.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ScopeMode {
    /// The scope accepts one root, which the registry accepted at the scope's creation. Each token
    /// is accepted once, also after it changes hands.
    Snapshot,
    /// The scope accepts the registry's current and kept roots. Each registration is accepted once:
    /// a token can be used again after it changes hands, or after its holder registers a new
    /// commitment.
    Live,
}
