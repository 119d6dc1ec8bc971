use crate::{errors::BautaError, state::Node};
use anchor_lang::prelude::*;
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf};

/// A token's leaf in a registry of holders. Never closed, so a token never gets a second leaf.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `registry` |
/// | 32 | 32 | `mint` |
/// | 64 | 32 | `owner` |
/// | 96 | 32 | `commitment` |
/// | 128 | 8 | `index` |
/// | 136 | 8 | `track` |
/// | 144 | 8 | `last_change` |
/// | 152 | 1 | `live` |
/// | 153 | 1 | `bump` |
/// | 154 | 6 | padding |
#[account(zero_copy)]
pub struct Holding {
    /// The registry.
    pub registry: Pubkey,
    /// The token.
    pub mint: Pubkey,
    /// Who registered it last.
    pub owner: Pubkey,
    /// `Poseidon1(secret)` in the leaf.
    pub commitment: [u8; 32],
    /// The leaf's index.
    pub index: u64,
    /// The track in the leaf.
    pub track: u64,
    /// Unix time in seconds of the leaf's last registration or eviction.
    pub last_change: i64,
    /// 1 while the leaf stands; 0 after an eviction.
    pub live: u8,
    /// The address's bump.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 6],
}

impl Holding {
    /// The first seed of its address; then registry and mint.
    pub const SEED: &'static [u8] = b"holding";
    /// Seconds between two changes of one token's leaf.
    pub const CHANGE_INTERVAL: i64 = 60;

    /// The leaf that stands in the tree: empty after an eviction.
    pub fn leaf(&self) -> Result<Node> {
        if self.live == 0 {
            return Ok(Leaf::EMPTY.to_bytes());
        }
        let commitment = Commitment::from_bytes(self.commitment)
            .map_err(|_| error!(BautaError::CommitmentNotCanonical))?;
        let entry_id = EntryId::of_mint(self.mint.as_array());
        Ok(Leaf::of(commitment, entry_id, Attributes::of_track(self.track)).to_bytes())
    }
}
