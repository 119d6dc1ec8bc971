//! The queries of the reconciliation, which compares the database with the program's accounts, and
//! of the comparison with the transactions that a node lists.

use std::collections::HashMap;

use bauta_primitives::{Nullifier, Root};
use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::{PgBindIterExt, PgRow};

use crate::values::{address, bytes32, element, signature, unsigned};
use crate::{Position, Registry, Scope, Sequence, Slot, Store, StoreError};

/// A transaction with at least one applied event or counted refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppliedTransaction {
    /// The slot of the transaction.
    pub slot: Slot,
    /// The first signature of the transaction.
    pub signature: Signature,
    /// Whether the transaction succeeded. A transaction with a refused reuse failed.
    pub succeeded: bool,
}

/// An applied event or a counted refusal, without its content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// The position in the chain.
    pub position: Position,
    /// The name of the event.
    pub kind: String,
    /// The first signature of the transaction.
    pub signature: Signature,
}

/// A nullifier and the state of its account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredNullifier {
    /// The used nullifier.
    pub nullifier: Nullifier,
    /// Whether its account was closed.
    pub reclaimed: bool,
}

/// The configuration of the program according to its events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredConfig {
    /// The address of the admin.
    pub admin: Address,
    /// The address that may become admin, if a handover is open.
    pub pending_admin: Option<Address>,
    /// The tag of the cluster.
    pub cluster_tag: [u8; 32],
    /// Whether the program refuses verifications.
    pub paused: bool,
    /// Whether development keys can be registered.
    pub development_keys_allowed: bool,
}

pub fn applied_transaction(row: &PgRow) -> Result<AppliedTransaction, StoreError> {
    Ok(AppliedTransaction {
        slot: Slot::from_column(row.get("slot"))?,
        signature: signature(row.get("signature"))?,
        succeeded: row.get("succeeded"),
    })
}

