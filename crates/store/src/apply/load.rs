//! Loads the rows that a batch touches. The number of statements is fixed, whatever the number of
//! events.

use std::collections::{BTreeSet, HashMap};

use bauta_primitives::tree::Depth;
use bauta_primitives::{Commitment, Root};
use solana_address::Address;
use sqlx::postgres::PgBindIterExt;
use sqlx::{PgConnection, Row};

use super::fold::TRACK_FORMAT;
use super::state::{CircuitState, HoldingKey, OwnerKey, RegistryState, RootRow, ScopeState, State, TrackKey};
use crate::event::{TreeChange, TreeChangeKind};
use crate::registries::{byte, depth};
use crate::tile::{Tile, TileKey};
use crate::tree::WorkingTree;
use crate::uint64::{Uint64, uint64};
use crate::values::{address, bigint, element, leaf_index, unsigned};
use crate::{Event, EventRecord, Holding, RegistryKind, Sequence, StoreError};

/// The addresses that events name.
#[derive(Default)]
struct Touched {
    registries: BTreeSet<Address>,
    circuits: BTreeSet<Address>,
    scopes: BTreeSet<Address>,
}

impl Touched {
    fn by(records: &[EventRecord]) -> Self {
        let mut touched = Self::default();
        for record in records {
            match &record.event {
                Event::CircuitRegistered(registered) => {
                    touched.circuits.insert(registered.circuit);
                }
                Event::CircuitStatusChanged(change) => {
                    touched.circuits.insert(change.circuit);
                }
                Event::RegistryCreated(created) => {
                    touched.registries.insert(created.registry);
                }
                Event::CollectionAdded(added) => {
                    touched.registries.insert(added.registry);
                }
                Event::RegistrySealed { registry } => {
                    touched.registries.insert(*registry);
                }
                Event::TreeChanged(change) => {
                    touched.registries.insert(change.registry);
                }
                Event::MerkleRootUpdated(update) => {
                    touched.registries.insert(update.registry);
                }
                Event::ScopeCreated(created) => {
                    touched.scopes.insert(created.scope);
                    touched.circuits.insert(created.circuit);
                    touched.registries.insert(created.registry);
                    touched.registries.extend(created.auxiliary_registry);
                }
                Event::OwnershipVerified(verified) => {
                    touched.scopes.insert(verified.scope);
                }
                Event::ScopeClosed { scope }
                | Event::NullifierReclaimed { scope, .. }
                | Event::ReuseRefused { scope, .. } => {
                    touched.scopes.insert(*scope);
                }
                Event::ConfigChanged(_) => {}
            }
        }
        touched
    }
}

fn tree_changes(records: &[EventRecord]) -> impl Iterator<Item = &TreeChange> {
    records.iter().filter_map(|record| match &record.event {
        Event::TreeChanged(change) => Some(change),
        _ => None,
    })
}

fn column(addresses: &BTreeSet<Address>) -> Vec<&[u8]> {
    addresses.iter().map(AsRef::as_ref).collect()
}

pub async fn load(connection: &mut PgConnection, records: &[EventRecord]) -> Result<State, StoreError> {
    let mut touched = Touched::by(records);
    let mut state = State::default();
    load_last_ids(connection, &mut state).await?;
    load_scopes(connection, &mut state, &mut touched).await?;
    load_circuits(connection, &mut state, &touched.circuits).await?;
    load_registries(connection, &mut state, &touched.registries).await?;
    load_kept_roots(connection, &mut state, records).await?;
    load_tiles(connection, &mut state, records).await?;
    load_holdings(connection, &mut state, records).await?;
    load_owners(connection, &mut state, records).await?;
    Ok(state)
}

async fn load_last_ids(connection: &mut PgConnection, state: &mut State) -> Result<(), StoreError> {
    let last = sqlx::query(
        "SELECT (SELECT coalesce(max(id), 0) FROM registries), (SELECT coalesce(max(id), 0) FROM circuits),
                (SELECT coalesce(max(id), 0) FROM scopes)",
    )
    .fetch_one(connection)
    .await?;
    state.last_registry_id = last.get(0);
    state.last_circuit_id = last.get(1);
    state.last_scope_id = last.get(2);
    Ok(())
}

/// Loads scopes, and adds their registries to those that are touched.
async fn load_scopes(
    connection: &mut PgConnection,
    state: &mut State,
    touched: &mut Touched,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT s.id, s.address, r.address AS registry, c.leaf_format
         FROM scopes s JOIN registries r ON r.id = s.registry_id JOIN circuits c ON c.id = s.circuit_id
         WHERE s.address = ANY ($1)",
    )
    .bind(column(&touched.scopes))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let registry = address(row.get("registry"))?;
        touched.registries.insert(registry);
        let scope = ScopeState {
            id: row.get("id"),
            registry,
            has_tracks: byte(&row, "leaf_format")? == TRACK_FORMAT,
        };
        state.scopes.insert(address(row.get("address"))?, scope);
    }
    Ok(())
}

