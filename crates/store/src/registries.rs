//! Registries and their collections.

use bauta_primitives::tree::Depth;
use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::uint64::uint64;
use crate::values::{address, unsigned};
use crate::{RegistryKind, Sequence, Store, StoreError};

/// A registry according to the program's events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registry {
    /// The database's number for the registry.
    pub id: i32,
    /// The registry account.
    pub address: Address,
    /// The authority of the registry.
    pub authority: Address,
    /// The number that the authority gave the registry.
    pub nonce: u64,
    /// The kind of the registry.
    pub kind: RegistryKind,
    /// The depth of the tree.
    pub depth: Depth,
    /// The leaf format, which defines the attributes of a leaf.
    pub leaf_format: u8,
    /// The time for which the registry accepts a kept root after its replacement, in seconds.
    pub root_ttl_seconds: i64,
    /// Whether the registry is closed for new collections.
    pub sealed: bool,
    /// The index of the next leaf, which is also the number of leaves ever appended. Always 0 in an
    /// Attested registry.
    pub next_index: u64,
    /// The number of tree changes.
    pub sequence: Sequence,
}

/// A collection whose assets can register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Collection {
    /// The address that identifies the collection.
    pub key: Address,
    /// The number of the kind: 0 an asset, 1 a Token-2022 group, 2 Token Metadata, 3 Core, 4
    /// prints.
    pub kind: u8,
    /// The sum of the rules.
    pub rules: u16,
    /// The number of the collection in its registry, from 1. 0 if it has none.
    pub number: u16,
    /// The track of the collection's tokens.
    pub track: u64,
}

pub const SELECT: &str =
    "SELECT id, address, authority, nonce, kind, depth, leaf_format, root_ttl_seconds, sealed,
    next_index, sequence FROM registries";

/// Selects collections. Programs of the previous release write no kind.
pub const SELECT_COLLECTIONS: &str =
    "SELECT key, coalesce(kind, is_group::integer::smallint) AS kind, rules, number, track_id
    FROM collections";

pub fn depth(row: &PgRow) -> Result<Depth, StoreError> {
    let depth = byte(row, "depth")?;
    Ok(Depth::try_from(depth)?)
}

pub fn byte(row: &PgRow, column: &str) -> Result<u8, StoreError> {
    u8::try_from(row.get::<i16, _>(column))
        .map_err(|_| StoreError::Damaged(format!("{column} is not between 0 and 255")))
}

fn short(row: &PgRow, column: &str) -> Result<u16, StoreError> {
    u16::try_from(row.get::<i32, _>(column))
        .map_err(|_| StoreError::Damaged(format!("{column} is not between 0 and 65,535")))
}

pub fn registry(row: &PgRow) -> Result<Registry, StoreError> {
    Ok(Registry {
        id: row.get("id"),
        address: address(row.get("address"))?,
        authority: address(row.get("authority"))?,
        nonce: uint64(row, "nonce")?,
        kind: RegistryKind::parse(row.get("kind"))?,
        depth: depth(row)?,
        leaf_format: byte(row, "leaf_format")?,
        root_ttl_seconds: row.get("root_ttl_seconds"),
        sealed: row.get("sealed"),
        next_index: unsigned(row.get("next_index"))?,
        sequence: Sequence::from_column(row.get("sequence"))?,
    })
}

pub fn collection(row: &PgRow) -> Result<Collection, StoreError> {
    Ok(Collection {
        key: address(row.get("key"))?,
        kind: byte(row, "kind")?,
        rules: short(row, "rules")?,
        number: short(row, "number")?,
        track: uint64(row, "track_id")?,
    })
}

impl Store {
    /// Returns a registry. Fails with [`StoreError::Unknown`] if it does not exist.
    pub async fn registry(&self, address: Address) -> Result<Registry, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{SELECT} WHERE address = $1")))
            .bind(address.to_bytes())
            .fetch_optional(&self.pool)
            .await?;
        registry(&row.ok_or(StoreError::Unknown {
            what: "registry",
            address,
        })?)
    }

    /// Returns all registries, in the order of their creation.
    pub async fn registries(&self) -> Result<Vec<Registry>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{SELECT} ORDER BY id"))).fetch_all(&self.pool);
        rows.await?.iter().map(registry).collect()
    }

    /// Returns the collections of a registry, ordered by key.
    pub async fn collections(&self, registry: &Registry) -> Result<Vec<Collection>, StoreError> {
        let query = format!("{SELECT_COLLECTIONS} WHERE registry_id = $1 ORDER BY key");
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(registry.id)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(collection).collect()
    }
}
