//! Rate limits of addresses, and of all clients together. An instance counts its own requests.

use std::num::NonZeroU32;

use bauta_service_common::{RateLimit, RateLimitError};

use crate::settings::Settings;

/// The name that the limit of all clients counts for.
const ALL: &str = "all";

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tile, or a request for leaves. They show little, so clients may send many.
    Tile,
    /// Any other request.
    Other,
}

/// The rate limits and their counters.
pub struct Limits {
    other: Counter,
    tiles: Counter,
    all: Counter,
}

/// A limit per minute and its counter. 0 means no limit.
struct Counter {
    per_minute: u32,
    counter: RateLimit,
}

impl Counter {
    fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            counter: RateLimit::default(),
        }
    }

    fn take(&self, client: &str, count: NonZeroU32) -> Result<(), RateLimitError> {
        match NonZeroU32::new(self.per_minute) {
            Some(per_minute) => self.counter.take(client, per_minute, count),
            None => Ok(()),
        }
    }
}

impl Limits {
    /// Creates the limits of the settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            other: Counter::new(settings.anonymous_requests_per_minute),
            tiles: Counter::new(settings.anonymous_tiles_per_minute),
            all: Counter::new(settings.total_requests_per_minute),
        }
    }

    /// Counts a request of a client.
    pub fn take(&self, client: &str, kind: Kind) -> Result<(), RateLimitError> {
        let own = match kind {
            Kind::Tile => &self.tiles,
            Kind::Other => &self.other,
        };
        own.take(client, NonZeroU32::MIN)?;
        self.all.take(ALL, NonZeroU32::MIN)
    }

    /// Counts further tiles of a request that was counted as one.
    pub fn take_further_tiles(&self, client: &str, tiles: usize) -> Result<(), RateLimitError> {
        let tiles = u32::try_from(tiles).ok().and_then(NonZeroU32::new);
        tiles.map_or(Ok(()), |tiles| self.tiles.take(client, tiles))
    }
}