async fn load_circuits(
    connection: &mut PgConnection,
    state: &mut State,
    addresses: &BTreeSet<Address>,
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT id, address, leaf_format FROM circuits WHERE address = ANY ($1)")
        .bind(column(addresses))
        .fetch_all(connection)
        .await?;
    for row in rows {
        let circuit = CircuitState {
            id: row.get("id"),
            leaf_format: byte(&row, "leaf_format")?,
        };
        state.circuits.insert(address(row.get("address"))?, circuit);
    }
    Ok(())
}

async fn load_registries(
    connection: &mut PgConnection,
    state: &mut State,
    addresses: &BTreeSet<Address>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT r.id, r.address, r.kind, r.depth, r.root_ttl_seconds, r.next_index, r.sealed, r.sequence,
                o.root, o.leaf_count, o.stored, extract(epoch FROM o.created_at)::bigint AS root_created_at
         FROM registries r JOIN roots o ON o.registry_id = r.id AND o.sequence = r.sequence
         WHERE r.address = ANY ($1)",
    )
    .bind(column(addresses))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let depth = depth(&row)?;
        let registry = address(row.get("address"))?;
        let root = Root::new(element(row.get("root"))?);
        let sequence = Sequence::from_column(row.get("sequence"))?;
        state.registries.insert(
            registry,
            RegistryState {
                id: row.get("id"),
                address: registry,
                kind: RegistryKind::parse(row.get("kind"))?,
                depth,
                root_ttl_seconds: row.get("root_ttl_seconds"),
                next_index: unsigned(row.get("next_index"))?,
                sequence,
                tree: WorkingTree::new(depth, root),
                roots: vec![RootRow {
                    sequence,
                    root,
                    leaf_count: unsigned(row.get("leaf_count"))?,
                    stored: row.get("stored"),
                    created_at: row.get("root_created_at"),
                    replaced_at: None,
                    valid_until: None,
                }],
                kept: HashMap::new(),
                pending: None,
                created: None,
                sealed: row.get("sealed"),
                changed: false,
            },
        );
    }
    Ok(())
}

/// Loads the kept roots that new snapshots name.
async fn load_kept_roots(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[EventRecord],
) -> Result<(), StoreError> {
    let named: Vec<(Address, Root)> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::ScopeCreated(created) => Some((created.registry, created.root?)),
            _ => None,
        })
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT DISTINCT ON (r.address, o.root) r.address, o.root, o.sequence
         FROM unnest($1::bytea[], $2::bytea[]) AS k (address, root)
         JOIN registries r ON r.address = k.address
         JOIN roots o ON o.registry_id = r.id AND o.root = k.root
         WHERE o.valid_until IS NOT NULL
         ORDER BY r.address, o.root, o.sequence DESC",
    )
    .bind(named.iter().map(|(registry, _)| registry.to_bytes()).bind_iter())
    .bind(named.iter().map(|(_, root)| root.to_bytes()).bind_iter())
    .fetch_all(connection)
    .await?;
    for row in rows {
        let registry = state.registry(address(row.get("address"))?)?;
        let root = Root::new(element(row.get("root"))?);
        let sequence = Sequence::from_column(row.get("sequence"))?;
        registry.kept.insert(root, sequence);
    }
    Ok(())
}

/// Loads the tiles above every leaf that an event names.
async fn load_tiles(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[EventRecord],
) -> Result<(), StoreError> {
    let mut keys = BTreeSet::new();
    for change in tree_changes(records) {
        let (first, count) = match &change.kind {
            TreeChangeKind::HolderRegistered(registered) => (registered.index, 1),
            TreeChangeKind::HolderEvicted(evicted) => (evicted.index, 1),
            TreeChangeKind::LeafReplaced(replaced) => (replaced.index, 1),
            TreeChangeKind::LeavesAppended(appended) => (appended.first_index, appended.leaves.len() as u64),
            TreeChangeKind::RootPublished { .. } => continue,
        };
        let Some(registry) = state.registries.get(&change.registry) else {
            continue;
        };
        for index in first.get()..first.get().saturating_add(count) {
            let index = registry.depth.check_index(index)?;
            keys.extend(TileKey::above(registry.depth, index).map(|key| (registry.id, key)));
        }
    }
    let positions: Result<Vec<_>, _> = keys
        .iter()
        .map(|(_, key)| bigint("tile position", key.position))
        .collect();
    let rows = sqlx::query(
        "SELECT r.address, t.level, t.position, t.since_sequence, t.hash, t.nodes
         FROM unnest($1::integer[], $2::smallint[], $3::bigint[]) AS k (registry_id, level, position)
         JOIN tiles t USING (registry_id, level, position) JOIN registries r ON r.id = t.registry_id
         WHERE t.until_sequence IS NULL",
    )
    .bind(keys.iter().map(|(registry_id, _)| *registry_id).bind_iter())
    .bind(keys.iter().map(|(_, key)| i16::from(key.level)).bind_iter())
    .bind(positions?)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let registry = state.registry(address(row.get("address"))?)?;
        let level = byte(&row, "level")?;
        let key = TileKey {
            level,
            position: unsigned(row.get("position"))?,
        };
        let tile = Tile::decode(registry.depth, level, row.get("hash"), row.get("nodes"))?;
        let since = Sequence::from_column(row.get("since_sequence"))?;
        registry.tree.load(key, since, tile);
    }
    Ok(())
}

