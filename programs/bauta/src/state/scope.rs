use crate::errors::BautaError;
use anchor_lang::prelude::*;

/// A domain of nullifiers: which proofs are accepted, and once for whom. Everything but `status` is immutable.
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
    /// Who made it and may close it early.
    pub creator: Pubkey,
    /// Whose members may prove.
    pub registry: Pubkey,
    /// The circuit account.
    pub circuit: Pubkey,
    /// The registry whose root is bound into the claim; zero: none.
    pub auxiliary_registry: Pubkey,
    /// Who has to sign each verification (a consumer program's address); zero: nobody.
    pub gate: Pubkey,
    /// The protocol's `scope`: the field element that nullifiers are derived from.
    pub scope: [u8; 32],
    /// The accepted root of a Snapshot scope; zero in a Live one.
    pub root: [u8; 32],
    /// The only claim that is accepted, if there is one.
    pub required_claim: [u8; 32],
    /// 1 when `required_claim` holds.
    pub has_required_claim: u8,
    /// Zero.
    pub padding_0: [u8; 7],
    /// Unix time in seconds from which it is open.
    pub opens_at: i64,
    /// Unix time in seconds at which it has ended.
    pub closes_at: i64,
    /// Which roots are accepted.
    pub mode: u8,
    /// [`Scope::OPEN`] or [`Scope::CLOSED`].
    pub status: u8,
    /// The circuit's and registry's depth.
    pub depth: u8,
    /// The circuit's and registry's leaf format.
    pub leaf_format: u8,
    /// The address's bump.
    pub bump: u8,
    /// Zero.
    pub padding_1: [u8; 3],
    /// The creator's number for it.
    pub nonce: u64,
}

impl Scope {
    /// The first seed of its address; then registry, creator and nonce (big-endian).
    pub const SEED: &'static [u8] = b"scope";
    /// Open while the time is.
    pub const OPEN: u8 = 0;
    /// Closed for ever.
    pub const CLOSED: u8 = 1;

    /// Refuses unless verifications are accepted at `now`.
    pub fn check_open(&self, now: i64) -> Result<()> {
        require!(self.status == Self::OPEN, BautaError::ScopeClosed);
        require!(now >= self.opens_at, BautaError::ScopeNotOpenYet);
        require!(now < self.closes_at, BautaError::ScopeEnded);
        Ok(())
    }

    /// Whether no verification can be accepted any more.
    #[must_use]
    pub fn is_over(&self, now: i64) -> bool {
        self.status != Self::OPEN || now >= self.closes_at
    }
}

/// Which roots a scope accepts, and so what it counts.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ScopeMode {
    /// The registry's root at the scope's creation: once per token, whoever holds it later.
    Snapshot,
    /// The registry's current and kept roots: once per registration; a token that changes hands, or whose holder
    /// registers a new commitment, can be used again.
    Live,
}
