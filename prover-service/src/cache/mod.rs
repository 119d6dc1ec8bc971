//! What is kept of work that was done: proofs (disk, Redis), results of verifications and verifying keys (Redis).
//!
//! ```text
//!   inputs --keyed hash--> name --> disk --miss--> Redis --miss--> prove
//!                                     |              |
//!                                     +--- open, verify, re-randomise ---> an answer that can't be linked to the one before
//! ```
//!
//! Nothing here is trusted: entries are sealed for their name, proofs are verified when they are read, verifying keys are hashed. What is
//! damaged, planted or of another key is a miss. No witness is ever an entry, and no name can be tested for a guess of one without
//! `CACHE_KEY`.

mod disk;
mod entry;
mod limit;
mod redis;
mod shared;

use std::{io, path::Path, sync::Arc, time::Duration};

use ::redis::pipe;
use bauta_circuits::{Proof, VerifyingKey};
use bauta_primitives::{Digest, sha256};
use bauta_service_common::Service;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use self::{
    disk::Disk,
    entry::{Name, Sealer},
    redis::Redis,
    shared::{folder, proof_key, verification_key, verifying_key_key},
};
use crate::{
    circuits::{Circuit, Circuits},
    metrics::{self, Outcome},
    request::Task,
    settings::Settings,
};

/// Seconds that the result of a verification is kept.
const VERIFICATION_SECONDS: u64 = 300;
/// What the key for askers is derived for.
const ASKERS: &str = "bauta prover-service 2026-11-20 askers of rate limits";
/// How often Redis is looked after.
const UPKEEP: Duration = Duration::from_secs(1);

/// The caches' names in metrics.
const DISK: &str = "proofs_disk";
const REDIS: &str = "proofs_redis";
const VERIFICATIONS: &str = "verifications";
const KEYS: &str = "verifying_keys";
/// All of them.
pub const NAMES: [&str; 4] = [DISK, REDIS, VERIFICATIONS, KEYS];

