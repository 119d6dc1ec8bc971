//! Rate limits that all instances share: what one counts, all count.

use std::time::Duration;

use ::redis::pipe;

use super::Caches;

/// The generic cell rate algorithm, by Redis's own clock. Of the key: when all that was asked will have been paid for, in microseconds.
/// Arguments: microseconds that one question takes, that may be owed at most, and how many questions come at once. Returns the
/// microseconds to wait, 0 if they are taken.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + ARGV[1] * ARGV[3]
local over = paid - now - ARGV[2]
if over > 0 then return math.ceil(over) end
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.ceil((paid - now) / 1000) + 1)
return 0";
const MINUTE: u64 = 60_000_000;

impl Caches {
    /// Somebody asks so many questions at once, of which there are so many a minute. How long they have to wait, nothing if they are taken. None
    /// without Redis.
    pub async fn wait(&self, limit: &str, asker: &str, per_minute: u32, questions: u32) -> Option<Duration> {
        let redis = self.redis.as_ref()?;
        // Addresses stay out of Redis, and there are so few of them that a hash without a key would give them away.
        let asker = blake3::keyed_hash(&self.askers, asker.as_bytes()).to_hex();
        let mut commands = pipe();
        commands
            .cmd("EVAL")
            .arg(TAKE)
            .arg(1)
            .arg(format!("bauta:rate:{limit}:{asker}"))
            .arg(MINUTE / u64::from(per_minute.max(1)))
            .arg(MINUTE)
            .arg(questions);
        let (wait,): (u64,) = redis.ask(&commands).await.ok()?;
        Some(Duration::from_micros(wait))
    }
}
