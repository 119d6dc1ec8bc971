//! Rate limits.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter, clock::Clock, clock::DefaultClock};

/// Number of clients that are counted separately. All further clients share one limit.
const MAX_CLIENTS: usize = 100_000;
/// Clients that haven't sent a request recently are removed once in this number of requests.
const CLEANUP_INTERVAL: usize = 1_024;
/// The key that all clients beyond [`MAX_CLIENTS`] share.
const OTHERS: &str = "others";

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

/// A limit of requests per minute for each client. A client may send them all at once.
///
/// It counts in this process. A service whose instances share a counter counts there. It uses this
/// type for the rules, and as a fallback while the shared counter is unavailable.
pub struct RateLimit {
    per_minute: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<String>,
    checked: AtomicUsize,
}

impl RateLimit {
    /// Creates a limit of this number of requests per minute. `None` if the number is 0: no limit.
    #[must_use]
    pub fn per_minute(requests: u32) -> Option<Self> {
        let per_minute = NonZeroU32::new(requests)?;
        Some(Self {
            per_minute,
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
            checked: AtomicUsize::new(0),
        })
    }

    /// Returns the number of requests per minute.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 {
        self.per_minute
    }

    /// Counts `count` requests of a client in this process, if its limit allows all of them.
    pub fn take(&self, client: &str, count: NonZeroU32) -> Result<(), RateLimitError> {
        self.check(count)?;
        if self.checked.fetch_add(1, Ordering::Relaxed) % CLEANUP_INTERVAL == CLEANUP_INTERVAL - 1 {
            self.limiter.retain_recent();
        }
        let client = if self.limiter.len() < MAX_CLIENTS {
            client
        } else {
            OTHERS
        };
        match self.limiter.check_key_n(&client.to_owned(), count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(self.exceeded(time_until(&until))),
            Err(_) => self.check(NonZeroU32::MAX),
        }
    }

    /// Checks that a minute has room for `count` requests at once.
    pub fn check(&self, count: NonZeroU32) -> Result<(), RateLimitError> {
        if count <= self.per_minute {
            return Ok(());
        }
        Err(RateLimitError::TooManyAtOnce {
            count,
            per_minute: self.per_minute,
        })
    }

    /// Creates the error for a client that a shared counter refuses.
    #[must_use]
    pub const fn exceeded(&self, retry_after: Duration) -> RateLimitError {
        RateLimitError::Exceeded {
            per_minute: self.per_minute,
            retry_after,
        }
    }
}

fn whole_seconds(duration: Duration) -> u128 {
    duration.as_millis().div_ceil(1000).max(1)
}

fn time_until(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    until.wait_time_from(DefaultClock::default().now())
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
        let limit = RateLimit::per_minute(3).unwrap();
        for _ in 0..3 {
            limit.take("alice", number(1)).unwrap();
        }
        let refused = Problem::from(limit.take("alice", number(1)).unwrap_err());
        assert_eq!(
            (refused.status(), refused.code()),
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
        );
        assert!(
            refused.detail().contains("retry after 20 s"),
            "{}",
            refused.detail()
        );
        limit.take("bob", number(3)).unwrap();
        let never = limit.take("carol", number(4)).unwrap_err();
        assert!(never.to_string().contains("4 at once"), "{never}");
        limit.take("carol", number(3)).unwrap();
    }

    #[test]
    fn zero_requests_per_minute_mean_no_limit() {
        assert!(RateLimit::per_minute(0).is_none());
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
