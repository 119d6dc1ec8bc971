//! Rate limits of API keys and, for requests without a key, of addresses.

use bauta_service_common::RateLimit;

use super::VERSION_PREFIX;
use crate::settings::Settings;

/// The path without a limit. Monitoring requests it often.
pub const UNLIMITED_PATH: &str = "/health";

/// Returns whether requests to this path have no limit.
pub fn is_unlimited(path: &str) -> bool {
    path.strip_prefix(VERSION_PREFIX).unwrap_or(path) == UNLIMITED_PATH
}

/// The rate limits and their counters. 0 means no limit.
pub struct Limits {
    /// The limits of a key that has no own limits.
    pub(super) by_key: PerMinute,
    /// The limits of an address.
    pub(super) anonymous: PerMinute,
    /// Counts requests while Redis is unavailable.
    pub(super) requests: RateLimit,
    /// Counts proofs while Redis is unavailable.
    pub(super) proofs: RateLimit,
}

/// Limits of one client per minute.
#[derive(Clone, Copy)]
pub(super) struct PerMinute {
    pub(super) requests: u32,
    pub(super) proofs: u32,
}

/// The client that a request counts for.
#[derive(Clone)]
pub struct RateLimitKey {
    /// The prefix of the API key, or the address.
    pub(super) client: String,
    /// The prefix of the client's first API key. Empty if it has none.
    pub(super) owner: String,
    pub(super) limits: PerMinute,
}

impl RateLimitKey {
    /// Returns the client's name.
    pub fn client(&self) -> &str {
        &self.client
    }
}

impl Limits {
    /// Creates the limits of the settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            by_key: PerMinute {
                requests: settings.requests_per_minute,
                proofs: settings.proofs_per_minute,
            },
            anonymous: PerMinute {
                requests: settings.anonymous_requests_per_minute,
                proofs: settings.anonymous_proofs_per_minute,
            },
            requests: RateLimit::default(),
            proofs: RateLimit::default(),
        }
    }
}
