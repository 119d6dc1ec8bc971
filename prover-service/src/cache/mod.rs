//! Caches of proofs (disk and Redis), of verification results and of verifying keys (Redis).
//!
//! ```text
//!   inputs --keyed hash--> name --> disk --miss--> Redis --miss--> prove
//!                                     |              |
//!                                     +--- open, verify, re-randomise ---> unlinkable proof
//! ```
//!
//! The caches are not trusted. An entry is encrypted, and its name is authenticated. A proof is
//! verified when it is read, and a verifying key is identified by its hash. An entry that is
//! damaged, forged or of another key counts as a miss. No entry contains a witness. Without
//! `CACHE_KEY`, a guess of a witness can't be tested against the names.

mod disk;
mod redis_keys;
mod sealer;

use std::{io, path::Path, sync::Arc, time::Duration};

use bauta_circuits::{PreparedVerifyingKey, Proof, VerifyingKey};
use bauta_primitives::{Digest, sha256};
use bauta_service_common::{ClientPairings, InvalidRedisUrl, PairingError, Redis, Service};
use rand::rngs::OsRng;
use redis::pipe;
use zeroize::Zeroizing;

use self::{
    disk::Disk,
    redis_keys::{circuit_folder, proof_key, verification_key, verifying_key_key},
    sealer::{EntryName, Sealer},
};
use crate::{
    circuits::{Circuit, Circuits},
    metrics::{self, Cache, CacheOutcome},
    request::Task,
    settings::Settings,
};

/// Seconds until the result of a verification expires.
const VERIFICATION_SECONDS: u64 = 300;
/// Context for the key that hashes clients. It must not change: instances of several versions share
/// the counters.
const CLIENT_KEY_CONTEXT: &str = "bauta prover-service 2026-11-21 clients of rate limits";
/// Interval at which the connection to Redis is checked.
const REDIS_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What is missing without Redis.
const WITHOUT_REDIS: &str = "Redis is unavailable: this instance doesn't find the proofs, verification results and \
                             verifying keys of other instances, and counts rate limits alone; proving and \
                             verifying work; the log has the cause";

