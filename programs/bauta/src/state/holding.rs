use crate::{
    errors::{BautaError, refused},
    state::Node,
};
use anchor_lang::prelude::*;
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf};

/// The registration of a token in a registry of holders. The account is never closed, so a token
/// never has a second leaf.
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
    /// The token's mint.
    pub mint: Pubkey,
    /// The owner who registered the token last.
    pub owner: Pubkey,
    /// The commitment in the leaf: `Poseidon1(secret)`.
    pub commitment: [u8; 32],
    /// The position of the leaf in the tree.
    pub index: u64,
    /// The track in the leaf.
    pub track: u64,
    /// The time of the last registration or eviction, in Unix seconds.
    pub last_change: i64,
    /// 1 while the token is registered, 0 after an eviction.
    pub live: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding: [u8; 6],
}

impl Holding {
    /// The first seed of the address. The registry and the mint follow.
    pub const SEED: &'static [u8] = b"holding";
    /// The minimum number of seconds between two changes of a token's leaf.
    pub const CHANGE_INTERVAL: i64 = 60;

    /// Computes the token's leaf in the tree. After an eviction it is the empty leaf.
    pub fn leaf(&self) -> Result<Node> {
        if self.live == 0 {
            return Ok(Leaf::EMPTY.to_bytes());
        }
        let commitment = Commitment::from_bytes(self.commitment)
            .map_err(|_| refused(BautaError::CommitmentNotCanonical))?;
        let entry_id = EntryId::of_mint(self.mint.as_array());
        Ok(Leaf::of(commitment, entry_id, Attributes::of_track(self.track)).to_bytes())
    }
}
