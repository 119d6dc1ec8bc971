//! Reads what a batch of events touches: a fixed number of statements, however many events.

use std::collections::BTreeSet;

use bauta_primitives::tree::Depth;
use bauta_primitives::{Commitment, Root};
use sqlx::{PgConnection, Row};

use super::state::{Holding, RegistryState, RootRow, ScopeState, State};
use crate::tile::{Tile, TileKey};
use crate::tree::WorkingTree;
use crate::values::{address, element, uint64, unsigned};
use crate::{Address, Event, Record, RegistryKind, StoreError};

/// The addresses that events name.
#[derive(Default)]
struct Touched {
    registries: BTreeSet<Address>,
    circuits: BTreeSet<Address>,
    scopes: BTreeSet<Address>,
}

impl Touched {
    fn by(records: &[Record]) -> Self {
        let mut touched = Self::default();
        for record in records {
            match &record.event {
                Event::CircuitRegistered { circuit, .. } | Event::CircuitRetired { circuit } => {
                    touched.circuits.insert(*circuit);
                }
                Event::RegistryCreated { registry, .. }
                | Event::CollectionAdded { registry, .. }
                | Event::RegistrySealed { registry }
                | Event::HolderRegistered { registry, .. }
                | Event::HolderEvicted { registry, .. }
                | Event::LeavesAppended { registry, .. }
                | Event::LeafReplaced { registry, .. }
                | Event::RootPublished { registry, .. }
                | Event::MerkleRootUpdated { registry, .. } => {
                    touched.registries.insert(*registry);
                }
                Event::ScopeCreated {
                    scope,
                    registry,
                    circuit,
                    auxiliary_registry,
                    ..
                } => {
                    touched.scopes.insert(*scope);
                    touched.circuits.insert(*circuit);
                    touched.registries.insert(*registry);
                    touched.registries.extend(auxiliary_registry);
                }
                Event::ScopeClosed { scope }
                | Event::OwnershipVerified { scope, .. }
                | Event::NullifierReclaimed { scope, .. }
                | Event::ReuseRefused { scope, .. } => {
                    touched.scopes.insert(*scope);
                }
                Event::ConfigChanged { .. } => {}
            }
        }
        touched
    }
}

fn column(addresses: &BTreeSet<Address>) -> Vec<&[u8]> {
    addresses.iter().map(|address| address.0.as_slice()).collect()
}

pub async fn load(connection: &mut PgConnection, records: &[Record]) -> Result<State, StoreError> {
    let mut touched = Touched::by(records);
    let mut state = State::default();
    load_scopes(connection, &mut state, &mut touched).await?;
    load_registries(connection, &mut state, &touched.registries).await?;
    load_tiles(connection, &mut state, records).await?;
    load_holdings(connection, &mut state, records).await?;
    load_owners(connection, &mut state, records).await?;
    Ok(state)
}

/// Scopes, circuits, and the last number of each kind of row.
async fn load_scopes(
    connection: &mut PgConnection,
    state: &mut State,
    touched: &mut Touched,
) -> Result<(), StoreError> {
    let last = sqlx::query(
        "SELECT (SELECT coalesce(max(id), 0) FROM registries), (SELECT coalesce(max(id), 0) FROM circuits),
                (SELECT coalesce(max(id), 0) FROM scopes)",
    )
    .fetch_one(&mut *connection)
    .await?;
    state.last_registry_id = last.get(0);
    state.last_circuit_id = last.get(1);
    state.last_scope_id = last.get(2);

    let scopes = sqlx::query(
        "SELECT s.id, s.address, r.address AS registry, c.leaf_format
         FROM scopes s JOIN registries r ON r.id = s.registry_id JOIN circuits c ON c.id = s.circuit_id
         WHERE s.address = ANY ($1)",
    )
    .bind(column(&touched.scopes))
    .fetch_all(&mut *connection)
    .await?;
    for row in scopes {
        let registry = address(row.get("registry"))?;
        touched.registries.insert(registry);
        let has_tracks = row.get::<i16, _>("leaf_format") == i16::from(super::fold::TRACK_FORMAT);
        state.scopes.insert(
            address(row.get("address"))?,
            ScopeState {
                id: row.get("id"),
                registry,
                has_tracks,
            },
        );
    }

    let circuits = sqlx::query("SELECT id, address, leaf_format FROM circuits WHERE address = ANY ($1)")
        .bind(column(&touched.circuits))
        .fetch_all(connection)
        .await?;
    for row in circuits {
        let leaf_format = u8::try_from(row.get::<i16, _>("leaf_format"))
            .map_err(|_| StoreError::Damaged("a leaf format above 255".into()))?;
        state
            .circuits
            .insert(address(row.get("address"))?, (row.get("id"), leaf_format));
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
        let depth = u8::try_from(row.get::<i16, _>("depth")).map(Depth::try_from);
        let depth = depth.map_err(|_| StoreError::Damaged("a depth above 255".into()))??;
        let registry = address(row.get("address"))?;
        let root = Root::new(element(row.get("root"))?);
        let sequence: i64 = row.get("sequence");
        state.registries.insert(
            registry,
            RegistryState {
                id: row.get("id"),
                address: registry,
                kind: RegistryKind::parse(row.get("kind"))?,
                depth,
                root_ttl_seconds: row.get("root_ttl_seconds"),
                next_index: unsigned(row.get("next_index"))?,
                sequence: unsigned(sequence)?,
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
                pending: None,
                created: None,
                sealed: row.get("sealed"),
                changed: false,
            },
        );
    }
    Ok(())
}

