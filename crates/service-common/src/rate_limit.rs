//! Rate limits.
//!
//! A client may send at most the limit in any 60 seconds, however it distributes its requests. Time
//! is divided into intervals of 5 s. The requests of the last 60 s and of the rest of the oldest
//! interval count.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Number of sets of clients. A hash of its name determines the set of a client.
const SETS: usize = 1 << 14;
/// Largest number of clients in a set. A further client replaces the one that has sent the fewest
/// requests. So the memory is bounded, a new client is never refused because of others, and a
/// client that has used its limit is not forgotten before those that have not.
const CLIENTS_IN_SET: usize = 8;
/// Length of an interval in milliseconds. A counter that instances share uses the same intervals.
pub const INTERVAL_MS: u64 = 5_000;
/// Number of intervals whose requests count: those of 60 s, and the one that is partly older.
pub const INTERVALS: usize = 13;

/// Why a rate limit refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateLimitError {
    /// The client has used its limit.
    #[error("the rate limit of {per_minute} per minute is exceeded; retry after {} s", whole_seconds(*retry_after))]
    Exceeded {
        /// The limit.
        per_minute: NonZeroU32,
        /// Time until the client may send the request again.
        retry_after: Duration,
    },
    /// The request counts for more than the limit of a minute, so it is never accepted.
    #[error("{count} at once exceed the rate limit of {per_minute} per minute; send fewer in one request")]
    TooManyAtOnce {
        /// What the request counts for.
        count: NonZeroU32,
        /// The limit.
        per_minute: NonZeroU32,
    },
}

impl RateLimitError {
    /// The stable error code.
    pub const CODE: &'static str = "rate_limited";
}

/// Counts the requests of each client in this process.
///
/// A service whose instances share a counter counts there. It uses this type while the shared
/// counter is unavailable.
pub struct RateLimit {
    started: Instant,
    /// The key of the hash is random, so that clients can't choose their set.
    hasher: RandomState,
    sets: Mutex<Vec<Vec<Client>>>,
}

/// A client, identified by the hash of its name. Two clients with equal hashes share a limit, which
/// has a probability below 1 in 10^8 for the largest number of clients.
struct Client {
    hash: u64,
    window: Window,
}

/// The requests of one client in the last intervals.
#[derive(Clone, Copy, Default)]
struct Window {
    /// The number of the newest interval, from the start of the process.
    newest: u64,
    /// The requests of an interval are at its number modulo [`INTERVALS`].
    counts: [u32; INTERVALS],
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            hasher: RandomState::new(),
            sets: Mutex::default(),
        }
    }
}

impl RateLimit {
    /// Counts `count` requests of a client in this process, if `per_minute` allows all of them.
    pub fn take(
        &self,
        client: &str,
        per_minute: NonZeroU32,
        count: NonZeroU32,
    ) -> Result<(), RateLimitError> {
        Self::check(per_minute, count)?;
        self.take_at(self.started.elapsed(), client, per_minute, count)
    }

    /// Checks that a minute has room for `count` requests at once.
    pub fn check(per_minute: NonZeroU32, count: NonZeroU32) -> Result<(), RateLimitError> {
        if count <= per_minute {
            return Ok(());
        }
        Err(RateLimitError::TooManyAtOnce { count, per_minute })
    }

    fn take_at(
        &self,
        now: Duration,
        client: &str,
        per_minute: NonZeroU32,
        count: NonZeroU32,
    ) -> Result<(), RateLimitError> {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let hash = self.hasher.hash_one(client);
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.is_empty() {
            sets.resize_with(SETS, Vec::new);
        }
        let index = usize::try_from(hash % SETS as u64).unwrap_or_default();
        let window = find_or_insert(&mut sets[index], hash, now);
        let wait = window.take(now, per_minute.get(), count.get());
        match wait {
            None => Ok(()),
            Some(retry_after) => Err(RateLimitError::Exceeded {
                per_minute,
                retry_after,
            }),
        }
    }
}

/// Returns the window of a client. A new client is added to the set, or replaces the client that
/// has sent the fewest requests.
fn find_or_insert(set: &mut Vec<Client>, hash: u64, now_ms: u64) -> &mut Window {
    let position = set.iter().position(|client| client.hash == hash);
    let position = position.unwrap_or_else(|| {
        let new = Client {
            hash,
            window: Window::default(),
        };
        if set.len() < CLIENTS_IN_SET {
            set.push(new);
            return set.len() - 1;
        }
        let used = |(_, client): &(usize, &Client)| client.window.used(now_ms);
        let fewest = set.iter().enumerate().min_by_key(used);
        let position = fewest.map_or(0, |(position, _)| position);
        set[position] = new;
        position
    });
    &mut set[position].window
}

