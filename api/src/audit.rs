//! The audit log in the database, beside the log lines with the target `audit`.
//!
//! ```text
//!   change  -> its own transaction, with the record
//!   refusal, login without a role -> budget -> queue -> one task -> one transaction for the queue
//! ```
//!
//! 1. A request never waits for such a record. Writers of records wait for each other
//!    at one row, and a client must not be able to delay others through it.
//! 2. Clients cause refusals, so an instance stores a bounded number of them in a minute: of each
//!    client, and with each code. So no single client can use up what others need, and no kind of
//!    refusal what another kind needs. Each refusal has a log line.
//! 3. A request without a credential is only counted. Everyone sends such requests.
//! 4. Everyone has any number of wallets. So the logins of wallets without a role have the same
//!    budget as refusals. Logins of wallets with a role are recorded in their transactions.

use std::{
    collections::HashMap,
    convert::Infallible,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bauta_service_common::{RateLimit, Service};
use bauta_store::{AccountId, AuditRecord, Store};
use tokio::sync::mpsc;

use crate::metrics;

/// Refusals with one code that an instance stores in a minute.
const BY_CODE: NonZeroU32 = NonZeroU32::new(30).expect("30 is not 0");
/// Refusals with one code that an instance stores of one client in a minute.
const BY_CLIENT: NonZeroU32 = NonZeroU32::new(5).expect("5 is not 0");
/// Refusals that wait to be stored.
const QUEUE: usize = 256;
/// Refusals that are stored in one transaction.
const BATCH: usize = 64;
/// Time between two records that an account lacks the role of a route. A page can request such a route
/// again and again.
const ROLE_INTERVAL: Duration = Duration::from_hours(1);
/// Largest number of accounts and routes whose last record is remembered.
const MAX_REMEMBERED: usize = 10_000;
/// The codes of requests without a credential.
const NO_CREDENTIAL: [&str; 2] = ["missing_token", "missing_api_key"];

/// Stores refusals.
pub struct Audit {
    queue: mpsc::Sender<AuditRecord>,
    stored: RateLimit,
    /// When the lack of a role was last stored, by account and route.
    roles: Mutex<HashMap<String, Instant>>,
}

impl Audit {
    /// Starts the task that stores refusals in a database, which must be the primary.
    pub fn start(store: Store, service: &Service) -> Self {
        let (queue, mut refusals) = mpsc::channel(QUEUE);
        let shutdown = service.shutdown();
        service.spawn("the audit log of refusals", async move {
            let mut batch = Vec::with_capacity(BATCH);
            loop {
                tokio::select! {
                    biased;
                    received = refusals.recv_many(&mut batch, BATCH) => {
                        if received == 0 {
                            return Ok::<_, Infallible>(());
                        }
                        add(&store, &batch).await;
                        batch.clear();
                    }
                    // What waits is stored first.
                    () = shutdown.cancelled() => return Ok(()),
                }
            }
        });
        Self {
            queue,
            stored: RateLimit::default(),
            roles: Mutex::default(),
        }
    }

    /// Stores that a request of a client was refused. `actor` is the account, if it is known.
    /// Returns at once.
    pub fn refused(&self, event: &'static str, code: &'static str, actor: Option<&str>, client: &str) {
        if NO_CREDENTIAL.contains(&code) {
            metrics::record_unstored_refusals(1);
        } else {
            self.store(code, AuditRecord::refusal(event, code, actor), client);
        }
    }

    /// Stores that an account lacks the role of a route, at most once in an hour. Returns at once.
    pub fn role_refused(&self, account: &str, route: &str, client: &str) {
        if self.is_new(format!("{account} {route}"), Instant::now()) {
            self.refused("token_refused", "missing_role", Some(account), client);
        } else {
            metrics::record_unstored_refusals(1);
        }
    }

    /// Returns whether an account and a route have no record of the last hour. If too many are
    /// remembered, the budgets alone bound the records.
    fn is_new(&self, name: String, now: Instant) -> bool {
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.duration_since(*at) < ROLE_INTERVAL;
        if roles.get(&name).is_some_and(is_recent) {
            return false;
        }
        if roles.len() >= MAX_REMEMBERED {
            roles.retain(|_, at| is_recent(at));
        }
        if roles.len() < MAX_REMEMBERED {
            roles.insert(name, now);
        }
        true
    }

    /// Stores that an account without a role has logged in or out. Returns at once.
    pub fn login_without_role(&self, event: &'static str, account: AccountId, client: &str) {
        let account = account.to_string();
        self.store(event, AuditRecord::of(event, &account, &account), client);
    }

    /// Stores a record if its budget has room.
    fn store(&self, budget: &str, record: AuditRecord, client: &str) {
        if !self.has_room(budget, client) || self.queue.try_send(record).is_err() {
            metrics::record_unstored_refusals(1);
        }
    }

    /// Counts a record for its client, and then for its budget.
    fn has_room(&self, code: &str, client: &str) -> bool {
        let take = |name: &str, limit| self.stored.take(name, limit, NonZeroU32::MIN).is_ok();
        take(&format!("{code} {client}"), BY_CLIENT) && take(code, BY_CODE)
    }
}

async fn add(store: &Store, batch: &[AuditRecord]) {
    if let Err(error) = store.add_audit_records(batch).await {
        metrics::record_unstored_refusals(batch.len() as u64);
        tracing::warn!(event = "audit_unavailable", %error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an audit log whose queue nothing empties.
    fn audit() -> (Audit, mpsc::Receiver<AuditRecord>) {
        let (queue, refusals) = mpsc::channel(QUEUE);
        let audit = Audit {
            queue,
            stored: RateLimit::default(),
            roles: Mutex::default(),
        };
        (audit, refusals)
    }

    #[test]
    fn a_client_uses_up_neither_the_records_of_others_nor_those_of_other_codes() {
        let (audit, mut refusals) = audit();
        for _ in 0..1_000 {
            audit.refused("token_refused", "invalid_token", None, "192.0.2.1");
        }
        audit.refused("token_refused", "invalid_token", None, "192.0.2.2");
        audit.refused("token_refused", "other_audience", None, "192.0.2.1");
        for client in 0..1_000 {
            audit.refused("token_refused", "expired_token", None, &client.to_string());
        }
        audit.refused("token_refused", "missing_role", None, "192.0.2.1");
        let mut count = std::collections::BTreeMap::<String, u32>::new();
        while let Ok(record) = refusals.try_recv() {
            *count.entry(record.code.unwrap()).or_default() += 1;
        }
        let expected = [
            ("expired_token", BY_CODE.get()),
            ("invalid_token", BY_CLIENT.get() + 1),
            ("missing_role", 1),
            ("other_audience", 1),
        ];
        assert_eq!(
            count,
            expected.map(|(code, number)| (code.to_owned(), number)).into()
        );
    }

    #[test]
    fn logins_of_many_wallets_without_a_role_have_a_budget_for_each_client_and_for_all() {
        let (audit, mut records) = audit();
        for number in 0..100 {
            audit.login_without_role("logged_in", AccountId([number; 16]), "192.0.2.1");
        }
        for number in 0..100 {
            audit.login_without_role("logged_in", AccountId([number; 16]), &number.to_string());
        }
        audit.login_without_role("logged_out", AccountId([1; 16]), "192.0.2.1");
        let mut events = Vec::new();
        while let Ok(record) = records.try_recv() {
            assert_eq!((&record.actor, &record.code), (&record.subject, &None));
            events.push(record.event);
        }
        let logins = events.iter().filter(|event| *event == "logged_in").count();
        assert_eq!(logins, BY_CODE.get() as usize);
        assert_eq!(events.last().map(String::as_str), Some("logged_out"));
        assert_eq!(events.len(), logins + 1);
    }

    #[test]
    fn a_page_that_requests_a_route_of_another_role_again_and_again_is_stored_once_in_an_hour() {
        let (audit, mut refusals) = audit();
        for _ in 0..100 {
            for route in ["/v1/operator/metrics", "/v1/operator/queue"] {
                audit.role_refused("account", route, "192.0.2.1");
            }
        }
        let mut stored = 0;
        while refusals.try_recv().is_ok() {
            stored += 1;
        }
        assert_eq!(stored, 2);
        let now = Instant::now();
        let is_new = |seconds| audit.is_new("other route".to_owned(), now + Duration::from_secs(seconds));
        assert_eq!(
            [0, 1, 3_599, 3_600, 3_601].map(is_new),
            [true, false, false, true, false]
        );
        for number in 0..2 * MAX_REMEMBERED {
            audit.is_new(number.to_string(), now);
        }
        assert_eq!(audit.roles.lock().unwrap().len(), MAX_REMEMBERED);
        assert!(audit.is_new("further".to_owned(), now) && audit.is_new("further".to_owned(), now));
        assert!(audit.is_new("further".to_owned(), now + Duration::from_hours(3)));
        assert!(!audit.is_new("further".to_owned(), now + Duration::from_hours(3)));
    }

    #[test]
    fn a_request_without_a_credential_is_not_stored_and_a_full_queue_delays_nobody() {
        let (audit, mut refusals) = audit();
        for code in NO_CREDENTIAL {
            audit.refused("token_refused", code, None, "192.0.2.1");
        }
        assert!(refusals.try_recv().is_err());
        for code in 0..2 * QUEUE {
            let code: &'static str = code.to_string().leak();
            audit.refused("token_refused", code, None, "192.0.2.1");
        }
        let mut stored = 0;
        while refusals.try_recv().is_ok() {
            stored += 1;
        }
        assert_eq!(stored, QUEUE);
    }
}
