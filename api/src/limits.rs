//! Rate limits of addresses, and of all clients together. Instances count together in Redis.
//! Without Redis, or while it is unavailable, each instance counts alone.

use std::{num::NonZeroU32, time::Duration};

use bauta_service_common::{Caller, InvalidRedisUrl, RateLimit, RateLimitError, Redis};
use bauta_store::AccountId;

use crate::{metrics, settings::Settings};

/// Uploads of trees per minute for each API key. Each takes seconds of all processors.
const UPLOADS_PER_MINUTE: u32 = 10;
/// The name that the limit of all clients counts for.
const ALL: &str = "all";
/// Context for the key that hashes clients. It must not change: instances of several versions share
/// the counters.
const CLIENT_KEY_CONTEXT: &str = "bauta api 2026-11-22 clients of rate limits";

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tile, or a request for leaves. They show little, so clients may send many.
    Tile,
    /// Any other request.
    Other,
}

/// The client that a request counts for.
#[derive(Debug, Clone)]
pub struct Client {
    /// The owner of a valid API key, the account of a valid access token, or the address.
    pub name: String,
    /// Tiles count for the address in any case.
    address: String,
    /// What logins count for: the account, or the address.
    login: String,
    /// The limit of other requests per minute. 0 means no limit.
    requests: u32,
}

/// The rate limits and their counters.
pub struct Limits {
    /// Requests per minute of an API key that has no own limit, and of an account with a role. 0
    /// means no limit.
    by_key: u32,
    other: Limit,
    tiles: Limit,
    all: Limit,
    relays: Limit,
    logins: Limit,
    proofs: Limit,
    uploads: Limit,
    shared: Option<Shared>,
}

/// The counters of all instances.
struct Shared {
    redis: Redis,
    hash_key: [u8; 32],
}

/// A limit per minute and its counter. 0 means no limit.
struct Limit {
    name: &'static str,
    per_minute: u32,
    /// Counts while there is no Redis.
    counter: RateLimit,
}

impl Limit {
    fn new(name: &'static str, per_minute: u32) -> Self {
        Self {
            name,
            per_minute,
            counter: RateLimit::default(),
        }
    }
}

impl Limits {
    /// Creates the limits of the settings. Doesn't connect to Redis.
    pub fn new(settings: &Settings) -> Result<Self, InvalidRedisUrl> {
        let shared = settings.redis_url.as_ref().map(|url| {
            // All instances know the URL, and a copy of Redis doesn't contain it.
            let hash_key = blake3::derive_key(CLIENT_KEY_CONTEXT, url.expose().trim().as_bytes());
            let redis = Redis::new(url, metrics::set_redis_up)?;
            Ok(Shared { redis, hash_key })
        });
        Ok(Self {
            by_key: settings.requests_per_minute,
            other: Limit::new("api-requests", settings.anonymous_requests_per_minute),
            tiles: Limit::new("api-tiles", settings.anonymous_tiles_per_minute),
            all: Limit::new("api-all", settings.total_requests_per_minute),
            relays: Limit::new("api-relays", settings.relay.requests_per_minute),
            logins: Limit::new("api-logins", settings.accounts.logins_per_minute),
            proofs: Limit::new("api-proofs", settings.prover.proofs_per_minute),
            uploads: Limit::new("api-uploads", UPLOADS_PER_MINUTE),
            shared: shared.transpose()?,
        })
    }

    /// Returns the connection to Redis.
    pub fn redis(&self) -> Option<&Redis> {
        self.shared.as_ref().map(|shared| &shared.redis)
    }

    /// Returns the client of a request without a valid API key and without the access token of an
    /// account with a role.
    pub fn anonymous(&self, address: String) -> Client {
        Client {
            name: address.clone(),
            login: address.clone(),
            address,
            requests: self.other.per_minute,
        }
    }

    /// Returns the client of a request with a valid API key.
    pub fn with_key(&self, address: String, caller: &Caller) -> Client {
        Client {
            name: key_client(&caller.owner),
            login: address.clone(),
            address,
            requests: caller.quota.requests_per_minute.unwrap_or(self.by_key),
        }
    }

