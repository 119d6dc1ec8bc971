//! Seals the audit log: stores a signed checkpoint in each minute with new records.
//!
//! ```text
//!   newest seal by this key --> records after it, with their hashes --> end of the log
//!   (none: the beginning)       (1,000 at a time, at most 100,000)          |
//!                                                                       signature
//! ```
//!
//! Seals that this key has not signed are passed over. So a party that adds one can't hide the seals
//! before it.
//!
//! A party that can write to the database could otherwise let the service sign any log.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_service_common::Service;
use bauta_store::{AuditCheck, AuditHead, AuditSeal, Store, StoreError};
use tokio::sync::Mutex;

use crate::{accounts::Checkpoints, metrics};

/// Time between two looks at the end of the log. The database has at most one seal for a minute.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time until the next look after the log or the last seal was found to be wrong.
const INTERVAL_AFTER_DAMAGE: Duration = Duration::from_mins(1);
/// The least time for which a note is used, or the error of one.
const MIN_NOTE_AGE: Duration = Duration::from_secs(1);
/// The longest time.
const MAX_NOTE_AGE: Duration = Duration::from_mins(1);
/// A note is used for this number of times as long as it took to make it.
const NOTE_AGE_FACTOR: u32 = 10;
/// Number of records that are checked at a time.
const CHECKED_AT_ONCE: u16 = 1_000;
/// Largest number of records that are checked before a signature: it takes a few seconds.
const MAX_CHECKED: u64 = 100_000;
/// Seals that are read at a time, from the newest on.
const SEALS_AT_ONCE: u16 = 1_000;
/// Seals that are read at most to find one by this key: those of 69 days. Each takes a check of a
/// signature.
const MAX_SEALS: usize = 100_000;

/// The log without records.
const BEGINNING: AuditHead = AuditHead {
    records: 0,
    hash: [0; 32],
};

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A record is missing, or not as it was written.
    #[error("record {0} of the audit log is missing, or not as it was written: run `bauta-api check-audit`")]
    Broken(u64),
    /// The log has fewer records than before.
    #[error("the audit log has {records} records, and had {before}: run `bauta-api check-audit`")]
    Cut {
        /// The number of records.
        records: u64,
        /// The number before.
        before: u64,
    },
    /// There are many seals by other keys.
    #[error(
        "none of the newest {MAX_SEALS} seals of the audit log is signed with the key of this service (ACCOUNT_KEY): delete \
         seals that were made up, or those of an earlier key"
    )]
    NoOwnSeal,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs the end of the audit log.
///
/// 1. The records of a signature are those of the newest seal by this key, or of the last signature
///    of this process, and the records after them, with the right hashes.
/// 2. The number of records never decreases.
pub struct AuditSigner {
    store: Store,
    /// The key of the signatures.
    pub checkpoints: Checkpoints,
    /// The end of the records that are checked.
    checked: Mutex<Option<AuditHead>>,
    /// The note of all clients, and until when it is used.
    note: Mutex<Option<(Instant, Note)>>,
}

/// A signed note, or why there is none.
type Note = Result<Arc<str>, Arc<SealError>>;

impl AuditSigner {
    /// Signs the log of a database, which must be the primary.
    pub fn new(store: Store, checkpoints: Checkpoints) -> Self {
        Self {
            store,
            checkpoints,
            checked: Mutex::default(),
            note: Mutex::default(),
        }
    }

    /// Returns the signed note of the end of the log, for clients. A note, and an error too, is used
    /// for a second, and up to a minute if it took long. This bounds the work that requests cause,
    /// and requests do not delay the seals.
    pub async fn note(&self) -> Note {
        let mut kept = self.note.lock().await;
        if let Some((until, note)) = &*kept
            && Instant::now() < *until
        {
            return note.clone();
        }
        let begun = Instant::now();
        let note = self.sign().await;
        let note = note.map(|(_, note)| note.into()).map_err(Arc::new);
        let age = (begun.elapsed() * NOTE_AGE_FACTOR).clamp(MIN_NOTE_AGE, MAX_NOTE_AGE);
        *kept = Some((Instant::now() + age, note.clone()));
        note
    }

    /// Returns the signed note of the end of the log. If more than 100,000 records are not checked
    /// yet, it is that of an earlier record.
    async fn sign(&self) -> Result<(AuditHead, String), SealError> {
        let last = self.store.last_audit_seal().await?;
        self.sign_after(last.as_ref()).await
    }

    /// Signs the end of the log after the newest seal by this key. `last` is the newest of all.
    async fn sign_after(&self, last: Option<&AuditSeal>) -> Result<(AuditHead, String), SealError> {
        let mut checked = self.checked.lock().await;
        // Another instance can have sealed more.
        let sealed = match last {
            Some(seal) if self.is_own(seal) => Some(seal.head),
            // The first signature of this process is after a seal. So are the next ones.
            Some(seal) if checked.is_none() => self.own_seal_before(seal.head.records).await?,
            _ => None,
        };
        let known = checked.into_iter().chain(sealed);
        let from = known.max_by_key(|head| head.records).unwrap_or(BEGINNING);
        let to = self.store.audit_head().await?;
        let mut head = from;
        loop {
            head = self.follow(head, to).await?;
            *checked = Some(head);
            if head.records >= to.records || head.records - from.records >= MAX_CHECKED {
                return Ok((head, self.checkpoints.sign(&head)));
            }
        }
    }

