use crate::errors::{BautaError, refused};
use anchor_lang::prelude::*;

/// A collection: a set of assets that may be registered in a registry of holders, its rules and its
/// track.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `registry` |
/// | 32 | 32 | `key` |
/// | 64 | 1 | `kind` ([`CollectionKind`]) |
/// | 65 | 1 | `bump` |
/// | 66 | 2 | `rules` |
/// | 68 | 2 | `number` |
/// | 70 | 2 | padding |
/// | 72 | 8 | `track` |
#[account(zero_copy)]
pub struct Collection {
    /// The registry.
    pub registry: Pubkey,
    /// The address that identifies the collection. The kind defines what it is the address of.
    pub key: Pubkey,
    /// The kind of the collection: see [`CollectionKind`].
    pub kind: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// The rules: bits, of which each allows something. 0 is strictest.
    pub rules: u16,
    /// The number of the collection in its registry, from 1. 0 if the collection is older than this
    /// field.
    pub number: u16,
    /// Unused. Always zero.
    pub padding: [u8; 2],
    /// The track of the collection's tokens. It is the `attributes` of their leaves.
    pub track: u64,
}

impl Collection {
    /// The first seed of the address. The registry and the key follow.
    pub const SEED: &'static [u8] = b"collection";

    /// Rule: assets that are frozen or locked may be registered.
    pub const LOCKED: u16 = 1;
    /// Rule: prints may be registered, although the holder of a master makes them.
    pub const PRINTS: u16 = 2;
    /// Rule: compressed assets may be registered.
    pub const COMPRESSED: u16 = 4;
    /// Rule: assets that their issuer can move may be registered.
    pub const ISSUER_MOVES: u16 = 8;
    /// Rule: that an asset left the collection is evidence for its eviction.
    pub const LEAVING: u16 = 16;

    /// Returns the kind.
    ///
    /// # Errors
    /// If the account has a kind that this program does not know.
    pub fn kind(&self) -> Result<CollectionKind> {
        CollectionKind::ALL
            .into_iter()
            .find(|kind| *kind as u8 == self.kind)
            .ok_or_else(|| refused(BautaError::NotInCollection))
    }

    /// Returns `true` if the collection has the rule.
    #[must_use]
    pub const fn allows(&self, rule: u16) -> bool {
        self.rules & rule != 0
    }
}

/// The kind of a collection: it defines what the collection's key is, and which assets are members.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CollectionKind {
    /// One asset. The key is its mint, the address of a Core asset, or a compressed asset's id.
    Asset,
    /// The members of a Token-2022 group. The key is the group's mint.
    Group,
    /// The tokens whose Token Metadata account names the collection, verified. The key is the mint
    /// of the collection.
    TokenMetadata,
    /// The assets of a Metaplex Core collection. The key is the collection's address.
    Core,
    /// The prints of a Token Metadata master. The key is the master's mint.
    Prints,
}

impl CollectionKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Asset,
        Self::Group,
        Self::TokenMetadata,
        Self::Core,
        Self::Prints,
    ];

    /// Returns the rules that collections of this kind may have.
    #[must_use]
    pub const fn possible_rules(self) -> u16 {
        match self {
            Self::Asset => Collection::LOCKED | Collection::COMPRESSED | Collection::ISSUER_MOVES,
            Self::Group | Self::Prints => Collection::LOCKED,
            Self::TokenMetadata => {
                Collection::LOCKED | Collection::PRINTS | Collection::COMPRESSED | Collection::LEAVING
            }
            Self::Core => {
                Collection::LOCKED | Collection::COMPRESSED | Collection::ISSUER_MOVES | Collection::LEAVING
            }
        }
    }
}
