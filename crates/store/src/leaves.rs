//! Leaves and holdings as they are now.

use bauta_primitives::{Commitment, Leaf};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::audit::between;
use crate::values::{address, bigint, element, uint64, unsigned};
use crate::{Address, Registry, Store, StoreError};

/// A leaf as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeafRecord {
    /// Its position.
    pub index: u64,
    /// The leaf; empty when it was removed.
    pub leaf: Leaf,
    /// When it was written, Unix seconds.
    pub created_at: i64,
}

/// A token that registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Who registered it last.
    pub owner: Address,
    /// That holder's commitment.
    pub commitment: Commitment,
    /// The token's leaf.
    pub index: u64,
    /// The leaf's track.
    pub track: u64,
    /// Whether the leaf is there, not evicted.
    pub live: bool,
    /// When it last changed, Unix seconds.
    pub last_change: i64,
}

const LEAF: &str =
    "SELECT index, leaf_hash, extract(epoch FROM created_at)::bigint AS created_at FROM merkle_leaves";

fn leaf_record(row: &PgRow) -> Result<LeafRecord, StoreError> {
    Ok(LeafRecord {
        index: unsigned(row.get("index"))?,
        leaf: Leaf::new(element(row.get("leaf_hash"))?),
        created_at: row.get("created_at"),
    })
}

const HOLDING: &str = "SELECT mint, owner, commitment, index, track_id::text AS track, live,
        extract(epoch FROM last_change_at)::bigint AS last_change
    FROM holdings WHERE registry_id = $1";

fn holding(row: &PgRow) -> Result<Holding, StoreError> {
    Ok(Holding {
        owner: address(row.get("owner"))?,
        commitment: Commitment::new(element(row.get("commitment"))?),
        index: unsigned(row.get("index"))?,
        track: uint64(row.get("track"))?,
        live: row.get("live"),
        last_change: row.get("last_change"),
    })
}

impl Store {
    /// The leaf at an index; `None` if nothing was ever appended there.
    pub async fn leaf(&self, registry: &Registry, index: u64) -> Result<Option<LeafRecord>, StoreError> {
        let index = registry.depth.check_index(index)?;
        let index = bigint("leaf index", index.get())?;
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{LEAF} WHERE id = (($1::integer::bigint << 32) | $2::bigint)"
        )))
        .bind(registry.id)
        .bind(index)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(leaf_record).transpose()
    }

    /// Where a leaf is. The first place, if the authority of a Managed registry appended it more than once; `None` for the
    /// empty leaf, which is everywhere.
    pub async fn find_leaf(&self, registry: &Registry, leaf: Leaf) -> Result<Option<LeafRecord>, StoreError> {
        if leaf == Leaf::EMPTY {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{LEAF} WHERE leaf_hash = $2 AND registry_id = $1
               AND leaf_hash <> '\\x0000000000000000000000000000000000000000000000000000000000000000'::bytea
             ORDER BY index LIMIT 1"
        )))
        .bind(registry.id)
        .bind(leaf.to_bytes().as_slice())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(leaf_record).transpose()
    }

    /// What is known of a token in a registry; `None` if it never registered.
    pub async fn holding(&self, registry: &Registry, mint: Address) -> Result<Option<Holding>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{HOLDING} AND mint = $2")))
            .bind(registry.id)
            .bind(mint.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(holding).transpose()
    }

    /// The tokens that registered in a registry, by mint; with `first_byte` only those whose mint begins with it.
    pub async fn holdings(
        &self,
        registry: &Registry,
        first_byte: Option<u8>,
    ) -> Result<Vec<(Address, Holding)>, StoreError> {
        let (from, to) = between(first_byte);
        let query = format!("{HOLDING} AND mint >= $2 AND mint <= $3 ORDER BY mint");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(registry.id)
            .bind(from.as_slice())
            .bind(to.as_slice())
            .fetch_all(&self.pool)
            .await?;
        let with_mint = |row: &PgRow| Ok((address(row.get("mint"))?, holding(row)?));
        rows.iter().map(with_mint).collect()
    }
}