async fn load_holdings(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[EventRecord],
) -> Result<(), StoreError> {
    let mut keys = BTreeSet::new();
    let mut depths: HashMap<i32, Depth> = HashMap::new();
    for change in tree_changes(records) {
        let mint = match &change.kind {
            TreeChangeKind::HolderRegistered(registered) => registered.mint,
            TreeChangeKind::HolderEvicted(evicted) => evicted.mint,
            _ => continue,
        };
        if let Some(registry) = state.registries.get(&change.registry) {
            let registry_id = registry.id;
            depths.insert(registry_id, registry.depth);
            keys.insert(HoldingKey { registry_id, mint });
        }
    }
    let rows = sqlx::query(
        "SELECT h.registry_id, h.mint, h.owner, h.commitment, h.index, h.track_id, h.live,
                extract(epoch FROM h.last_change_at)::bigint AS last_change
         FROM unnest($1::integer[], $2::bytea[]) AS k (registry_id, mint) JOIN holdings h USING (registry_id, mint)",
    )
    .bind(keys.iter().map(|key| key.registry_id).bind_iter())
    .bind(keys.iter().map(|key| key.mint.to_bytes()).bind_iter())
    .fetch_all(connection)
    .await?;
    for row in rows {
        let registry_id: i32 = row.get("registry_id");
        let Some(depth) = depths.get(&registry_id) else {
            continue;
        };
        let key = HoldingKey {
            registry_id,
            mint: address(row.get("mint"))?,
        };
        let holding = Holding {
            owner: address(row.get("owner"))?,
            commitment: Commitment::new(element(row.get("commitment"))?),
            index: leaf_index(*depth, row.get("index"))?,
            track: uint64(&row, "track_id")?,
            live: row.get("live"),
            last_change: row.get("last_change"),
        };
        state.holdings.insert(key, holding);
    }
    Ok(())
}

/// Loads the live tokens of every owner that an event concerns, and the distinct owners of their
/// tracks.
async fn load_owners(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[EventRecord],
) -> Result<(), StoreError> {
    let of_holdings = state.holdings.iter().map(|(key, held)| OwnerKey {
        track: TrackKey {
            registry_id: key.registry_id,
            track: held.track,
        },
        owner: held.owner,
    });
    let of_registrations = tree_changes(records).filter_map(|change| match &change.kind {
        TreeChangeKind::HolderRegistered(registered) => {
            let registry_id = state.registries.get(&change.registry)?.id;
            let track = TrackKey {
                registry_id,
                track: registered.track,
            };
            let owner = registered.owner;
            Some(OwnerKey { track, owner })
        }
        _ => None,
    });
    let owners: BTreeSet<OwnerKey> = of_holdings.chain(of_registrations).collect();
    let tracks: BTreeSet<TrackKey> = owners.iter().map(|owner| owner.track).collect();

    let rows = sqlx::query(
        "SELECT o.registry_id, o.track_id, o.owner, o.tokens
         FROM unnest($1::integer[], $2::numeric[], $3::bytea[]) AS k (registry_id, track_id, owner)
         JOIN track_owners o ON o.registry_id = k.registry_id AND o.track_id = k.track_id AND o.owner = k.owner",
    )
    .bind(owners.iter().map(|key| key.track.registry_id).bind_iter())
    .bind(owners.iter().map(|key| Uint64(key.track.track)).bind_iter())
    .bind(owners.iter().map(|key| key.owner.to_bytes()).bind_iter())
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let key = OwnerKey {
            track: TrackKey {
                registry_id: row.get("registry_id"),
                track: uint64(&row, "track_id")?,
            },
            owner: address(row.get("owner"))?,
        };
        state.track_owners.insert(key, row.get("tokens"));
    }

    let rows = sqlx::query(
        "SELECT k.registry_id, k.track_id, a.owners
         FROM unnest($1::integer[], $2::numeric[]) AS k (registry_id, track_id)
         CROSS JOIN LATERAL (SELECT owners FROM anonymity_sets a
                             WHERE a.registry_id = k.registry_id AND a.track_id = k.track_id
                             ORDER BY since_sequence DESC LIMIT 1) a",
    )
    .bind(tracks.iter().map(|key| key.registry_id).bind_iter())
    .bind(tracks.iter().map(|key| Uint64(key.track)).bind_iter())
    .fetch_all(connection)
    .await?;
    for row in rows {
        let key = TrackKey {
            registry_id: row.get("registry_id"),
            track: uint64(&row, "track_id")?,
        };
        state.owners.insert(key, row.get("owners"));
    }
    Ok(())
}