/// Why the caches can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// `CACHE_KEY` is invalid.
    #[error(transparent)]
    Key(#[from] sealer::InvalidCacheKey),
    /// `REDIS_URL` is invalid.
    #[error(transparent)]
    Url(#[from] InvalidRedisUrl),
    /// The folder of cached proofs can't be used.
    #[error("the proof cache in {} (CACHE_DIR) can't be used: {error}", folder.display())]
    Folder {
        /// `CACHE_DIR`.
        folder: std::path::PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// The caches. Cheap to clone. A cache that the settings don't enable returns nothing and counts
/// nothing.
#[derive(Clone, Default)]
pub struct Caches {
    proofs: Option<Arc<ProofCache>>,
    redis: Option<Redis>,
    /// Hashes the clients of rate limits.
    client_hash_key: Arc<Zeroizing<[u8; 32]>>,
}

struct ProofCache {
    sealer: Sealer,
    /// `None` if no proofs are cached.
    disk: Option<Disk>,
    max_entries: usize,
}

/// The key of a task's proof in the caches.
#[derive(Clone, Copy)]
pub struct CacheKey(EntryName);

/// The result of a verification: the proof is valid, or the reason why not.
pub type Verdict = Result<(), String>;

impl Caches {
    /// Opens the caches, and keeps the connection to Redis open until the service shuts down.
    pub async fn open(
        settings: &Settings,
        circuits: &Arc<Circuits>,
        service: &Service,
    ) -> Result<Self, CacheError> {
        let proofs = match &settings.cache_key {
            None => None,
            Some(key) => Some(Arc::new(ProofCache {
                sealer: Sealer::new(key)?,
                disk: open_disk(&settings.cache_dir, settings.proof_cache_entries, circuits)?,
                max_entries: settings.proof_cache_entries,
            })),
        };
        let redis = settings.redis_url.as_ref();
        let redis = redis
            .map(|url| Redis::new(url, metrics::set_redis_up))
            .transpose()?;
        // Without CACHE_KEY, the URL is a value that all instances know and that a copy of Redis
        // doesn't contain.
        let shared = settings.cache_key.as_ref().or(settings.redis_url.as_ref());
        let shared = shared.map_or("", |secret| secret.expose().trim());
        let client_hash_key = blake3::derive_key(CLIENT_KEY_CONTEXT, shared.as_bytes());
        let caches = Self {
            proofs,
            redis,
            client_hash_key: Arc::new(Zeroizing::new(client_hash_key)),
        };
        if let Some(redis) = &caches.redis {
            connect(redis, circuits).await;
            let checked = redis.clone();
            service.health().add("redis", move || {
                let redis = checked.clone();
                async move { redis.check(WITHOUT_REDIS) }
            });
            let (redis, circuits) = (redis.clone(), circuits.clone());
            let shutdown = service.shutdown();
            service.spawn("the connection to Redis", async move {
                while !shutdown.is_cancelled() {
                    tokio::select! {
                        () = shutdown.cancelled() => {}
                        () = tokio::time::sleep(REDIS_CHECK_INTERVAL) => connect(&redis, &circuits).await,
                    }
                }
                Ok::<_, CacheError>(())
            });
        }
        Ok(caches)
    }

    /// Returns the key of a task's proof. `None` if proofs are not cached.
    pub fn key(&self, task: &Task) -> Option<CacheKey> {
        let proofs = self.proofs.as_ref().filter(|proofs| proofs.disk.is_some())?;
        let hash = task.circuit.key.verifying_key().hash();
        Some(CacheKey(proofs.sealer.proof_name(
            &hash,
            &task.inputs,
            &task.evaluation,
        )))
    }

    /// Returns a proof of a task that was proved before. The proof is re-randomised: it is a
    /// uniformly random proof of the statement, independent of the cached one. `None` if there
    /// is none, or if too many pairings of the owner wait: the proof's own queue then decides.
    pub async fn proof(&self, key: CacheKey, task: &Task, pairings: ClientPairings<'_>) -> Option<Proof> {
        let (proofs, circuit, digest) = (self.proofs.clone()?, task.circuit.clone(), task.evaluation.digest);
        let CacheKey(name) = key;
        let sealed = {
            let (proofs, folder) = (proofs.clone(), circuit_folder(&circuit));
            blocking(move || proofs.disk.as_ref().map(|disk| disk.get(&folder, name))).await??
        };
        let sealed = record_read(Cache::ProofsDisk, sealed);
        let proof = self
            .open_proof(sealed, &circuit, digest, name, Cache::ProofsDisk, pairings)
            .await;
        if proof.is_some() {
            return proof;
        }
        let redis = self.redis.as_ref()?;
        let redis_key = proof_key(&circuit, name);
        let read: Result<(Option<Vec<u8>>,), _> = redis.query(pipe().get(&redis_key)).await;
        let sealed = record_read(Cache::ProofsRedis, read.map(|(sealed,)| sealed));
        let proof = self
            .open_proof(
                sealed.clone(),
                &circuit,
                digest,
                name,
                Cache::ProofsRedis,
                pairings,
            )
            .await?;
        let folder = circuit_folder(&circuit);
        blocking(move || proofs.put_on_disk(&folder, name, &sealed?)).await?;
        Some(proof)
    }

    /// Decrypts, verifies and re-randomises a proof.
    async fn open_proof(
        &self,
        sealed: Option<Vec<u8>>,
        circuit: &Arc<Circuit>,
        digest: Digest,
        name: EntryName,
        cache: Cache,
        pairings: ClientPairings<'_>,
    ) -> Option<Proof> {
        let (sealed, proofs, circuit) = (sealed?, self.proofs.clone()?, circuit.clone());
        let opened = pairings.run(move || {
            let opened = proofs.sealer.open(name, &sealed);
            let bytes: Option<[u8; Proof::LENGTH]> = opened.and_then(|bytes| bytes.try_into().ok());
            let proof = bytes.and_then(|bytes| Proof::from_bytes(&bytes).ok());
            let proof = proof.filter(|proof| circuit.prepared.verify(digest, proof).is_ok());
            let rerandomized = proof.and_then(|proof| circuit.key.rerandomize(&proof, &mut OsRng).ok());
            if rerandomized.is_none() {
                metrics::record_cache(cache, CacheOutcome::Damaged);
                if let Some(disk) = proofs.disk.as_ref().filter(|_| cache == Cache::ProofsDisk) {
                    disk.remove(&circuit_folder(&circuit), name);
                }
            } else {
                metrics::record_cache(cache, CacheOutcome::Hit);
            }
            rerandomized
        });
        opened.await.ok()?
    }

    /// Stores a proof on disk and in Redis.
    pub async fn put_proof(&self, key: CacheKey, circuit: &Circuit, proof: &Proof) {
        let Some(proofs) = self.proofs.clone() else { return };
        let CacheKey(name) = key;
        let sealed = proofs.sealer.seal(name, &proof.to_bytes());
        if let Some(redis) = &self.redis {
            let stored = redis_keys::put_proof(redis, circuit, name, &sealed, proofs.max_entries).await;
            record_error(Cache::ProofsRedis, stored);
        }
        let folder = circuit_folder(circuit);
        blocking(move || proofs.put_on_disk(&folder, name, &sealed)).await;
    }

    /// Returns the cached result of a verification.
    pub async fn verdict(
        &self,
        key_hash: &[u8; 32],
        proof: &[u8; Proof::LENGTH],
        digest: Digest,
    ) -> Option<Verdict> {
        let (proofs, redis) = (self.proofs.as_ref()?, self.redis.as_ref()?);
        let name = proofs.sealer.verification_name(key_hash, proof, digest);
        let read: Result<(Option<Vec<u8>>,), _> = redis.query(pipe().get(verification_key(name))).await;
        let sealed = record_read(Cache::Verifications, read.map(|(sealed,)| sealed))?;
        let reason = proofs
            .sealer
            .open(name, &sealed)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        record_found(Cache::Verifications, reason.is_some());
        reason.map(|reason| if reason.is_empty() { Ok(()) } else { Err(reason) })
    }

    /// Stores the result of a verification.
    pub async fn put_verdict(
        &self,
        key_hash: &[u8; 32],
        proof: &[u8; Proof::LENGTH],
        digest: Digest,
        verdict: &Verdict,
    ) {
        let (Some(proofs), Some(redis)) = (&self.proofs, &self.redis) else {
            return;
        };
        let name = proofs.sealer.verification_name(key_hash, proof, digest);
        // An empty reason means that the proof is valid.
        let reason = verdict.as_ref().err().map_or("", String::as_str);
        let sealed = proofs.sealer.seal(name, reason.as_bytes());
        let mut commands = pipe();
        commands
            .set_ex(verification_key(name), sealed, VERIFICATION_SECONDS)
            .ignore();
        record_error(Cache::Verifications, redis.query::<()>(&commands).await);
    }

    /// Returns a verifying key of another instance. Redis isn't trusted: the key must have the
    /// hash. The preparation of a key is a pairing, so it waits for the client's turn.
    pub async fn verifying_key(
        &self,
        hash: &[u8; 32],
        pairings: ClientPairings<'_>,
    ) -> Result<Option<PreparedVerifyingKey>, PairingError> {
        let Some(redis) = &self.redis else {
            return Ok(None);
        };
        let read: Result<(Option<Vec<u8>>,), _> = redis.query(pipe().get(verifying_key_key(hash))).await;
        let Some(bytes) = record_read(Cache::VerifyingKeys, read.map(|(bytes,)| bytes)) else {
            return Ok(None);
        };
        let hash = *hash;
        let prepared = pairings.run(move || {
            let bytes = <[u8; VerifyingKey::LENGTH]>::try_from(bytes).ok();
            let key = bytes
                .filter(|bytes| sha256(bytes) == hash)
                .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
            key.map(|key| key.prepare())
        });
        let prepared = prepared.await?;
        record_found(Cache::VerifyingKeys, prepared.is_some());
        Ok(prepared)
    }

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
        redis
            .take_rate(&self.client_hash_key, limit, client, per_minute, count)
            .await
    }
}

impl ProofCache {
    fn put_on_disk(&self, folder: &str, name: EntryName, sealed: &[u8]) -> Option<()> {
        let stored = self.disk.as_ref()?.put(folder, name, sealed);
        record_error(Cache::ProofsDisk, stored);
        Some(())
    }
}

/// Connects to Redis if there is no connection, and then publishes the verifying keys.
async fn connect(redis: &Redis, circuits: &Circuits) {
    if redis.ensure_connected().await {
        tracing::info!(event = "redis_connected");
        for circuit in circuits.all() {
            // If this fails, the next connection publishes the keys again.
            if let Err(error) = redis_keys::publish_verifying_key(redis, circuit).await {
                tracing::warn!(event = "redis_unavailable", %error);
            }
        }
    }
}

fn open_disk(cache_dir: &Path, max_entries: usize, circuits: &Circuits) -> Result<Option<Disk>, CacheError> {
    if max_entries == 0 {
        return Ok(None);
    }
    let folders: Vec<(&str, String)> = circuits
        .all()
        .map(|circuit| (circuit.description.id.as_str(), circuit_folder(circuit)))
        .collect();
    let disk = Disk::open(cache_dir, max_entries, &folders);
    let disk = disk.map_err(|error| CacheError::Folder {
        folder: cache_dir.to_owned(),
        error,
    })?;
    Ok(Some(disk))
}

/// Records a miss or an error. Whether an entry that was found is a hit or damaged is known only
/// after it is opened.
fn record_read<E: std::fmt::Display>(cache: Cache, read: Result<Option<Vec<u8>>, E>) -> Option<Vec<u8>> {
    if let Ok(None) = read {
        metrics::record_cache(cache, CacheOutcome::Miss);
    }
    record_error(cache, read).flatten()
}

fn record_found(cache: Cache, is_intact: bool) {
    let outcome = if is_intact {
        CacheOutcome::Hit
    } else {
        CacheOutcome::Damaged
    };
    metrics::record_cache(cache, outcome);
}

fn record_error<T, E: std::fmt::Display>(cache: Cache, outcome: Result<T, E>) -> Option<T> {
    outcome
        .inspect_err(|error| {
            metrics::record_cache(cache, CacheOutcome::Error);
            tracing::debug!(event = "cache_failed", cache = cache.as_str(), %error);
        })
        .ok()
}

/// Runs file accesses outside the async threads. `None` if the work panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
