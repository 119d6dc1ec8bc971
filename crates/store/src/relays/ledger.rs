//! The wallets that pay for relays, and their ledger: every transaction of a wallet in the order of
//! the chain. The balance before each one is the balance after the previous one, so that a missing
//! transaction is found.

use std::collections::HashSet;

use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;

use super::{RandomId, settle};
use crate::values::{address, bigint, signature, text_enum, unsigned};
use crate::{Store, StoreError};

text_enum! {
    /// What a transaction of a wallet was for.
    LedgerKind {
        /// A relayed verification.
        Relay = "relay",
        /// The rent of nullifier accounts was returned.
        Reclaim = "reclaim",
        /// Another transaction, for example a deposit.
        Other = "other",
        /// A transaction that no node returns. Its balances are those of its neighbours.
        Unread = "unread",
    }
}

/// How a transaction of a wallet ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Execution {
    /// It was executed.
    Succeeded,
    /// It was executed and failed. It cost its fee.
    Failed,
    /// No node returns it.
    Unread,
}

/// A wallet and its ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelayWallet {
    /// The address.
    pub wallet: Address,
    /// The balance after the last entry.
    pub balance: u64,
    /// What relays that are not settled can still cost.
    pub reserved: u64,
    /// The number of entries.
    pub entries: u64,
    /// The last transaction that was read.
    pub last_signature: Option<Signature>,
    /// Where the listing of transactions that are not booked continues, newest first. `None` means
    /// that the listing starts with the newest.
    pub unread_before: Option<Signature>,
    /// Seconds since the ledger last had every finalized transaction of the wallet.
    pub incomplete_seconds: u64,
}

/// A transaction of a wallet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerEntry {
    /// The address of the wallet.
    pub wallet: Address,
    /// The transaction.
    pub signature: Signature,
    /// The slot of the transaction.
    pub slot: u64,
    /// The wallet's balance before the transaction.
    pub before: u64,
    /// The wallet's balance after the transaction.
    pub after: u64,
    /// The fee that the wallet paid.
    pub fee: u64,
}

