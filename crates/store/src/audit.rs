//! What an indexer compares with the chain: which transactions have been applied, and what accounts should say.

use bauta_primitives::{Nullifier, Root};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::values::{address, bigint, bytes32, element, unsigned};
use crate::{Address, Registry, Scope, Signature, Store, StoreError};

/// A transaction with at least one event, or refused use, that has been applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppliedTransaction {
    /// Its slot.
    pub slot: u64,
    /// The transaction.
    pub signature: Signature,
    /// Whether it succeeded; a refused use is in one that failed.
    pub succeeded: bool,
}

/// A nullifier and whether its account should be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredNullifier {
    /// The nullifier.
    pub nullifier: Nullifier,
    /// Whether its account was closed.
    pub reclaimed: bool,
}

/// The program's configuration, as its events told it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredConfig {
    /// The admin.
    pub admin: Address,
    /// Who may become admin.
    pub pending_admin: Option<Address>,
    /// The cluster's tag.
    pub cluster_tag: [u8; 32],
    /// Whether verifications are refused.
    pub paused: bool,
    /// Whether development keys may be registered.
    pub development_keys_allowed: bool,
}

fn signature(row: &PgRow) -> Result<Signature, StoreError> {
    let bytes = row.get::<&[u8], _>("signature").try_into();
    bytes
        .map(Signature)
        .map_err(|_| StoreError::Damaged("a signature of other than 64 bytes".into()))
}

fn applied(row: &PgRow) -> Result<AppliedTransaction, StoreError> {
    Ok(AppliedTransaction {
        slot: unsigned(row.get("slot"))?,
        signature: signature(row)?,
        succeeded: row.get("succeeded"),
    })
}

impl Store {
    /// Transactions whose events have been applied, in slots after `slot`, in the order of the chain.
    pub async fn applied_after(&self, slot: u64) -> Result<Vec<AppliedTransaction>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT ON (slot, transaction_index) slot, signature, kind <> 'ReuseRefused' AS succeeded
             FROM events WHERE slot > $1
             ORDER BY slot, transaction_index",
        )
        .bind(bigint("slot", slot)?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(applied).collect()
    }

    /// Which of these transactions have had events applied.
    pub async fn applied_of(
        &self,
        transactions: &[AppliedTransaction],
    ) -> Result<Vec<AppliedTransaction>, StoreError> {
        let slots = transactions
            .iter()
            .map(|transaction| bigint("slot", transaction.slot));
        let signatures: Vec<_> = transactions
            .iter()
            .map(|transaction| transaction.signature.0.as_slice())
            .collect();
        let rows = sqlx::query(
            "SELECT DISTINCT e.slot, e.signature, e.kind <> 'ReuseRefused' AS succeeded
             FROM unnest($1::bigint[], $2::bytea[]) AS t (slot, signature)
             JOIN events e ON e.slot = t.slot AND e.signature = t.signature",
        )
        .bind(slots.collect::<Result<Vec<_>, _>>()?)
        .bind(signatures)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(applied).collect()
    }

    /// The configuration; `None` before the program was initialised.
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

    /// The root that a change of a registry gave; `None` if there was no such change.
    pub async fn root_at(&self, registry: &Registry, sequence: u64) -> Result<Option<Root>, StoreError> {
        let row = sqlx::query("SELECT root FROM roots WHERE registry_id = $1 AND sequence = $2")
            .bind(registry.id)
            .bind(bigint("sequence", sequence)?)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(Root::new(element(row.get("root"))?)))
            .transpose()
    }

    /// How many nullifiers have been used in a scope.
    pub async fn nullifier_count(&self, scope: &Scope) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM nullifiers WHERE scope_id = $1")
            .bind(scope.id)
            .fetch_one(&self.pool)
            .await?;
        unsigned(row.get(0))
    }

    /// The nullifiers used in a scope; with `first_byte` only those that begin with it.
    pub async fn nullifiers(
        &self,
        scope: &Scope,
        first_byte: Option<u8>,
    ) -> Result<Vec<StoredNullifier>, StoreError> {
        let (from, to) = between(first_byte);
        let rows = sqlx::query(
            "SELECT hash, reclaimed_at IS NOT NULL AS reclaimed FROM nullifiers
             WHERE scope_id = $1 AND hash >= $2 AND hash <= $3",
        )
        .bind(scope.id)
        .bind(from.as_slice())
        .bind(to.as_slice())
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

/// The first and the last 32 bytes that begin with a byte.
pub fn between(first_byte: Option<u8>) -> ([u8; 32], [u8; 32]) {
    let (mut from, mut to) = ([0; 32], [0xff; 32]);
    if let Some(byte) = first_byte {
        from[0] = byte;
        to[0] = byte;
    }
    (from, to)
}