/// Why the caches can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The key.
    #[error(transparent)]
    Key(#[from] entry::CacheKeyError),
    /// Redis's address.
    #[error(transparent)]
    Url(#[from] redis::RedisUrlError),
    /// The folder.
    #[error("the cache of proofs in {} (CACHE_DIR) can't be used: {error}", folder.display())]
    Folder {
        /// `CACHE_DIR`.
        folder: std::path::PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// The caches. Cheap to clone; without settings for them there are none, and everything is a miss that nobody counts.
#[derive(Clone, Default)]
pub struct Caches {
    proofs: Option<Arc<Proofs>>,
    redis: Option<Redis>,
    /// Names those who ask, for rate limits.
    askers: Arc<Zeroizing<[u8; 32]>>,
}

struct Proofs {
    sealer: Sealer,
    /// None if no proofs are to be kept.
    disk: Option<Disk>,
    most: usize,
}

/// Where an entry of a proof belongs.
#[derive(Clone, Copy)]
pub struct Place(Name);

/// What a verification found: that the proof holds, or why not.
pub type Verdict = Result<(), String>;

impl Caches {
    /// Opens them, and looks after Redis until the service ends.
    pub async fn open(
        settings: &Settings,
        circuits: &Arc<Circuits>,
        service: &Service,
    ) -> Result<Self, CacheError> {
        let proofs = match &settings.cache_key {
            None => None,
            Some(key) => Some(Arc::new(Proofs {
                sealer: Sealer::new(key)?,
                disk: open_disk(&settings.cache_dir, settings.proof_cache_entries, circuits)?,
                most: settings.proof_cache_entries,
            })),
        };
        let redis = settings.redis_url.as_ref().map(Redis::new).transpose()?;
        // Without a key for caches, what all instances know and whoever has a copy of Redis need not know.
        let shared = settings.cache_key.as_ref().or(settings.redis_url.as_ref());
        let shared = shared.map_or("", |secret| secret.expose().trim());
        let askers = Arc::new(Zeroizing::new(blake3::derive_key(ASKERS, shared.as_bytes())));
        let caches = Self {
            proofs,
            redis,
            askers,
        };
        if let Some(redis) = &caches.redis {
            caches.keep_up(redis, circuits).await;
            let checked = redis.clone();
            service.health().add("redis", move || {
                let redis = checked.clone();
                async move { redis.check() }
            });
            let (caches, redis, circuits) = (caches.clone(), redis.clone(), circuits.clone());
            let shutdown = service.shutdown();
            service.spawn("the upkeep of Redis", async move {
                while !shutdown.is_cancelled() {
                    tokio::select! {
                        () = shutdown.cancelled() => {}
                        () = tokio::time::sleep(UPKEEP) => caches.keep_up(&redis, &circuits).await,
                    }
                }
                Ok::<_, CacheError>(())
            });
        }
        Ok(caches)
    }

    /// Connects to Redis if that is needed, and then tells it the verifying keys.
    async fn keep_up(&self, redis: &Redis, circuits: &Circuits) {
        if redis.keep_up().await {
            tracing::info!(event = "redis_connected");
            for circuit in circuits.all() {
                // If it is away again, this is done again.
                if let Err(error) = shared::publish(redis, circuit).await {
                    tracing::warn!(event = "redis_away", %error);
                }
            }
        }
    }

    /// Where the proof of a task belongs. None without a cache of proofs.
    pub fn place(&self, task: &Task) -> Option<Place> {
        let proofs = self.proofs.as_ref().filter(|proofs| proofs.disk.is_some())?;
        let hash = task.circuit.key.verifying_key().hash();
        Some(Place(proofs.sealer.proof(&hash, &task.inputs, &task.evaluation)))
    }

    /// A proof of a task that was proved before: another one than the one before, as likely as any.
    pub async fn proof(&self, place: Place, task: &Task) -> Option<Proof> {
        let (proofs, circuit, digest) = (self.proofs.clone()?, task.circuit.clone(), task.evaluation.digest);
        let Place(name) = place;
        let sealed = {
            let (proofs, folder) = (proofs.clone(), folder(&circuit));
            blocking(move || proofs.disk.as_ref().map(|disk| disk.get(&folder, name))).await??
        };
        let found = note_read(DISK, sealed);
        let checked = self.check(found, &circuit, digest, name, DISK).await;
        if checked.is_some() {
            return checked;
        }
        let redis = self.redis.as_ref()?;
        let key = proof_key(&circuit, name);
        let found: Result<(Option<Vec<u8>>,), _> = redis.ask(pipe().get(&key)).await;
        let found = note_read(REDIS, found.map(|(found,)| found));
        let sealed = found.clone();
        let proof = self.check(found, &circuit, digest, name, REDIS).await?;
        let folder = folder(&circuit);
        blocking(move || proofs.keep_on_disk(&folder, name, &sealed?)).await?;
        Some(proof)
    }

    /// Opens, verifies and re-randomises.
    async fn check(
        &self,
        sealed: Option<Vec<u8>>,
        circuit: &Arc<Circuit>,
        digest: Digest,
        name: Name,
        cache: &'static str,
    ) -> Option<Proof> {
        let (sealed, proofs, circuit) = (sealed?, self.proofs.clone()?, circuit.clone());
        blocking(move || {
            let opened = proofs.sealer.open(name, &sealed);
            let bytes: Option<[u8; Proof::LENGTH]> = opened.and_then(|bytes| bytes.try_into().ok());
            let proof = bytes.and_then(|bytes| Proof::from_bytes(&bytes).ok());
            let proof = proof.filter(|proof| circuit.prepared.verify(digest, proof).is_ok());
            let another = proof.and_then(|proof| circuit.key.rerandomize(&proof, &mut OsRng).ok());
            if another.is_none() {
                metrics::cache(cache, Outcome::Damaged);
                if let Some(disk) = proofs.disk.as_ref().filter(|_| cache == DISK) {
                    disk.remove(&folder(&circuit), name);
                }
            } else {
                metrics::cache(cache, Outcome::Hit);
            }
            another
        })
        .await?
    }

    /// Keeps a proof.
    pub async fn keep(&self, place: Place, circuit: &Circuit, proof: &Proof) {
        let Some(proofs) = self.proofs.clone() else { return };
        let Place(name) = place;
        let sealed = proofs.sealer.seal(name, &proof.to_bytes());
        if let Some(redis) = &self.redis {
            let kept = shared::keep(redis, circuit, name, &sealed, proofs.most).await;
            note_error(REDIS, kept);
        }
        let folder = folder(circuit);
        blocking(move || proofs.keep_on_disk(&folder, name, &sealed)).await;
    }

    /// What a verification of these found before.
    pub async fn verdict(
        &self,
        key_hash: &[u8; 32],
        proof: &[u8; Proof::LENGTH],
        digest: Digest,
    ) -> Option<Verdict> {
        let (proofs, redis) = (self.proofs.as_ref()?, self.redis.as_ref()?);
        let name = proofs.sealer.verification(key_hash, proof, digest);
        let found: Result<(Option<Vec<u8>>,), _> = redis.ask(pipe().get(verification_key(name))).await;
        let sealed = note_read(VERIFICATIONS, found.map(|(found,)| found))?;
        let opened = proofs
            .sealer
            .open(name, &sealed)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let outcome = if opened.is_some() {
            Outcome::Hit
        } else {
            Outcome::Damaged
        };
        metrics::cache(VERIFICATIONS, outcome);
        opened.map(|reason| if reason.is_empty() { Ok(()) } else { Err(reason) })
    }

    /// Keeps what a verification found.
    pub async fn keep_verdict(
        &self,
        key_hash: &[u8; 32],
        proof: &[u8; Proof::LENGTH],
        digest: Digest,
        verdict: &Verdict,
    ) {
        let (Some(proofs), Some(redis)) = (&self.proofs, &self.redis) else {
            return;
        };
        let name = proofs.sealer.verification(key_hash, proof, digest);
        let reason = verdict.as_ref().err().map_or("", String::as_str);
        let sealed = proofs.sealer.seal(name, reason.as_bytes());
        let mut commands = pipe();
        commands
            .set_ex(verification_key(name), sealed, VERIFICATION_SECONDS)
            .ignore();
        note_error(VERIFICATIONS, redis.ask::<()>(&commands).await);
    }

    /// A verifying key that another instance has, by its hash, which is what makes it the right one.
    pub async fn verifying_key(&self, hash: &[u8; 32]) -> Option<VerifyingKey> {
        let redis = self.redis.as_ref()?;
        let found: Result<(Option<Vec<u8>>,), _> = redis.ask(pipe().get(verifying_key_key(hash))).await;
        let bytes = note_read(KEYS, found.map(|(found,)| found))?;
        let bytes = <[u8; VerifyingKey::LENGTH]>::try_from(bytes).ok();
        let key = bytes
            .filter(|bytes| sha256(bytes) == *hash)
            .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        let outcome = if key.is_some() {
            Outcome::Hit
        } else {
            Outcome::Damaged
        };
        metrics::cache(KEYS, outcome);
        key
    }
}

impl Proofs {
    fn keep_on_disk(&self, folder: &str, name: Name, sealed: &[u8]) -> Option<()> {
        let kept = self.disk.as_ref()?.put(folder, name, sealed);
        note_error(DISK, kept);
        Some(())
    }
}

fn open_disk(cache_dir: &Path, most: usize, circuits: &Circuits) -> Result<Option<Disk>, CacheError> {
    if most == 0 {
        return Ok(None);
    }
    let folders: Vec<(&str, String)> = circuits
        .all()
        .map(|circuit| (circuit.description.id.as_str(), folder(circuit)))
        .collect();
    let disk = Disk::open(cache_dir, most, &folders);
    let disk = disk.map_err(|error| CacheError::Folder {
        folder: cache_dir.to_owned(),
        error,
    })?;
    Ok(Some(disk))
}

/// Counts misses and errors; whether what was found is a hit shows when it is opened.
fn note_read<E: std::fmt::Display>(cache: &'static str, read: Result<Option<Vec<u8>>, E>) -> Option<Vec<u8>> {
    if let Ok(None) = read {
        metrics::cache(cache, Outcome::Miss);
    }
    note_error(cache, read).flatten()
}

fn note_error<T, E: std::fmt::Display>(cache: &'static str, outcome: Result<T, E>) -> Option<T> {
    outcome
        .inspect_err(|error| {
            metrics::cache(cache, Outcome::Error);
            tracing::debug!(event = "cache_failed", cache, %error);
        })
        .ok()
}

/// Files and pairings, off the threads that answer. None if it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
