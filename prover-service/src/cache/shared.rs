//! What lies where in Redis.

use ::redis::pipe;

use super::{
    entry::Name,
    redis::{Redis, RedisFailure},
};
use crate::{circuits::Circuit, time};

/// Seconds that a proof is kept after it was made.
const PROOF_SECONDS: u64 = 7 * 86_400;

/// Tells Redis a circuit's verifying key, and drops the proofs of the one that it had before.
pub async fn publish(redis: &Redis, circuit: &Circuit) -> Result<(), RedisFailure> {
    let (key, id) = (circuit.key.verifying_key(), &circuit.description.id);
    let hash = key.hash();
    let mut commands = pipe();
    commands
        .set(verifying_key_key(&hash), key.to_bytes().as_slice())
        .ignore();
    commands
        .cmd("SET")
        .arg(format!("bauta:circuit:{id}"))
        .arg(folder(circuit))
        .arg("GET");
    let (former,): (Option<String>,) = redis.ask(&commands).await?;
    let Some(former) = former.filter(|former| *former != folder(circuit)) else {
        return Ok(());
    };
    let list = format!("bauta:proofs:{former}");
    let (names,): (Vec<String>,) = redis.ask(pipe().zrange(&list, 0, -1)).await?;
    let mut commands = pipe();
    for name in names {
        commands.unlink(format!("bauta:proof:{former}:{name}")).ignore();
    }
    commands.unlink(&list).ignore();
    redis.ask::<()>(&commands).await?;
    tracing::info!(event = "cache_dropped", circuit_id = id, former);
    Ok(())
}

/// Keeps an entry, and forgets the oldest ones over the bound.
pub async fn keep(
    redis: &Redis,
    circuit: &Circuit,
    name: Name,
    sealed: &[u8],
    most: usize,
) -> Result<(), RedisFailure> {
    let list = format!("bauta:proofs:{}", folder(circuit));
    let mut commands = pipe();
    commands
        .set_ex(proof_key(circuit, name), sealed, PROOF_SECONDS)
        .ignore();
    commands
        .zadd(&list, name.to_hex(), time::milliseconds(time::now()))
        .ignore();
    commands.zcard(&list);
    let (there,): (usize,) = redis.ask(&commands).await?;
    let Some(more) = there.checked_sub(most).filter(|more| *more > 0) else {
        return Ok(());
    };
    let popped: (Vec<(String, f64)>,) = redis
        .ask(pipe().zpopmin(&list, isize::try_from(more).unwrap_or(isize::MAX)))
        .await?;
    let mut commands = pipe();
    for (name, _) in popped.0 {
        commands
            .unlink(format!("bauta:proof:{}:{name}", folder(circuit)))
            .ignore();
    }
    redis.ask(&commands).await
}

/// A circuit and its key, for folders and Redis.
pub fn folder(circuit: &Circuit) -> String {
    let hash = circuit.key.verifying_key().hash();
    format!("{}-{}", circuit.description.id, hex::encode(&hash[..8]))
}

/// The key of a proof.
pub fn proof_key(circuit: &Circuit, name: Name) -> String {
    format!("bauta:proof:{}:{}", folder(circuit), name.to_hex())
}

/// The key of a verification's result.
pub fn verification_key(name: Name) -> String {
    format!("bauta:verification:{}", name.to_hex())
}

/// The key of a verifying key.
pub fn verifying_key_key(hash: &[u8; 32]) -> String {
    format!("bauta:verifying_key:{}", hex::encode(hash))
}
