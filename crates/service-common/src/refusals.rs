//! The records of the audit trail about requests beyond a rate limit.
//!
//! Any client can send such requests as fast as its connection allows. One record for each would
//! push the other records out of a log with a bounded size. So a client has at most two records a
//! minute: one of its first refused request, and one with the number of the others.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{AUDIT, Service};

/// The time for which a client has one record of its first refused request.
const PERIOD: Duration = Duration::from_mins(1);
/// Largest number of clients with records of their own in a period. Further clients have records
/// together.
const MAX_CLIENTS: usize = 256;
/// Interval at which the records with numbers are written.
const INTERVAL: Duration = Duration::from_secs(5);

/// The client whose records stand for all clients beyond [`MAX_CLIENTS`]. No client has this name.
const OTHERS: &str = "others";

/// The refused requests whose number is not in the audit trail yet.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<String, Refused>>);

/// The refused requests of one client.
struct Refused {
    /// Time of the first one, which has its record.
    since: Instant,
    /// The prefix of the client's API key. Empty if it has none.
    owner: String,
    /// Number of further requests.
    others: u64,
}

impl Refusals {
    /// Records a refused request of a client. `owner` is the prefix of its API key, or empty.
    pub fn record(&self, client: &str, owner: &str) {
        if self.count(client, owner, Instant::now()) {
            write(owner, 1);
        }
    }

    /// Creates an empty collection, and writes its numbers until the service shuts down.
    #[must_use]
    pub fn start(service: &Service) -> Arc<Self> {
        let (refusals, shutdown) = (Arc::new(Self::default()), service.shutdown());
        let written = refusals.clone();
        service.spawn("the records of refused requests", async move {
            while !shutdown.is_cancelled() {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(INTERVAL) => written.write(Instant::now().checked_sub(PERIOD)),
                }
            }
            written.write(Some(Instant::now()));
            Ok::<_, Infallible>(())
        });
        refusals
    }

    /// Counts a refused request. Returns whether it has a record of its own.
    fn count(&self, client: &str, owner: &str, now: Instant) -> bool {
        let mut clients = self.lock();
        let is_known = clients.contains_key(client);
        let (client, owner) = if is_known || clients.len() < MAX_CLIENTS {
            (client, owner)
        } else {
            (OTHERS, "")
        };
        if let Some(refused) = clients.get_mut(client) {
            refused.others += 1;
            return false;
        }
        let refused = Refused {
            since: now,
            owner: owner.to_owned(),
            others: 0,
        };
        clients.insert(client.to_owned(), refused);
        true
    }

    /// Writes the numbers of the clients whose first refused request was at this time or before.
    fn write(&self, until: Option<Instant>) {
        for refused in self.ended(until) {
            if refused.others > 0 {
                write(&refused.owner, refused.others);
            }
        }
    }

    fn ended(&self, until: Option<Instant>) -> Vec<Refused> {
        let mut clients = self.lock();
        let ended = clients.extract_if(|_, refused| until.is_some_and(|until| refused.since <= until));
        ended.map(|(_, refused)| refused).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records requests of a client beyond the rate limit.
fn write(owner: &str, requests: u64) {
    tracing::info!(target: AUDIT, event = "rate_limited", owner, requests);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_one_record_in_a_minute_and_one_with_the_number_of_the_others() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let count = |seconds: u64| refusals.count("key a", "a", start + Duration::from_secs(seconds));
        assert!(count(0));
        for _ in 0..1000 {
            assert!(!count(59));
        }
        let ended = |seconds: u64| refusals.ended((start + Duration::from_secs(seconds)).checked_sub(PERIOD));
        assert!(ended(59).is_empty());
        let numbers: Vec<u64> = ended(60).iter().map(|refused| refused.others).collect();
        assert_eq!(numbers, [1000]);
        assert!(count(61));
    }

    #[test]
    fn the_number_of_clients_with_records_of_their_own_is_bounded() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let written = (0..10_000).filter(|client| refusals.count(&client.to_string(), "", now));
        assert_eq!(written.count(), MAX_CLIENTS + 1);
        let others: u64 = refusals
            .ended(Some(now))
            .iter()
            .map(|refused| refused.others)
            .sum();
        assert_eq!(others, 10_000 - MAX_CLIENTS as u64 - 1);
    }
}