impl Store {
    /// Returns the applied transactions of the slots after `slot`, in the order of the chain.
    pub async fn applied_transactions_after(
        &self,
        slot: Slot,
    ) -> Result<Vec<AppliedTransaction>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT ON (slot, transaction_index) slot, signature, kind <> 'ReuseRefused' AS succeeded
             FROM events WHERE slot > $1
             ORDER BY slot, transaction_index",
        )
        .bind(slot.to_column()?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(applied_transaction).collect()
    }

    /// Returns those of the given slots and signatures whose transactions have been applied, in any
    /// order.
    pub async fn applied_transactions_among(
        &self,
        transactions: &[(Slot, Signature)],
    ) -> Result<Vec<AppliedTransaction>, StoreError> {
        let slots: Result<Vec<_>, _> = transactions.iter().map(|(slot, _)| slot.to_column()).collect();
        let rows = sqlx::query(
            "SELECT DISTINCT e.slot, e.signature, e.kind <> 'ReuseRefused' AS succeeded
             FROM unnest($1::bigint[], $2::bytea[]) AS t (slot, signature)
             JOIN events e ON e.slot = t.slot AND e.signature = t.signature",
        )
        .bind(slots?)
        .bind(
            transactions
                .iter()
                .map(|(_, signature)| signature.as_ref())
                .bind_iter(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(applied_transaction).collect()
    }

    /// Returns the events of a slot, in the order of the chain.
    pub async fn events_of_slot(&self, slot: Slot) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = sqlx::query(
            "SELECT transaction_index, instruction_index, inner_index, kind, signature FROM events WHERE slot = $1
             ORDER BY transaction_index, instruction_index, inner_index",
        )
        .bind(slot.to_column()?)
        .fetch_all(&self.pool)
        .await?;
        let event = |row: &PgRow| {
            let index = |column: &str| row.get::<i32, _>(column).unsigned_abs();
            Ok(StoredEvent {
                position: Position {
                    slot,
                    transaction_index: index("transaction_index"),
                    instruction_index: index("instruction_index"),
                    inner_index: index("inner_index"),
                },
                kind: row.get("kind"),
                signature: signature(row.get("signature"))?,
            })
        };
        rows.iter().map(event).collect()
    }

    /// Returns the first applied transaction after a slot, or the first one that waits in a
    /// backfill. A list that begins there does not contain everything that is newer.
    pub async fn first_transaction_after(&self, slot: Slot) -> Result<Option<Signature>, StoreError> {
        let found: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT signature FROM (
                 (SELECT slot, signature::bytea FROM events WHERE slot > $1 ORDER BY slot LIMIT 1)
                 UNION ALL
                 (SELECT slot, signature::bytea FROM backfill_transactions WHERE slot > $1 ORDER BY slot LIMIT 1)
             ) t ORDER BY slot LIMIT 1",
        )
        .bind(slot.to_column()?)
        .fetch_optional(&self.pool)
        .await?;
        found.as_deref().map(signature).transpose()
    }

    /// Returns the configuration. `None` if the program was not initialised.
    pub async fn config(&self) -> Result<Option<StoredConfig>, StoreError> {
        let row = sqlx::query(
            "SELECT admin, pending_admin, cluster_tag, paused, development_keys_allowed FROM config",
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(StoredConfig {
            admin: address(row.get("admin"))?,
            pending_admin: row
                .get::<Option<&[u8]>, _>("pending_admin")
                .map(address)
                .transpose()?,
            cluster_tag: bytes32(row.get("cluster_tag"))?,
            paused: row.get("paused"),
            development_keys_allowed: row.get("development_keys_allowed"),
        }))
    }

    /// Returns the root of a registry after a change. `None` if there was no such change.
    pub async fn root_at(&self, registry: &Registry, sequence: Sequence) -> Result<Option<Root>, StoreError> {
        // No stored root has a sequence that the column cannot hold.
        let Ok(sequence) = sequence.to_column() else {
            return Ok(None);
        };
        let row = sqlx::query("SELECT root FROM roots WHERE registry_id = $1 AND sequence = $2")
            .bind(registry.id)
            .bind(sequence)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(Root::new(element(row.get("root"))?)))
            .transpose()
    }

    /// Returns the current root of each registry, by the database's number for the registry.
    pub async fn current_roots(&self) -> Result<HashMap<i32, Root>, StoreError> {
        let rows = sqlx::query("SELECT registry_id, root FROM roots WHERE replaced_at IS NULL")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((row.get("registry_id"), Root::new(element(row.get("root"))?))))
            .collect()
    }

    /// Returns the number of verifications of each scope that has any, by the database's number for
    /// the scope. It is the number of nullifiers of the scope. The query reads rollups, so its cost
    /// does not depend on the number of nullifiers.
    pub async fn verification_counts(&self) -> Result<Vec<(i32, u64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT scope_id, sum(verifications)::bigint AS verifications FROM verifications_by_day GROUP BY scope_id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((row.get("scope_id"), unsigned(row.get("verifications"))?)))
            .collect()
    }

    /// Returns the nullifiers that were used in a scope and that begin with `prefix`, in any order.
    pub async fn nullifiers(&self, scope: &Scope, prefix: &[u8]) -> Result<Vec<StoredNullifier>, StoreError> {
        let (from, to) = range_of_prefix(prefix);
        let rows = sqlx::query(
            "SELECT hash, reclaimed_at IS NOT NULL AS reclaimed FROM nullifiers
             WHERE scope_id = $1 AND hash >= $2 AND hash <= $3",
        )
        .bind(scope.id)
        .bind(from)
        .bind(to)
        .fetch_all(&self.pool)
        .await?;
        let nullifier = |row: &PgRow| {
            Ok(StoredNullifier {
                nullifier: Nullifier::new(element(row.get("hash"))?),
                reclaimed: row.get("reclaimed"),
            })
        };
        rows.iter().map(nullifier).collect()
    }
}

/// Returns the smallest and the largest 32 bytes that begin with a prefix of at most 32 bytes.
pub fn range_of_prefix(prefix: &[u8]) -> ([u8; 32], [u8; 32]) {
    let (mut from, mut to) = ([0; 32], [0xff; 32]);
    for (index, byte) in prefix.iter().take(32).enumerate() {
        from[index] = *byte;
        to[index] = *byte;
    }
    (from, to)
}
