use crate::{
    errors::{BautaError, refused},
    state::Node,
};
use anchor_lang::prelude::*;
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf};

/// The registration of an asset in a registry of holders. The account is never
/// closed, so an asset never has a second leaf.
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
/// | 154 | 1 | `form` ([`AssetForm`]) |
/// | 155 | 1 | padding |
/// | 156 | 2 | `collection` |
/// | 158 | 2 | padding |
#[account(zero_copy)]
pub struct Holding {
    /// The registry.
    pub registry: Pubkey,
    /// The token's mint, the address of the Core asset, or the id of the compressed asset.
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
    /// The form of the asset at its last registration: see [`AssetForm`]. It decides what is
    /// evidence.
    pub form: u8,
    /// Unused. Always zero.
    pub padding_0: u8,
    /// The number of the collection at the last registration. 0 if the collection has none.
    pub collection: u16,
    /// Unused. Always zero.
    pub padding_1: [u8; 2],
}

/// The form of a registered asset.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum AssetForm {
    /// A token of SPL Token or Token-2022.
    Token,
    /// An asset of Metaplex Core.
    Core,
    /// A compressed asset of Bubblegum.
    Compressed,
}

impl AssetForm {
    /// Returns the form of a byte in an account. `None` if this program does not know it.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Token),
            1 => Some(Self::Core),
            2 => Some(Self::Compressed),
            _ => None,
        }
    }
}

impl Holding {
    /// The first seed of the address. The registry and the mint follow.
    pub const SEED: &'static [u8] = b"holding";
    /// The minimum number of seconds between a change of a token's leaf and its next registration.
    /// An eviction can follow a registration at once.
    pub const CHANGE_INTERVAL: i64 = 60;

    /// Computes the token's leaf in the tree. After an eviction it is the empty leaf.
    pub fn leaf(&self) -> Result<Node> {
        self.leaf_of(EntryId::of_mint(self.mint.as_array()))
    }

    /// Computes the leaf like [`leaf`](Self::leaf) with the entry id of [`mint`](Self::mint). A
    /// caller that computes two leaves of a token then hashes the id once.
    pub(crate) fn leaf_of(&self, entry_id: EntryId) -> Result<Node> {
        if self.live == 0 {
            return Ok(Leaf::EMPTY.to_bytes());
        }
        let commitment = Commitment::from_bytes(self.commitment)
            .map_err(|_| refused(BautaError::CommitmentNotCanonical))?;
        Ok(Leaf::of(commitment, entry_id, Attributes::of_track(self.track)).to_bytes())
    }
}