impl Store {
    /// Adds a wallet with its balance, unless the ledger has it. `last_signature` is its last
    /// transaction, after which the balance was read.
    pub async fn open_relay_wallet(
        &self,
        wallet: Address,
        balance: u64,
        last_signature: Option<Signature>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO relay_wallets (wallet, opening, balance, last_signature) VALUES ($1, $2, $2, $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(wallet.to_bytes())
        .bind(bigint("lamports", balance)?)
        .bind(last_signature.map(|signature| signature.as_ref().to_vec()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the wallets that the ledger has.
    pub async fn relay_wallets(&self) -> Result<Vec<RelayWallet>, StoreError> {
        let rows = sqlx::query(
            "SELECT wallet::bytea AS wallet, balance, reserved, entries, last_signature::bytea AS last_signature,
                    unread_before::bytea AS unread_before,
                    greatest(extract(epoch FROM now() - complete_at)::bigint, 0) AS incomplete
             FROM relay_wallets ORDER BY wallet",
        )
        .fetch_all(&self.pool)
        .await?;
        let wallet = |row: &sqlx::postgres::PgRow| {
            let last: Option<&[u8]> = row.get("last_signature");
            let before: Option<&[u8]> = row.get("unread_before");
            Ok(RelayWallet {
                wallet: address(row.get("wallet"))?,
                balance: unsigned(row.get("balance"))?,
                reserved: unsigned(row.get("reserved"))?,
                entries: unsigned(row.get("entries"))?,
                last_signature: last.map(signature).transpose()?,
                unread_before: before.map(signature).transpose()?,
                incomplete_seconds: unsigned(row.get("incomplete"))?,
            })
        };
        rows.iter().map(wallet).collect()
    }

    /// Leases the booking of a wallet's transactions for a number of seconds. `None` if another
    /// instance has the lease.
    pub async fn take_booking(
        &self,
        wallet: Address,
        seconds: u32,
    ) -> Result<Option<RelayWallet>, StoreError> {
        let taken = sqlx::query(
            "UPDATE relay_wallets SET next_booking = now() + $2::bigint * interval '1 second'
             WHERE wallet = $1 AND next_booking <= now()",
        )
        .bind(wallet.to_bytes())
        .bind(i64::from(seconds))
        .execute(&self.pool)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(None);
        }
        let wallets = self.relay_wallets().await?;
        Ok(wallets.into_iter().find(|known| known.wallet == wallet))
    }

    /// Ends the lease to book a wallet's transactions. The next lease begins after `seconds`.
    /// `is_complete` says that the ledger has every finalized transaction. `unread_before` is where
    /// the next lease continues to list those that are not booked.
    pub async fn end_booking(
        &self,
        wallet: Address,
        seconds: u32,
        is_complete: bool,
        unread_before: Option<Signature>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE relay_wallets SET next_booking = now() + $2::bigint * interval '1 second', unread_before = $4,
                 complete_at = CASE WHEN $3 THEN now() ELSE complete_at END
             WHERE wallet = $1",
        )
        .bind(wallet.to_bytes())
        .bind(i64::from(seconds))
        .bind(is_complete)
        .bind(unread_before.map(|signature| signature.as_ref().to_vec()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Books the next transaction of a wallet. Returns the kind, or `None` and changes nothing if
    /// the balance before it is not the balance of the ledger.
    ///
    /// If the ledger has never read a transaction of the wallet, the first one decides the opening
    /// balance.
    ///
    /// A transaction of a relay that has used the nullifier is recorded as the relay's, even if the
    /// relay has ended in another way: its rent is returned later.
    pub async fn book(
        &self,
        entry: &LedgerEntry,
        execution: Execution,
    ) -> Result<Option<LedgerKind>, StoreError> {
        let (before, after) = (
            bigint("lamports", entry.before)?,
            bigint("lamports", entry.after)?,
        );
        let mut transaction = self.pool.begin().await?;
        // A transaction of one wallet can name another one.
        let source = sqlx::query(
            "SELECT (SELECT a.relay::bytea FROM relay_attempts a JOIN relays r ON r.id = a.relay
                     WHERE a.signature = $1 AND r.wallet = $2) AS relay,
                    EXISTS (SELECT FROM relay_reclaims WHERE signature = $1) AS is_reclaim",
        )
        .bind(entry.signature.as_ref())
        .bind(entry.wallet.to_bytes())
        .fetch_one(&mut *transaction)
        .await?;
        let relay: Option<Vec<u8>> = source.get("relay");
        // Rows are locked in the order of `settle`: relay, wallet, budget.
        if let Some(relay) = &relay {
            sqlx::query("SELECT FROM relays WHERE id = $1 FOR UPDATE")
                .bind(relay)
                .execute(&mut *transaction)
                .await?;
        }
        let wallet = sqlx::query(
            "UPDATE relay_wallets SET balance = $3, entries = entries + 1, last_signature = $4,
                 opening = CASE WHEN last_signature IS NULL THEN $2 ELSE opening END
             WHERE wallet = $1 AND (balance = $2 OR last_signature IS NULL)
             RETURNING entries",
        )
        .bind(entry.wallet.to_bytes())
        .bind(before)
        .bind(after)
        .bind(entry.signature.as_ref())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(wallet) = wallet else { return Ok(None) };
        let kind = match &relay {
            _ if execution == Execution::Unread => LedgerKind::Unread,
            Some(_) => LedgerKind::Relay,
            None if source.get("is_reclaim") => LedgerKind::Reclaim,
            None => LedgerKind::Other,
        };
        let booked = sqlx::query(
            "INSERT INTO relay_ledger (wallet, number, signature, slot, kind, relay, before, after, fee)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        )
        .bind(entry.wallet.to_bytes())
        .bind(wallet.get::<i64, _>("entries"))
        .bind(entry.signature.as_ref())
        .bind(bigint("slot", entry.slot)?)
        .bind(kind.as_str())
        .bind(relay.as_deref())
        .bind(before)
        .bind(after)
        .bind(bigint("lamports", entry.fee)?)
        .execute(&mut *transaction)
        .await?;
        if booked.rows_affected() == 0 {
            return Ok(None);
        }
        if let Some(relay) = relay {
            let is_landed = execution == Execution::Succeeded;
            // A relay that is settled already has its cost in its budget. The cost of a transaction
            // that was executed after all is added.
            sqlx::query(
                "WITH relay AS (UPDATE relays SET cost = cost + $2, landed = coalesce(landed, $3)
                                WHERE id = $1 RETURNING budget, day, settled)
                 UPDATE relay_budgets b SET spent = spent + $2 FROM relay r
                 WHERE r.settled AND b.scope = r.budget AND b.day = r.day",
            )
            .bind(&relay)
            .bind(before - after)
            .bind(is_landed.then(|| entry.signature.as_ref().to_vec()))
            .execute(&mut *transaction)
            .await?;
            settle(&mut transaction, &relay).await?;
        }
        transaction.commit().await?;
        Ok(Some(kind))
    }

    /// Returns a transaction that is in a slot before that of the last entry of a wallet's ledger.
    /// Every transaction that the ledger doesn't have is after it in a node's list, whatever the
    /// order of the list within a slot is. `None` if there is no such entry.
    pub async fn booked_before_last_slot(&self, wallet: Address) -> Result<Option<Signature>, StoreError> {
        let found: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT signature::bytea FROM relay_ledger
             WHERE wallet = $1
                 AND slot < (SELECT slot FROM relay_ledger WHERE wallet = $1 ORDER BY number DESC LIMIT 1)
             ORDER BY number DESC LIMIT 1",
        )
        .bind(wallet.to_bytes())
        .fetch_optional(&self.pool)
        .await?;
        found.as_deref().map(signature).transpose()
    }

    /// Returns which of these transactions a wallet's ledger has.
    pub async fn booked_among(
        &self,
        wallet: Address,
        signatures: &[Signature],
    ) -> Result<HashSet<Signature>, StoreError> {
        let signatures: Vec<&[u8]> = signatures.iter().map(AsRef::as_ref).collect();
        let found: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT signature::bytea FROM relay_ledger WHERE wallet = $1 AND signature = ANY($2::bytea[])",
        )
        .bind(wallet.to_bytes())
        .bind(signatures)
        .fetch_all(&self.pool)
        .await?;
        found.iter().map(|found| signature(found)).collect()
    }

    /// Returns a page of a wallet's ledger after an entry, oldest first, with the kind and the
    /// relay of each entry.
    pub async fn ledger_after(
        &self,
        wallet: Address,
        number: u64,
        limit: u16,
    ) -> Result<Vec<(LedgerEntry, LedgerKind, Option<RandomId>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT signature::bytea AS signature, slot, kind, relay::bytea AS relay, before, after, fee
             FROM relay_ledger WHERE wallet = $1 AND number > $2 ORDER BY number LIMIT $3",
        )
        .bind(wallet.to_bytes())
        .bind(i64::try_from(number).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let entry = |row: &sqlx::postgres::PgRow| {
            let relay: Option<&[u8]> = row.get("relay");
            let entry = LedgerEntry {
                wallet,
                signature: signature(row.get("signature"))?,
                slot: unsigned(row.get("slot"))?,
                before: unsigned(row.get("before"))?,
                after: unsigned(row.get("after"))?,
                fee: unsigned(row.get("fee"))?,
            };
            let relay = relay.map(super::random_id).transpose()?;
            Ok((entry, LedgerKind::parse(row.get("kind"))?, relay))
        };
        rows.iter().map(entry).collect()
    }
}
