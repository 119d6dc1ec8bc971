//! The keys in Redis, and the commands for proofs and verifying keys.

use bauta_service_common::{CallError, Redis};
use redis::pipe;

use super::sealer::EntryName;
use crate::{circuits::Circuit, time};

/// Seconds until a cached proof expires.
const PROOF_SECONDS: u64 = 7 * 86_400;

/// Stores a circuit's verifying key. If the circuit had another key before, deletes the cached
/// proofs of that key.
pub async fn publish_verifying_key(redis: &Redis, circuit: &Circuit) -> Result<(), CallError> {
    let (key, id) = (circuit.key.verifying_key(), &circuit.description.id);
    let hash = key.hash();
    let mut commands = pipe();
    commands
        .set(verifying_key_key(&hash), key.to_bytes().as_slice())
        .ignore();
    commands
        .cmd("SET")
        .arg(format!("bauta:circuit:{id}"))
        .arg(circuit_folder(circuit))
        .arg("GET");
    let (former,): (Option<String>,) = redis.query(&commands).await?;
    let Some(former) = former.filter(|former| *former != circuit_folder(circuit)) else {
        return Ok(());
    };
    let list = format!("bauta:proofs:{former}");
    let (names,): (Vec<String>,) = redis.query(pipe().zrange(&list, 0, -1)).await?;
    let mut commands = pipe();
    for name in names {
        commands.unlink(format!("bauta:proof:{former}:{name}")).ignore();
    }
    commands.unlink(&list).ignore();
    redis.query::<()>(&commands).await?;
    tracing::info!(event = "cache_dropped", circuit_id = id, former);
    Ok(())
}

/// Stores a sealed proof. If the circuit has more than `max_entries` proofs, deletes the oldest.
pub async fn put_proof(
    redis: &Redis,
    circuit: &Circuit,
    name: EntryName,
    sealed: &[u8],
    max_entries: usize,
) -> Result<(), CallError> {
    let list = format!("bauta:proofs:{}", circuit_folder(circuit));
    let mut commands = pipe();
    commands
        .set_ex(proof_key(circuit, name), sealed, PROOF_SECONDS)
        .ignore();
    commands
        .zadd(&list, name.to_hex(), time::milliseconds(time::now()))
        .ignore();
    commands.zcard(&list);
    let (entries,): (usize,) = redis.query(&commands).await?;
    let Some(excess) = entries.checked_sub(max_entries).filter(|excess| *excess > 0) else {
        return Ok(());
    };
    let oldest: (Vec<(String, f64)>,) = redis
        .query(pipe().zpopmin(&list, isize::try_from(excess).unwrap_or(isize::MAX)))
        .await?;
    let mut commands = pipe();
    for (name, _) in oldest.0 {
        commands
            .unlink(format!("bauta:proof:{}:{name}", circuit_folder(circuit)))
            .ignore();
    }
    redis.query(&commands).await
}

/// Returns the name of a circuit with its key, for folders and Redis keys.
pub fn circuit_folder(circuit: &Circuit) -> String {
    let hash = circuit.key.verifying_key().hash();
    format!("{}-{}", circuit.description.id, hex::encode(&hash[..8]))
}

/// Returns the Redis key of a proof.
pub fn proof_key(circuit: &Circuit, name: EntryName) -> String {
    format!("bauta:proof:{}:{}", circuit_folder(circuit), name.to_hex())
}

/// Returns the Redis key of the result of a verification.
pub fn verification_key(name: EntryName) -> String {
    format!("bauta:verification:{}", name.to_hex())
}

/// Returns the Redis key of a verifying key.
pub fn verifying_key_key(hash: &[u8; 32]) -> String {
    format!("bauta:verifying_key:{}", hex::encode(hash))
}
