//! How often somebody may ask.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter, clock::Clock, clock::DefaultClock};

use crate::Problem;

/// So many who ask are told apart; all others share one limit.
const MOST: usize = 100_000;
/// Those who ask no more are forgotten once in so many questions.
const TIDY: usize = 1_024;

/// A limit for each who asks: so many a minute, all at once or one after the other. It counts in this process; a service that has a place
/// where all its instances count does so there, and takes this for the rules and for when that place is away.
pub struct RateLimit {
    per_minute: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<String>,
    asked: AtomicUsize,
}

impl RateLimit {
    /// So many a minute. None if that is 0: no limit.
    #[must_use]
    pub fn per_minute(requests: u32) -> Option<Self> {
        let per_minute = NonZeroU32::new(requests)?;
        Some(Self {
            per_minute,
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute)),
            asked: AtomicUsize::new(0),
        })
    }

    /// How many a minute.
    #[must_use]
    pub const fn limit(&self) -> NonZeroU32 {
        self.per_minute
    }

    /// Counts so many questions at once, in this process. The problem is 429 (`rate_limited`) and says when to come again; more than there are in a
    /// minute are never taken (`rate_limited`, too, without a time).
    pub fn take(&self, who: &str, questions: NonZeroU32) -> Result<(), Problem> {
        self.check(questions)?;
        if self.asked.fetch_add(1, Ordering::Relaxed) % TIDY == TIDY - 1 {
            self.limiter.retain_recent();
        }
        let who = if self.limiter.len() < MOST { who } else { "others" };
        match self.limiter.check_key_n(&who.to_owned(), questions) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(self.refusal(wait(&until))),
            Err(_) => self.check(NonZeroU32::MAX),
        }
    }

    /// Refuses more than there are in a minute.
    pub fn check(&self, questions: NonZeroU32) -> Result<(), Problem> {
        if questions <= self.per_minute {
            return Ok(());
        }
        Err(refused(format!(
            "{questions} at once are more than the {} that there may be in a minute",
            self.per_minute
        )))
    }

    /// The refusal of one who has to wait, for whoever counts elsewhere.
    #[must_use]
    pub fn refusal(&self, wait: Duration) -> Problem {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let detail = format!(
            "more than {} a minute; come again in {seconds} s",
            self.per_minute
        );
        refused(detail).retry_after(wait)
    }
}

fn refused(detail: String) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
}

fn wait(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
    until.wait_time_from(DefaultClock::default().now())
}

/// Who asks from an address: IPv4 addresses one by one, IPv6 by the network of a customer (/64), of which one has as many addresses as one
/// likes.
#[must_use]
pub fn asker(address: IpAddr) -> String {
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
    use super::*;

    fn number(questions: u32) -> NonZeroU32 {
        NonZeroU32::new(questions).unwrap()
    }

    #[test]
    fn each_has_a_limit_of_its_own_and_is_told_when_to_come_again() {
        let limit = RateLimit::per_minute(3).unwrap();
        for _ in 0..3 {
            limit.take("alice", number(1)).unwrap();
        }
        let refused = limit.take("alice", number(1)).unwrap_err();
        assert_eq!(
            (refused.status(), refused.code()),
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
        );
        assert!(
            refused.detail().contains("come again in 20 s"),
            "{}",
            refused.detail()
        );
        limit.take("bob", number(3)).unwrap();
        let never = limit.take("carol", number(4)).unwrap_err();
        assert!(never.detail().contains("4 at once"), "{}", never.detail());
        limit.take("carol", number(3)).unwrap();
    }

    #[test]
    fn no_limit_is_none() {
        assert!(RateLimit::per_minute(0).is_none());
    }

    #[test]
    fn an_address_is_an_asker_and_so_is_a_network_of_the_newer_ones() {
        let of = |text: &str| asker(text.parse().unwrap());
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
