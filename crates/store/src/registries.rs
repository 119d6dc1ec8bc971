//! Registries and their collections.

use bauta_primitives::tree::Depth;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::values::{address, uint64, unsigned};
use crate::{Address, RegistryKind, Store, StoreError};

/// A registry, as the program's events told it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registry {
    /// The database's number for it; goes into [`Store::path`] and the like.
    pub id: i32,
    /// The registry account.
    pub address: Address,
    /// Its authority.
    pub authority: Address,
    /// The authority's number for it.
    pub nonce: u64,
    /// Who decides about its leaves.
    pub kind: RegistryKind,
    /// Levels of its tree.
    pub depth: Depth,
    /// What `attributes` mean in its leaves.
    pub leaf_format: u8,
    /// Seconds for which a kept root is accepted after its replacement.
    pub root_ttl_seconds: i64,
    /// Whether its collections are fixed for ever.
    pub sealed: bool,
    /// Where the next leaf goes; 0 for ever in an Attested registry.
    pub next_index: u64,
    /// Tree changes so far.
    pub sequence: u64,
}

/// A mint or group whose tokens may register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Collection {
    /// A mint, or a Token-2022 group.
    pub key: Address,
    /// Whether `key` is a group.
    pub is_group: bool,
    /// The track of its tokens.
    pub track: u64,
}

const COLUMNS: &str =
    "SELECT id, address, authority, nonce::text AS nonce, kind, depth, leaf_format, root_ttl_seconds,
    sealed, next_index, sequence FROM registries";

pub fn depth(row: &PgRow) -> Result<Depth, StoreError> {
    let depth = byte(row, "depth")?;
    Ok(Depth::try_from(depth)?)
}

pub fn byte(row: &PgRow, column: &str) -> Result<u8, StoreError> {
    u8::try_from(row.get::<i16, _>(column))
        .map_err(|_| StoreError::Damaged(format!("{column} is not between 0 and 255")))
}

fn registry(row: &PgRow) -> Result<Registry, StoreError> {
    Ok(Registry {
        id: row.get("id"),
        address: address(row.get("address"))?,
        authority: address(row.get("authority"))?,
        nonce: uint64(row.get("nonce"))?,
        kind: RegistryKind::parse(row.get("kind"))?,
        depth: depth(row)?,
        leaf_format: byte(row, "leaf_format")?,
        root_ttl_seconds: row.get("root_ttl_seconds"),
        sealed: row.get("sealed"),
        next_index: unsigned(row.get("next_index"))?,
        sequence: unsigned(row.get("sequence"))?,
    })
}

impl Store {
    /// One registry.
    pub async fn registry(&self, address: Address) -> Result<Registry, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE address = $1")))
            .bind(address.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        registry(&row.ok_or(StoreError::Unknown {
            what: "registry",
            address,
        })?)
    }

    /// All registries, in order of creation.
    pub async fn registries(&self) -> Result<Vec<Registry>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY id"))).fetch_all(&self.pool);
        rows.await?.iter().map(registry).collect()
    }

    /// A registry's collections.
    pub async fn collections(&self, registry: &Registry) -> Result<Vec<Collection>, StoreError> {
        let rows = sqlx::query(
            "SELECT key, is_group, track_id::text AS track FROM collections WHERE registry_id = $1 ORDER BY key",
        )
        .bind(registry.id)
        .fetch_all(&self.pool)
        .await?;
        let collection = |row: &PgRow| {
            Ok(Collection {
                key: address(row.get("key"))?,
                is_group: row.get("is_group"),
                track: uint64(row.get("track"))?,
            })
        };
        rows.iter().map(collection).collect()
    }
}