/// The tiles above every leaf that an event names.
async fn load_tiles(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[Record],
) -> Result<(), StoreError> {
    let mut keys = BTreeSet::new();
    for record in records {
        let (address, first, count) = match &record.event {
            Event::HolderRegistered { registry, index, .. }
            | Event::HolderEvicted { registry, index, .. }
            | Event::LeafReplaced { registry, index, .. } => (registry, *index, 1),
            Event::LeavesAppended {
                registry,
                first_index,
                leaves,
                ..
            } => (registry, *first_index, leaves.len() as u64),
            _ => continue,
        };
        let Some(registry) = state.registries.get(address) else {
            continue;
        };
        for index in first..first.saturating_add(count) {
            let index = registry.depth.check_index(index)?;
            keys.extend(TileKey::above(registry.depth, index).map(|key| (registry.id, key)));
        }
    }
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (registry, key) in keys {
        columns.0.push(registry);
        columns.1.push(i16::from(key.level));
        columns
            .2
            .push(crate::values::bigint("tile position", key.position)?);
    }
    let rows = sqlx::query(
        "SELECT r.address, t.level, t.position, t.since_sequence, t.hash, t.nodes
         FROM unnest($1::integer[], $2::smallint[], $3::bigint[]) AS k (registry_id, level, position)
         JOIN tiles t USING (registry_id, level, position) JOIN registries r ON r.id = t.registry_id
         WHERE t.until_sequence IS NULL",
    )
    .bind(columns.0)
    .bind(columns.1)
    .bind(columns.2)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let registry = state.registry(address(row.get("address"))?)?;
        let level = u8::try_from(row.get::<i16, _>("level"))
            .map_err(|_| StoreError::Damaged("a tile level above 255".into()))?;
        let key = TileKey {
            level,
            position: unsigned(row.get("position"))?,
        };
        let tile = Tile::decode(registry.depth, level, row.get("hash"), row.get("nodes"))?;
        registry.tree.load(key, row.get("since_sequence"), tile);
    }
    Ok(())
}

async fn load_holdings(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[Record],
) -> Result<(), StoreError> {
    let mut keys = BTreeSet::new();
    for record in records {
        if let Event::HolderRegistered { registry, mint, .. } | Event::HolderEvicted { registry, mint, .. } =
            &record.event
            && let Some(registry) = state.registries.get(registry)
        {
            keys.insert((registry.id, *mint));
        }
    }
    let (registries, mints): (Vec<i32>, Vec<&[u8]>) = keys
        .iter()
        .map(|(registry, mint)| (*registry, mint.0.as_slice()))
        .unzip();
    let rows = sqlx::query(
        "SELECT h.registry_id, h.mint, h.owner, h.commitment, h.index, h.track_id::text AS track, h.live,
                extract(epoch FROM h.last_change_at)::bigint AS last_change
         FROM unnest($1::integer[], $2::bytea[]) AS k (registry_id, mint) JOIN holdings h USING (registry_id, mint)",
    )
    .bind(registries)
    .bind(mints)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let holding = Holding {
            owner: address(row.get("owner"))?,
            commitment: Commitment::new(element(row.get("commitment"))?),
            index: unsigned(row.get("index"))?,
            track: uint64(row.get("track"))?,
            live: row.get("live"),
            last_change: row.get("last_change"),
        };
        state
            .holdings
            .insert((row.get("registry_id"), address(row.get("mint"))?), holding);
    }
    Ok(())
}

/// The counts of live tokens of every owner concerned, and of distinct owners of every track concerned.
async fn load_owners(
    connection: &mut PgConnection,
    state: &mut State,
    records: &[Record],
) -> Result<(), StoreError> {
    let mut keys: BTreeSet<(i32, u64, Address)> = state
        .holdings
        .iter()
        .map(|((registry, _), held)| (*registry, held.track, held.owner))
        .collect();
    for record in records {
        if let Event::HolderRegistered {
            registry,
            track,
            owner,
            ..
        } = &record.event
            && let Some(registry) = state.registries.get(registry)
        {
            keys.insert((registry.id, *track, *owner));
        }
    }
    let tracks: BTreeSet<(i32, u64)> = keys
        .iter()
        .map(|(registry, track, _)| (*registry, *track))
        .collect();

    let rows = sqlx::query(
        "SELECT o.registry_id, o.track_id::text AS track, o.owner, o.tokens
         FROM unnest($1::integer[], $2::text[], $3::bytea[]) AS k (registry_id, track, owner)
         JOIN track_owners o
           ON o.registry_id = k.registry_id AND o.track_id = k.track::numeric AND o.owner = k.owner",
    )
    .bind(keys.iter().map(|key| key.0).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.1.to_string()).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.2.0.as_slice()).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let key = (
            row.get("registry_id"),
            uint64(row.get("track"))?,
            address(row.get("owner"))?,
        );
        state.track_owners.insert(key, row.get("tokens"));
    }

    let rows = sqlx::query(
        "SELECT k.registry_id, k.track, a.owners
         FROM unnest($1::integer[], $2::text[]) AS k (registry_id, track)
         CROSS JOIN LATERAL (SELECT owners FROM anonymity_sets a
                             WHERE a.registry_id = k.registry_id AND a.track_id = k.track::numeric
                             ORDER BY since_sequence DESC LIMIT 1) a",
    )
    .bind(tracks.iter().map(|key| key.0).collect::<Vec<_>>())
    .bind(tracks.iter().map(|key| key.1.to_string()).collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    for row in rows {
        state.owners.insert(
            (row.get("registry_id"), uint64(row.get("track"))?),
            row.get("owners"),
        );
    }
    Ok(())
}
