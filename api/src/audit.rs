//! The audit log in the database, beside the log lines with the target `audit`.
//!
//! A change is recorded in its own transaction. A refusal changes nothing, so its record has a
//! transaction of its own. Clients cause refusals, so an instance stores a bounded number of them
//! in a minute. Each refusal has a log line.

use std::num::NonZeroU32;

use bauta_service_common::RateLimit;
use bauta_store::{AuditRecord, Store};

use crate::metrics;

/// Refusals that an instance stores in a minute.
const REFUSALS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("120 is not 0");

/// Stores refusals.
pub struct Audit {
    store: Store,
    refusals: RateLimit,
}

impl Audit {
    /// Creates the audit log of a database, which must be the primary.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            refusals: RateLimit::default(),
        }
    }

    /// Stores that a request was refused. `actor` is the account, if it is known.
    pub async fn refused(&self, event: &'static str, code: &'static str, actor: Option<&str>) {
        let counted = self
            .refusals
            .take("refusals", REFUSALS_PER_MINUTE, NonZeroU32::MIN);
        if counted.is_err() {
            metrics::record_unstored_refusal();
            return;
        }
        let record = AuditRecord::refusal(event, code, actor);
        if let Err(error) = self.store.add_audit_record(&record).await {
            metrics::record_unstored_refusal();
            tracing::warn!(event = "audit_unavailable", %error);
        }
    }
}
