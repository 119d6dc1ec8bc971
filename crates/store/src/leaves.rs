//! The leaves and holdings as they are now.

use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{Commitment, Leaf};
use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::reconciliation::range_of_prefix;
use crate::uint64::uint64;
use crate::values::{address, bigint, element, leaf_index};
use crate::{Registry, Store, StoreError};

/// A leaf as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeafRecord {
    /// The index of the leaf.
    pub index: LeafIndex,
    /// The leaf, or the empty leaf if it was removed.
    pub leaf: Leaf,
    /// The time at which the leaf was written, in Unix seconds.
    pub created_at: i64,
}

/// The registration of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// The wallet that registered the token last.
    pub owner: Address,
    /// The commitment of that holder.
    pub commitment: Commitment,
    /// The index of the token's leaf.
    pub index: LeafIndex,
    /// The track of the leaf.
    pub track: u64,
    /// Whether the token has a leaf. `false` after an eviction.
    pub live: bool,
    /// The time of the last change, in Unix seconds.
    pub last_change: i64,
}

const SELECT_LEAF: &str =
    "SELECT index, leaf_hash, extract(epoch FROM created_at)::bigint AS created_at FROM merkle_leaves";

fn leaf_record(depth: Depth, row: &PgRow) -> Result<LeafRecord, StoreError> {
    Ok(LeafRecord {
        index: leaf_index(depth, row.get("index"))?,
        leaf: Leaf::new(element(row.get("leaf_hash"))?),
        created_at: row.get("created_at"),
    })
}

pub const SELECT_HOLDING: &str = "SELECT mint, owner, commitment, index, track_id, live,
        extract(epoch FROM last_change_at)::bigint AS last_change
    FROM holdings WHERE registry_id = $1";

pub fn holding(depth: Depth, row: &PgRow) -> Result<Holding, StoreError> {
    Ok(Holding {
        owner: address(row.get("owner"))?,
        commitment: Commitment::new(element(row.get("commitment"))?),
        index: leaf_index(depth, row.get("index"))?,
        track: uint64(row, "track_id")?,
        live: row.get("live"),
        last_change: row.get("last_change"),
    })
}

impl Store {
    /// Returns the leaf at an index. `None` if no leaf was ever appended there. Fails if the tree
    /// has no such index.
    pub async fn leaf(&self, registry: &Registry, index: u64) -> Result<Option<LeafRecord>, StoreError> {
        let index = registry.depth.check_index(index)?;
        let row = sqlx::query(AssertSqlSafe(format!(
            "{SELECT_LEAF} WHERE id = (($1::integer::bigint << 32) | $2::bigint)"
        )))
        .bind(registry.id)
        .bind(bigint("leaf index", index.get())?)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| leaf_record(registry.depth, &row)).transpose()
    }

    /// Returns the first position of a leaf. The authority of a Managed registry may append a leaf
    /// more than once. `None` if the tree does not have the leaf, and for the empty leaf.
    pub async fn find_leaf(&self, registry: &Registry, leaf: Leaf) -> Result<Option<LeafRecord>, StoreError> {
        if leaf == Leaf::EMPTY {
            return Ok(None);
        }
        // The last condition lets Postgres use the index, which has no empty leaves.
        let row = sqlx::query(AssertSqlSafe(format!(
            "{SELECT_LEAF} WHERE leaf_hash = $2 AND registry_id = $1
               AND leaf_hash <> '\\x0000000000000000000000000000000000000000000000000000000000000000'::bytea
             ORDER BY index LIMIT 1"
        )))
        .bind(registry.id)
        .bind(leaf.to_bytes())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| leaf_record(registry.depth, &row)).transpose()
    }

    /// Returns the holding of a token in a registry. `None` if the token never registered.
    pub async fn holding(&self, registry: &Registry, mint: Address) -> Result<Option<Holding>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{SELECT_HOLDING} AND mint = $2")))
            .bind(registry.id)
            .bind(mint.to_bytes())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| holding(registry.depth, &row)).transpose()
    }

    /// Returns the mints and holdings of a registry whose mint begins with `prefix`, ordered by
    /// mint.
    pub async fn holdings(
        &self,
        registry: &Registry,
        prefix: &[u8],
    ) -> Result<Vec<(Address, Holding)>, StoreError> {
        let (from, to) = range_of_prefix(prefix);
        let query = format!("{SELECT_HOLDING} AND mint >= $2 AND mint <= $3 ORDER BY mint");
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(registry.id)
            .bind(from)
            .bind(to)
            .fetch_all(&self.pool)
            .await?;
        let with_mint = |row: &PgRow| Ok((address(row.get("mint"))?, holding(registry.depth, row)?));
        rows.iter().map(with_mint).collect()
    }
}
