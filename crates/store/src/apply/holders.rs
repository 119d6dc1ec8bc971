//! Registrations and evictions: the holdings, and the number of distinct owners of each track.

use bauta_primitives::{Attributes, EntryId, Leaf, Root};
use solana_address::Address;

use super::state::{Growth, HolderLeaf, HoldingKey, LeafKey, LeafRow, OwnerKey, State, TrackKey};
use crate::event::{HolderEvicted, HolderRegistered};
use crate::{Holding, Sequence, StoreError};

const SECONDS_PER_DAY: i64 = 86_400;

impl State {
    pub fn holder_registered(
        &mut self,
        address: Address,
        event: &HolderRegistered,
        now: i64,
    ) -> Result<Root, StoreError> {
        let contradiction = |why| StoreError::Contradiction {
            event: "HolderRegistered",
            registry: address,
            why,
        };
        let registry = self.registry(address)?;
        let (registry_id, sequence) = (registry.id, registry.sequence.next());
        let index = registry.depth.check_index(event.index.get())?;
        let holding_key = HoldingKey {
            registry_id,
            mint: event.mint,
        };
        let before = self.holdings.get(&holding_key).copied();
        match before {
            None if event.replaced => return Err(contradiction("the token had no leaf")),
            Some(_) if !event.replaced => return Err(contradiction("the token already has a leaf")),
            Some(held) if held.index != index => return Err(contradiction(ANOTHER_LEAF)),
            None => self.registry(address)?.require_next_index(index.get())?,
            Some(_) => {}
        }
        let entry_id = EntryId::of_mint(event.mint.as_array());
        let member = (event.commitment, entry_id, Attributes::of_track(event.track));
        let known = self.known_leaves.get(&member).copied();
        let leaf = known.unwrap_or_else(|| Leaf::of(member.0, member.1, member.2));

        let registry = self.registry(address)?;
        registry.tree.set(&[(index, leaf)], sequence);
        registry.next_index += u64::from(before.is_none());
        let root = registry.tree.root();

        let holder = HolderLeaf {
            commitment: event.commitment,
            entry_id,
            track: event.track,
        };
        self.leaves.insert(
            LeafKey { registry_id, index },
            LeafRow {
                leaf,
                holder: Some(holder),
                time: now,
            },
        );
        self.holdings.insert(
            holding_key,
            Holding {
                owner: event.owner,
                commitment: event.commitment,
                index,
                track: event.track,
                live: true,
                last_change: now,
            },
        );
        self.changed_holdings.insert(holding_key);
        let key_of = |track, owner| OwnerKey {
            track: TrackKey { registry_id, track },
            owner,
        };
        // The new owner is added before the old one is removed. So nothing changes if they are the
        // same.
        self.count_tokens(key_of(event.track, event.owner), 1, sequence)?;
        if let Some(held) = before.filter(|held| held.live) {
            self.count_tokens(key_of(held.track, held.owner), -1, sequence)?;
        }
        let growth = self.growth_of(key_of(event.track, event.owner).track, now);
        if before.is_some() {
            growth.renewed += 1;
        } else {
            growth.registered += 1;
        }
        Ok(root)
    }

    pub fn holder_evicted(
        &mut self,
        address: Address,
        event: &HolderEvicted,
        now: i64,
    ) -> Result<Root, StoreError> {
        let contradiction = |why| StoreError::Contradiction {
            event: "HolderEvicted",
            registry: address,
            why,
        };
        let registry = self.registry(address)?;
        let (registry_id, depth, sequence) = (registry.id, registry.depth, registry.sequence.next());
        let holding_key = HoldingKey {
            registry_id,
            mint: event.mint,
        };
        let held = self.holdings.get(&holding_key).copied();
        let held = held.ok_or_else(|| contradiction("the token was never registered"))?;
        if !held.live {
            return Err(contradiction("the token was already evicted"));
        }
        if held.index != event.index {
            return Err(contradiction(ANOTHER_LEAF));
        }
        let index = depth.check_index(event.index.get())?;
        let registry = self.registry(address)?;
        registry.tree.set(&[(index, Leaf::EMPTY)], sequence);
        let root = registry.tree.root();

        self.leaves.insert(
            LeafKey { registry_id, index },
            LeafRow {
                leaf: Leaf::EMPTY,
                holder: None,
                time: now,
            },
        );
        self.holdings.insert(
            holding_key,
            Holding {
                live: false,
                last_change: now,
                ..held
            },
        );
        self.changed_holdings.insert(holding_key);
        let track = TrackKey {
            registry_id,
            track: held.track,
        };
        let owner = OwnerKey {
            track,
            owner: held.owner,
        };
        self.count_tokens(owner, -1, sequence)?;
        self.growth_of(track, now).evicted += 1;
        Ok(root)
    }

    /// Adds `difference` to the live tokens of an owner, and records the anonymity set of the track
    /// if the number of distinct owners changes.
    fn count_tokens(&mut self, key: OwnerKey, difference: i64, sequence: Sequence) -> Result<(), StoreError> {
        let tokens = self.track_owners.entry(key).or_default();
        let (before, after) = (*tokens, *tokens + difference);
        if after < 0 {
            return Err(StoreError::Damaged(format!(
                "owner {} has {after} live tokens in track {}",
                key.owner, key.track.track
            )));
        }
        *tokens = after;
        self.changed_owners.insert(key);
        if (before == 0) != (after == 0) {
            let owners = self.owners.entry(key.track).or_default();
            *owners += if after > 0 { 1 } else { -1 };
            self.anonymity_sets.insert((key.track, sequence), *owners);
        }
        Ok(())
    }

    fn growth_of(&mut self, track: TrackKey, now: i64) -> &mut Growth {
        let day = now.div_euclid(SECONDS_PER_DAY);
        self.growth.entry((track, day)).or_default()
    }
}

const ANOTHER_LEAF: &str = "the token has another leaf";
