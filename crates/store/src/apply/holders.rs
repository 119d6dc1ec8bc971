//! Holders: registrations and evictions, who holds what, and how many distinct owners a track has.

use bauta_primitives::{Attributes, EntryId, Leaf, Root};

use super::state::{Growth, Holding, LeafRow, State};
use crate::values::bigint;
use crate::{Address, Event, RegistryKind, StoreError};

const SECONDS_PER_DAY: i64 = 86_400;

impl State {
    pub fn holder_registered(&mut self, event: &Event, now: i64) -> Result<Root, StoreError> {
        let Event::HolderRegistered {
            registry: address,
            sequence,
            mint,
            owner,
            commitment,
            track,
            index,
            replaced,
        } = event
        else {
            return Err(StoreError::Damaged(format!(
                "{} is no registration",
                event.name()
            )));
        };
        let contradiction = |why| StoreError::Contradiction {
            event: event.name(),
            registry: *address,
            why,
        };
        let registry = self.registry(*address)?;
        registry.require_kind(RegistryKind::Holders, event.name())?;
        let (id, depth, next_index) = (registry.id, registry.depth, registry.next_index);
        let before = self.holdings.get(&(id, *mint)).copied();
        match before {
            None if *replaced => return Err(contradiction("the token had no leaf")),
            Some(_) if !*replaced => return Err(contradiction("the token already has a leaf")),
            Some(held) if held.index != *index => return Err(contradiction("the token has another leaf")),
            None => self.registry(*address)?.require_next(*index)?,
            Some(_) => {}
        }
        let leaf_index = depth.check_index(*index)?;
        let sequence = bigint("sequence", *sequence)?;
        let entry_id = EntryId::of_mint(&mint.0);
        let member = (*commitment, entry_id, Attributes::of_track(*track));
        let known = self.known_leaves.get(&member).copied();
        let leaf = known.unwrap_or_else(|| Leaf::of(member.0, member.1, member.2));

        let registry = self.registry(*address)?;
        registry.tree.set(&[(leaf_index, leaf)], sequence);
        registry.next_index = next_index + u64::from(before.is_none());
        let root = registry.tree.root();

        let holder = Some((*commitment, entry_id, *track));
        self.leaves.insert(
            (id, leaf_index),
            LeafRow {
                leaf,
                holder,
                time: now,
            },
        );
        self.holdings.insert(
            (id, *mint),
            Holding {
                owner: *owner,
                commitment: *commitment,
                index: *index,
                track: *track,
                live: true,
                last_change: now,
            },
        );
        self.changed_holdings.insert((id, *mint));
        // count the new owner in before the old one out: the same owner again changes nothing
        self.count_owner((id, *track, *owner), 1, sequence)?;
        if let Some(held) = before.filter(|held| held.live) {
            self.count_owner((id, held.track, held.owner), -1, sequence)?;
        }
        let growth = self.growth_of(id, *track, now);
        if before.is_some() {
            growth.renewed += 1;
        } else {
            growth.registered += 1;
        }
        Ok(root)
    }

    pub fn holder_evicted(&mut self, event: &Event, now: i64) -> Result<Root, StoreError> {
        let Event::HolderEvicted {
            registry: address,
            sequence,
            mint,
            index,
        } = event
        else {
            return Err(StoreError::Damaged(format!("{} is no eviction", event.name())));
        };
        let contradiction = |why| StoreError::Contradiction {
            event: event.name(),
            registry: *address,
            why,
        };
        let registry = self.registry(*address)?;
        registry.require_kind(RegistryKind::Holders, event.name())?;
        let (id, depth) = (registry.id, registry.depth);
        let held = self.holdings.get(&(id, *mint)).copied();
        let held = held.ok_or_else(|| contradiction("the token was never registered"))?;
        if !held.live {
            return Err(contradiction("the token was evicted before"));
        }
        if held.index != *index {
            return Err(contradiction("the token has another leaf"));
        }
        let leaf_index = depth.check_index(*index)?;
        let sequence = bigint("sequence", *sequence)?;
        let registry = self.registry(*address)?;
        registry.tree.set(&[(leaf_index, Leaf::EMPTY)], sequence);
        let root = registry.tree.root();

        self.leaves.insert(
            (id, leaf_index),
            LeafRow {
                leaf: Leaf::EMPTY,
                holder: None,
                time: now,
            },
        );
        self.holdings.insert(
            (id, *mint),
            Holding {
                live: false,
                last_change: now,
                ..held
            },
        );
        self.changed_holdings.insert((id, *mint));
        self.count_owner((id, held.track, held.owner), -1, sequence)?;
        self.growth_of(id, held.track, now).evicted += 1;
        Ok(root)
    }

    /// One live token more or less of an owner in a track, as change `sequence`.
    fn count_owner(
        &mut self,
        key: (i32, u64, Address),
        difference: i64,
        sequence: i64,
    ) -> Result<(), StoreError> {
        let tokens = self.track_owners.entry(key).or_default();
        let (before, after) = (*tokens, *tokens + difference);
        if after < 0 {
            return Err(StoreError::Damaged(format!(
                "owner {} has {after} live tokens in a track",
                key.2
            )));
        }
        *tokens = after;
        self.changed_owners.insert(key);
        let (registry, track, _) = key;
        if (before == 0) != (after == 0) {
            let owners = self.owners.entry((registry, track)).or_default();
            *owners += if after > 0 { 1 } else { -1 };
            self.anonymity_sets.insert((registry, track, sequence), *owners);
        }
        Ok(())
    }

    fn growth_of(&mut self, registry: i32, track: u64, now: i64) -> &mut Growth {
        self.growth
            .entry((registry, track, now.div_euclid(SECONDS_PER_DAY)))
            .or_default()
    }
}
