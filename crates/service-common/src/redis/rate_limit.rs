//! Rate limits that all instances share through Redis.

use std::time::Duration;

use ::redis::pipe;

use super::Redis;
use crate::rate_limit::{INTERVAL_MS, INTERVALS};

/// Counts requests in intervals, with the clock of Redis, as [`crate::rate_limit`] does.
///
/// The key is a hash from the number of an interval to its requests. Arguments: the limit, the
/// number of requests, the length of an interval in milliseconds, and the number of intervals that
/// count. Returns the milliseconds to wait, or 0 if the requests are accepted.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, count, length, intervals = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local newest = math.floor(now / length)
local used, counts, stored = 0, {}, redis.call('HGETALL', KEYS[1])
for at = 1, #stored, 2 do
  local interval = tonumber(stored[at])
  if interval <= newest - intervals then
    redis.call('HDEL', KEYS[1], stored[at])
  else
    counts[interval] = tonumber(stored[at + 1])
    used = used + counts[interval]
  end
end
if used + count > limit then
  for interval = newest - intervals + 1, newest do
    used = used - (counts[interval] or 0)
    if used + count <= limit then return (interval + intervals) * length - now end
  end
end
redis.call('HINCRBY', KEYS[1], string.format('%.0f', newest), count)
redis.call('PEXPIRE', KEYS[1], intervals * length)
return 0";

impl Redis {
    /// Counts `count` requests of a client against a limit per minute that all instances share.
    /// Returns the time that the client has to wait, which is zero if the requests are accepted.
    /// `None` if Redis is unavailable.
    ///
    /// `hash_key` must be a secret of the instances: Redis must not learn addresses. There are so
    /// few addresses that a hash without a key could be reversed by trying all of them.
    pub async fn take_rate(
        &self,
        hash_key: &[u8; 32],
        limit: &str,
        client: &str,
        per_minute: u32,
        count: u32,
    ) -> Option<Duration> {
        let client = blake3::keyed_hash(hash_key, client.as_bytes()).to_hex();
        let mut commands = pipe();
        commands
            .cmd("EVAL")
            .arg(TAKE)
            .arg(1)
            .arg(format!("bauta:counts:{limit}:{client}"))
            .arg(per_minute)
            .arg(count)
            .arg(INTERVAL_MS)
            .arg(INTERVALS);
        let (wait,): (u64,) = self.query(&commands).await.ok()?;
        Some(Duration::from_millis(wait))
    }
}