impl Window {
    /// Returns the number of requests that count now.
    fn used(&self, now_ms: u64) -> u64 {
        if (now_ms / INTERVAL_MS).saturating_sub(self.newest) >= INTERVALS as u64 {
            return 0;
        }
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Counts requests, or returns the time until there is room for them.
    fn take(&mut self, now_ms: u64, per_minute: u32, count: u32) -> Option<Duration> {
        // Another thread may have counted a request of a later interval.
        let interval = (now_ms / INTERVAL_MS).max(self.newest);
        let index = |interval: u64| usize::try_from(interval % INTERVALS as u64).unwrap_or_default();
        let passed = (interval - self.newest).min(INTERVALS as u64);
        for number in 0..passed {
            self.counts[index(interval - number)] = 0;
        }
        self.newest = interval;
        let mut used: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let has_room = |used: u64| used + u64::from(count) <= u64::from(per_minute);
        if has_room(used) {
            self.counts[index(interval)] += count;
            return None;
        }
        // The intervals leave the window one after the other, the oldest first.
        let mut leaves_at = (interval + 1) * INTERVAL_MS;
        for oldest in interval + 1..=interval + INTERVALS as u64 {
            used -= u64::from(self.counts[index(oldest)]);
            leaves_at = oldest * INTERVAL_MS;
            if has_room(used) {
                break;
            }
        }
        Some(Duration::from_millis(leaves_at - now_ms))
    }
}

fn whole_seconds(duration: Duration) -> u128 {
    duration.as_millis().div_ceil(1000).max(1)
}

/// Returns the client that an address counts as. Each IPv4 address is one client. For IPv6, each
/// network of a customer (/64) is one client, because a customer can use all its addresses.
#[must_use]
pub fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::Problem;

    fn number(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn each_client_has_its_own_limit_and_the_error_says_when_to_retry() {
        let limit = RateLimit::default();
        let three = number(3);
        for _ in 0..3 {
            limit.take("alice", three, number(1)).unwrap();
        }
        let refused = Problem::from(limit.take("alice", three, number(1)).unwrap_err());
        assert_eq!(
            (refused.status(), refused.code()),
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
        );
        assert!(
            refused.detail().contains("retry after 65 s"),
            "{}",
            refused.detail()
        );
        limit.take("bob", three, number(3)).unwrap();
        let never = limit.take("carol", three, number(4)).unwrap_err();
        assert!(never.to_string().contains("4 at once"), "{never}");
        limit.take("carol", three, number(3)).unwrap();
    }

    /// Sends a request every `step` and returns the times of the accepted ones in milliseconds.
    fn accepted(per_minute: u32, step: u64, requests: u64) -> Vec<u64> {
        let limit = RateLimit::default();
        let times = (0..requests).map(|request| request * step);
        let is_accepted = |time: &u64| {
            let now = Duration::from_millis(*time);
            limit
                .take_at(now, "client", number(per_minute), number(1))
                .is_ok()
        };
        times.filter(is_accepted).collect()
    }

    #[test]
    fn no_60_seconds_have_more_requests_than_the_limit_not_even_the_first() {
        for (per_minute, step) in [(100, 7), (10, 1), (1, 500), (60, 999)] {
            let times = accepted(per_minute, step, 300_000 / step);
            for (index, time) in times.iter().enumerate() {
                let within = times[index..]
                    .iter()
                    .filter(|other| **other < time + 60_000)
                    .count();
                assert!(
                    within <= per_minute as usize,
                    "{within} of {per_minute} from {time} ms"
                );
            }
            // A client that always tries gets at least 60/65 of the limit.
            let least = 300 * u64::from(per_minute) / 65;
            assert!(times.len() as u64 >= least, "{} of {least}", times.len());
        }
    }

    #[test]
    fn a_request_at_the_time_that_the_error_names_is_accepted_and_one_before_is_not() {
        let limit = RateLimit::default();
        let take = |now: u64, count: u32| {
            limit.take_at(Duration::from_millis(now), "client", number(3), number(count))
        };
        take(1_000, 1).unwrap();
        take(12_000, 2).unwrap();
        for (count, free_at) in [(1, 65_000), (3, 75_000)] {
            let Err(RateLimitError::Exceeded { retry_after, .. }) = take(20_000, count) else {
                panic!("accepted");
            };
            assert_eq!(retry_after, Duration::from_millis(free_at - 20_000));
        }
        assert!(take(64_999, 1).is_err());
        take(65_000, 1).unwrap();
        assert!(take(75_000, 3).is_err());
        take(75_000, 2).unwrap();
    }

    #[test]
    fn the_memory_for_clients_is_bounded_and_a_flood_of_clients_refuses_no_new_client() {
        let limit = RateLimit::default();
        let take = |client: &str, seconds: u64| {
            limit
                .take_at(Duration::from_secs(seconds), client, number(2), number(1))
                .is_ok()
        };
        assert!(take("busy", 0) && take("busy", 0) && !take("busy", 0));
        for client in 0..2 * SETS * CLIENTS_IN_SET {
            assert!(take(&client.to_string(), 1), "client {client}");
        }
        let counted: usize = limit.sets.lock().unwrap().iter().map(Vec::len).sum();
        assert!(counted <= SETS * CLIENTS_IN_SET, "{counted}");
        // A client that has used its limit is not forgotten. It is counted until it has not sent a
        // request for a minute.
        assert!(!take("busy", 1));
        assert!(take("new", 1) && take("new", 1) && !take("new", 1));
        assert!(take("busy", 66));
    }

    #[test]
    fn a_client_is_one_ipv4_address_or_one_ipv6_network() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }
}
