//! Rate limits that all instances share through Redis.

use std::time::Duration;

use ::redis::pipe;

use super::Caches;

/// The generic cell rate algorithm, with the clock of Redis.
///
/// The key holds the theoretical arrival time in microseconds. Arguments: microseconds between two
/// requests, largest burst in microseconds, and number of requests. Returns the microseconds to
/// wait, or 0 if the requests are accepted.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + ARGV[1] * ARGV[3]
local wait = arrival - now - ARGV[2]
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
return 0";
/// Microseconds of a minute.
const MINUTE: u64 = 60_000_000;

impl Caches {
    /// Counts `count` requests of a client against a limit per minute that all instances share.
    /// Returns the time that the client has to wait, which is zero if the requests are accepted.
    /// `None` if Redis is not configured or unavailable.
    pub async fn take_rate(
        &self,
        limit: &str,
        client: &str,
        per_minute: u32,
        count: u32,
    ) -> Option<Duration> {
        let redis = self.redis.as_ref()?;
        // Redis must not learn addresses. There are so few addresses that a hash without a key
        // could be reversed by trying all of them.
        let client = blake3::keyed_hash(&self.client_hash_key, client.as_bytes()).to_hex();
        let mut commands = pipe();
        commands
            .cmd("EVAL")
            .arg(TAKE)
            .arg(1)
            .arg(format!("bauta:rate:{limit}:{client}"))
            .arg(MINUTE / u64::from(per_minute.max(1)))
            .arg(MINUTE)
            .arg(count);
        let (wait,): (u64,) = redis.query(&commands).await.ok()?;
        Some(Duration::from_micros(wait))
    }
}