    /// Returns the client of a request with a valid access token of an account with a role.
    pub fn with_token(&self, address: String, account: AccountId) -> Client {
        // No address and no API key has this name.
        let name = format!("account {account}");
        Client {
            login: name.clone(),
            name,
            address,
            requests: self.by_key,
        }
    }

    /// Counts a request of a client.
    pub async fn take(&self, client: &Client, kind: Kind) -> Result<(), RateLimitError> {
        self.count_kind(client, kind, NonZeroU32::MIN).await?;
        self.count(&self.all, ALL, NonZeroU32::MIN).await
    }

    /// Counts a request that was counted as one further times.
    pub async fn take_further(
        &self,
        client: &Client,
        kind: Kind,
        times: usize,
    ) -> Result<(), RateLimitError> {
        match u32::try_from(times).ok().and_then(NonZeroU32::new) {
            Some(times) => self.count_kind(client, kind, times).await,
            None => Ok(()),
        }
    }

    async fn count_kind(&self, client: &Client, kind: Kind, count: NonZeroU32) -> Result<(), RateLimitError> {
        match kind {
            Kind::Tile => self.count(&self.tiles, &client.address, count).await,
            Kind::Other => {
                self.count_within(&self.other, client.requests, &client.name, count)
                    .await
            }
        }
    }

    /// Counts a request to relay a verification, in addition to [`Limits::take`].
    pub async fn take_relay(&self, client: &Client) -> Result<(), RateLimitError> {
        self.count(&self.relays, &client.name, NonZeroU32::MIN).await
    }

    /// Counts a login, or the use of a refresh token, in addition to [`Limits::take`]. It counts
    /// for the address, because a client can have any number of wallets. With the access token of an
    /// account with a role, it counts for the account, so other clients at the address do not end an
    /// operator's session.
    pub async fn take_login(&self, client: &Client) -> Result<(), RateLimitError> {
        self.count(&self.logins, &client.login, NonZeroU32::MIN).await
    }

    /// Counts a request to relay for the owner of the API key. The key can have its own limit.
    pub async fn take_keyed_relay(&self, caller: &Caller) -> Result<(), RateLimitError> {
        let per_minute = caller.quota.requests_per_minute.unwrap_or(self.relays.per_minute);
        let client = key_client(&caller.owner);
        self.count_within(&self.relays, per_minute, &client, NonZeroU32::MIN)
            .await
    }

    /// Counts a request for a proof, for the owner of the API key. The key can have its own limit.
    pub async fn take_proof(&self, caller: &Caller) -> Result<(), RateLimitError> {
        let per_minute = caller.quota.proofs_per_minute.unwrap_or(self.proofs.per_minute);
        let client = key_client(&caller.owner);
        self.count_within(&self.proofs, per_minute, &client, NonZeroU32::MIN)
            .await
    }

    /// Counts an upload of a tree, for the owner of the API key.
    pub async fn take_upload(&self, owner: &str) -> Result<(), RateLimitError> {
        let client = key_client(owner);
        self.count(&self.uploads, &client, NonZeroU32::MIN).await
    }

    async fn count(&self, limit: &Limit, client: &str, count: NonZeroU32) -> Result<(), RateLimitError> {
        self.count_within(limit, limit.per_minute, client, count).await
    }

    async fn count_within(
        &self,
        limit: &Limit,
        per_minute: u32,
        client: &str,
        count: NonZeroU32,
    ) -> Result<(), RateLimitError> {
        let Some(per_minute) = NonZeroU32::new(per_minute) else {
            return Ok(());
        };
        RateLimit::check(per_minute, count)?;
        let wait = match &self.shared {
            None => None,
            Some(Shared { redis, hash_key }) => {
                redis
                    .take_rate(hash_key, limit.name, client, per_minute.get(), count.get())
                    .await
            }
        };
        match wait {
            None => limit.counter.take(client, per_minute, count),
            Some(Duration::ZERO) => Ok(()),
            Some(retry_after) => Err(RateLimitError::Exceeded {
                per_minute,
                retry_after,
            }),
        }
    }
}

/// Returns the name of a client with an API key. No address has a space.
pub fn key_client(owner: &str) -> String {
    format!("key {owner}")
}
