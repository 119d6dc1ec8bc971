//! The collections of a registry, by the address that their assets name.

use std::collections::BTreeMap;

use bauta::state::CollectionKind;
use bauta_client::addresses;
use bauta_store::Collection;
use solana_address::Address;

use super::tokens::HeldToken;

/// Collections, by kind and by the address that their assets name.
///
/// A registry can have a thousand masters and a wallet a thousand tokens, so the address that the
/// prints of a master name is derived once for each master and not for each pair.
pub struct Listed(BTreeMap<(u8, Address), Collection>);

impl Listed {
    pub fn new(collections: Vec<Collection>) -> Self {
        let named = |collection: &Collection| {
            if collection.kind == CollectionKind::Prints as u8 {
                addresses::edition(&collection.key).address
            } else {
                collection.key
            }
        };
        let entry = |collection: Collection| ((collection.kind, named(&collection)), collection);
        Self(collections.into_iter().map(entry).collect())
    }

    /// Returns the collections that a token belongs to. The token can still be refused.
    pub fn of(&self, token: &HeldToken) -> impl Iterator<Item = &Collection> {
        let named = token.named().into_iter();
        named.filter_map(|(kind, address)| self.0.get(&(kind as u8, address?)))
    }
}
