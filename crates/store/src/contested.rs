//! Transactions about which nodes contradict each other.
//!
//! The table does not follow the chain: no reader uses it, and a rollback does not change it.

use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::{PgBindIterExt, PgRow};

use crate::reconciliation::{AppliedTransaction, applied_transaction};
use crate::values::{bytes32, signature, unsigned};
use crate::{Slot, Store, StoreError};

/// For how many days a version that is decided to be wrong is remembered. A node can list it again
/// for as long as its slot can be rolled back, which is two days.
const UNDONE_DAYS: i32 = 7;

/// What the indexer does with a contested version of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContestState {
    /// It is applied, and nothing decides whether that is right.
    Kept,
    /// It is not applied, and nothing decides whether that is right. Rows may be missing.
    Aside,
    /// It is not applied: other nodes, the program's own rules or its accounts show that it is
    /// wrong.
    Undone,
}

impl ContestState {
    /// Returns the name of the state, as the table has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Aside => "aside",
            Self::Undone => "undone",
        }
    }

    fn from_column(text: &str) -> Result<Self, StoreError> {
        [Self::Kept, Self::Aside, Self::Undone]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StoreError::Damaged(format!("{text} is no state of a contested transaction")))
    }
}

/// A version of a transaction that some nodes return and that others contradict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContestedTransaction {
    /// The slot in which the transaction is listed.
    pub slot: Slot,
    /// The transaction's first signature.
    pub signature: Signature,
    /// The SHA-256 of the events in this version.
    pub version: [u8; 32],
    /// Whether the list says that the transaction succeeded.
    pub succeeded: bool,
    /// What the indexer does with this version.
    pub state: ContestState,
    /// Whether a node returns another version, which can be applied.
    pub has_other: bool,
    /// The nodes that return this version.
    pub nodes: String,
    /// Why it is contested.
    pub reason: String,
    /// For how many seconds it has been contested. Ignored when it is written.
    pub seconds: u64,
}

impl Store {
    /// Records contested versions of transactions. Replaces what was recorded about the same
    /// version, except the time.
    pub async fn contest(&self, contested: &[ContestedTransaction]) -> Result<(), StoreError> {
        let slots: Result<Vec<i64>, _> = contested.iter().map(|entry| entry.slot.to_column()).collect();
        sqlx::query(
            "INSERT INTO contested (slot, signature, version, succeeded, state, has_other, nodes, reason)
             SELECT DISTINCT ON (slot, signature, version) * FROM
                 unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::boolean[], $5::text[], $6::boolean[], $7::text[],
                        $8::text[]) AS t (slot, signature, version, succeeded, state, has_other, nodes, reason)
             ON CONFLICT (slot, signature, version) DO UPDATE SET
                 state = excluded.state, has_other = excluded.has_other, nodes = excluded.nodes,
                 reason = excluded.reason",
        )
        .bind(slots?)
        .bind(contested.iter().map(|entry| entry.signature.as_ref()).bind_iter())
        .bind(contested.iter().map(|entry| entry.version.as_slice()).bind_iter())
        .bind(contested.iter().map(|entry| entry.succeeded).bind_iter())
        .bind(contested.iter().map(|entry| entry.state.as_str()).bind_iter())
        .bind(contested.iter().map(|entry| entry.has_other).bind_iter())
        .bind(contested.iter().map(|entry| entry.nodes.as_str()).bind_iter())
        .bind(contested.iter().map(|entry| entry.reason.as_str()).bind_iter())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the contested versions of transactions, ordered by slot.
    pub async fn contested(&self) -> Result<Vec<ContestedTransaction>, StoreError> {
        let rows = sqlx::query(
            "SELECT slot, signature, version, succeeded, state, has_other, nodes, reason,
                    greatest(0, extract(epoch FROM now() - since))::bigint AS seconds
             FROM contested ORDER BY slot, signature, version",
        )
        .fetch_all(&self.pool)
        .await?;
        let transaction = |row: &PgRow| {
            Ok(ContestedTransaction {
                slot: Slot::from_column(row.get("slot"))?,
                signature: signature(row.get("signature"))?,
                version: bytes32(row.get("version"))?,
                succeeded: row.get("succeeded"),
                state: ContestState::from_column(row.get("state"))?,
                has_other: row.get("has_other"),
                nodes: row.get("nodes"),
                reason: row.get("reason"),
                seconds: unsigned(row.get("seconds"))?,
            })
        };
        rows.iter().map(transaction).collect()
    }

    /// Ends the contests of versions: they can be applied again.
    pub async fn end_contests(&self, contested: &[ContestedTransaction]) -> Result<(), StoreError> {
        let slots: Result<Vec<i64>, _> = contested.iter().map(|entry| entry.slot.to_column()).collect();
        sqlx::query(
            "DELETE FROM contested c
             USING unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS t (slot, signature, version)
             WHERE c.slot = t.slot AND c.signature = t.signature AND c.version = t.version",
        )
        .bind(slots?)
        .bind(contested.iter().map(|entry| entry.signature.as_ref()).bind_iter())
        .bind(contested.iter().map(|entry| entry.version.as_slice()).bind_iter())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes the versions that were decided to be wrong more than a week ago, which no list can
    /// contain again.
    pub async fn prune_contests(&self) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM contested WHERE state = 'undone' AND since < now() - make_interval(days => $1)",
        )
        .bind(UNDONE_DAYS)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the newest applied transactions whose slots can be rolled back, at most `limit`:
    /// those about a registry, a scope or a circuit, or all of them if `account` is `None` or if
    /// nothing is stored about it.
    pub async fn newest_transactions_of(
        &self,
        account: Option<Address>,
        limit: u32,
    ) -> Result<Vec<AppliedTransaction>, StoreError> {
        let query = "
            WITH subject AS (
                SELECT (SELECT id FROM scopes WHERE address = $1) AS scope_id,
                       coalesce((SELECT registry_id FROM scopes WHERE address = $1),
                                (SELECT id FROM registries WHERE address = $1)) AS registry_id)
            SELECT slot, signature, bool_or(kind <> 'ReuseRefused') AS succeeded FROM events e, subject s
            WHERE slot > coalesce((SELECT min(slot) FROM journal) - 1, 9223372036854775807)
              AND ((s.scope_id IS NULL AND s.registry_id IS NULL)
                   OR (s.scope_id IS NULL AND e.registry_id = s.registry_id) OR e.scope_id = s.scope_id)
            GROUP BY slot, transaction_index, signature ORDER BY slot DESC, transaction_index DESC LIMIT $2";
        let rows = sqlx::query(query)
            .bind(account.map(|account| account.to_bytes()))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(applied_transaction).collect()
    }
}