    /// Checks the next records. Returns their end.
    async fn follow(&self, from: AuditHead, to: AuditHead) -> Result<AuditHead, SealError> {
        match self.store.follow_audit_log(from, to, CHECKED_AT_ONCE).await? {
            AuditCheck::Complete(head) => Ok(head),
            AuditCheck::Broken(number) => Err(SealError::Broken(number)),
            AuditCheck::OtherHead { records, head } => Err(SealError::Cut {
                records,
                before: head,
            }),
        }
    }

    /// Returns the end of the records of the newest seal by this key with fewer records. `None` if
    /// there is none.
    async fn own_seal_before(&self, mut records: u64) -> Result<Option<AuditHead>, SealError> {
        for _ in 0..MAX_SEALS / usize::from(SEALS_AT_ONCE) {
            let seals = self.store.audit_seals_before(records, SEALS_AT_ONCE).await?;
            let Some(oldest) = seals.last() else {
                return Ok(None);
            };
            if let Some(own) = seals.iter().find(|seal| self.is_own(seal)) {
                return Ok(Some(own.head));
            }
            records = oldest.head.records;
        }
        Err(SealError::NoOwnSeal)
    }

    fn is_own(&self, seal: &AuditSeal) -> bool {
        self.checkpoints.has_signed(&seal.note, &seal.head)
    }
}

/// Starts the task that seals the log. All instances do this, and each minute has one seal.
pub fn start(signer: Arc<AuditSigner>, service: &Service) {
    let shutdown = service.shutdown();
    metrics::register_seals();
    service.spawn("the seals of the audit log", async move {
        while !shutdown.is_cancelled() {
            let (pause, outcome) = match seal(&signer).await {
                Ok(true) => (INTERVAL, None),
                Ok(false) => (INTERVAL_AFTER_DAMAGE, Some(metrics::SealFailure::OtherKey)),
                Err(SealError::Store(error)) => {
                    tracing::warn!(event = "audit_not_sealed", %error);
                    (INTERVAL, Some(metrics::SealFailure::Database))
                }
                Err(error) => {
                    tracing::error!(event = "audit_not_sealed", %error);
                    (INTERVAL_AFTER_DAMAGE, Some(metrics::SealFailure::Log))
                }
            };
            metrics::record_seal_look(outcome);
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok::<_, Infallible>(())
    });
}

/// Adds a seal if the log has more records than the last seal. Returns whether the last seal before
/// was by this key.
async fn seal(signer: &AuditSigner) -> Result<bool, SealError> {
    let last = signer.store.last_audit_seal().await?;
    let sealed = last.as_ref().map_or(0, |seal| seal.head.records);
    let is_own = last.as_ref().is_none_or(|seal| signer.is_own(seal));
    if !is_own {
        tracing::error!(
            event = "audit_seal_refused",
            records = sealed,
            error = "the last seal is not signed with the key of this service (ACCOUNT_KEY): it was changed, or the \
                     service had another key; run `bauta-api check-audit`"
        );
    }
    let (head, note) = signer.sign_after(last.as_ref()).await?;
    if head.records > sealed {
        signer.store.add_audit_seal(&head, &note).await?;
    }
    Ok(is_own)
}

#[cfg(test)]
mod tests {
    use bauta_store::{AccountId, AuditRecord, Role, testing::TestDatabase};

    use super::*;

    #[tokio::test]
    async fn clients_share_a_note_and_an_error_and_seals_do_not_wait_for_them() {
        let database = TestDatabase::create().await.unwrap();
        let signer = AuditSigner::new(database.store.clone(), Checkpoints::new(&[7; 32], "log"));
        let first = signer.note().await.unwrap();
        let later = Instant::now() + Duration::from_mins(10);
        let keep = async || signer.note.lock().await.as_mut().unwrap().0 = later;
        keep().await;
        let record = AuditRecord::of("role_granted", "operator", "test");
        let granted = database
            .store
            .grant_role(AccountId([1; 16]), Role::Owner, &record);
        granted.await.unwrap();
        assert!(Arc::ptr_eq(&first, &signer.note().await.unwrap()));
        let busy = signer.note.lock().await;
        let (head, sealed) = signer.sign().await.unwrap();
        drop(busy);
        assert_eq!(head.records, 1);
        *signer.note.lock().await = None;
        assert_eq!(*signer.note().await.unwrap(), *sealed);
        database.pool().close().await;
        *signer.note.lock().await = None;
        let failed = signer.note().await.unwrap_err();
        keep().await;
        assert!(Arc::ptr_eq(&failed, &signer.note().await.unwrap_err()));
    }
}
