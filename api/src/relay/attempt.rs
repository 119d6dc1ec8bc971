//! Creates and stores the transactions of a relay, and ends relays.

use bauta_store::{Attempt, NullifierUse, OpenRelay, RelayEnd, RelayLease, RelayState};
use solana_hash::Hash;
use solana_signature::Signature;

use super::{
    Shared,
    checked::{CheckedRequest, CoSigned},
    error::RelayError,
    instructions::instructions,
    transaction::{sign, simulate},
};
use crate::{metrics, time::unix_seconds};

/// Seconds that a proof must still be valid for a new transaction.
const MIN_REMAINING_SECONDS: i64 = 90;
/// A request that was checked this many seconds ago is simulated again before it is sent.
const CHECKED_SECONDS: u64 = 2;

/// The outcome of an attempt.
pub enum Step {
    /// A new transaction is stored. It was not sent yet.
    Stored(Attempt, Vec<u8>),
    /// The relay ended without a transaction.
    Ended,
    /// Another instance continues.
    Lost,
}

/// Returns the end of a relay without an executed transaction.
pub fn not_executed(state: RelayState, reason: &str) -> RelayEnd {
    RelayEnd::NotExecuted {
        state,
        reason: reason.to_owned(),
    }
}

/// Returns the end of a relay whose nullifier is used.
pub fn used_by(used: NullifierUse) -> RelayEnd {
    match used {
        NullifierUse::Own(signature) => RelayEnd::Finalized { signature },
        NullifierUse::Other => not_executed(RelayState::Refused, "nullifier_used"),
    }
}

/// Returns who used the nullifier of a relay. If the database fails, it is found later.
pub async fn nullifier_use(shared: &Shared, lease: &RelayLease) -> Option<NullifierUse> {
    shared
        .store
        .nullifier_use(lease.relay)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(event = "nullifier_not_read", %error);
            None
        })
}

/// Ends a relay. Returns `false` if the database did not record it.
pub async fn end_relay(shared: &Shared, lease: &RelayLease, last_attempt: u16, end: &RelayEnd) -> bool {
    match shared.store.end_relay(lease, last_attempt, end).await {
        Ok(ended) => {
            if ended {
                let outcome = match end {
                    RelayEnd::Finalized { .. } => RelayState::Finalized,
                    RelayEnd::Failed { .. } => RelayState::Failed,
                    RelayEnd::NotExecuted { state, .. } => *state,
                };
                metrics::record_relay_ended(outcome);
            }
            true
        }
        Err(error) => {
            tracing::warn!(event = "relay_not_ended", %error);
            false
        }
    }
}

/// Creates and stores the next transaction of a relay, or ends the relay.
pub async fn attempt(shared: &Shared, relay: &OpenRelay, age_seconds: u64) -> Result<Step, RelayError> {
    let lease = &relay.lease;
    let last = relay.attempt.as_ref().map_or(0, |attempt| attempt.number);
    let end = async |end: RelayEnd| {
        if end_relay(shared, lease, last, &end).await {
            Ok(Step::Ended)
        } else {
            Err(RelayError::Internal("the relay could not be ended".to_owned()))
        }
    };
    if relay.expiry < unix_seconds() + MIN_REMAINING_SECONDS {
        return end(not_executed(RelayState::Expired, "proof_expired")).await;
    }
    let request = shared
        .sealer
        .open(&lease.relay, &relay.request)
        .and_then(|bytes| CheckedRequest::from_bytes(&bytes));
    let (Some(request), Some(wallet)) = (request, shared.wallets.get(&relay.wallet)) else {
        // With another RELAY_KEY, this instance can't send it. The lease ends, so that an instance
        // that has the key can continue.
        tracing::error!(
            event = "relay_unreadable",
            reason = "it was encrypted with another RELAY_KEY"
        );
        return Ok(Step::Lost);
    };
    let mut simulated = request.compute_units;
    if last > 0 || age_seconds >= CHECKED_SECONDS || !request.is_simulated() {
        match simulate(shared, &request).await {
            Ok(units) => simulated = units,
            Err(RelayError::NullifierUsed) => {
                // A transaction of this relay may have used it. The finalized events name the
                // transaction.
                return match nullifier_use(shared, lease).await {
                    Some(used) => end(used_by(used)).await,
                    None => Err(RelayError::NullifierUsed),
                };
            }
            Err(RelayError::Simulation { program, .. }) => {
                let reason = program.map_or_else(|| "simulation_failed".to_owned(), |error| error.name);
                return end(not_executed(RelayState::Refused, &reason)).await;
            }
            Err(error) => {
                return match refusal(&error) {
                    Some(reason) => end(not_executed(RelayState::Refused, reason)).await,
                    None => Err(error),
                };
            }
        }
    }
    let signed = request.payment.as_ref().and_then(|payment| payment.signed);
    let limits = match signed {
        Some(signed) => co_signed_limits(shared, &request, signed, last).await?,
        None => Some(new_limits(shared, relay, simulated).await?),
    };
    let Some(limits) = limits else {
        return end(not_executed(RelayState::Expired, "not_executed")).await;
    };
    let inner = request.instructions(Some(shared.policy.min_balance));
    let all = instructions(&inner, limits.compute_units, limits.price);
    let others: Vec<Signature> = signed.iter().map(|signed| signed.signature).collect();
    let (signature, transaction) = sign(wallet.as_ref(), &all, limits.blockhash, &others).await?;
    let attempt = Attempt {
        number: last + 1,
        signature,
        last_heights: limits.last_heights,
        price: limits.price,
        transaction: shared.sealer.seal(&lease.relay, &transaction),
    };
    if !shared.store.add_attempt(lease, &attempt).await? {
        return Ok(Step::Lost);
    }
    Ok(Step::Stored(attempt, transaction))
}

/// What a transaction has in addition to its instructions.
struct Limits {
    blockhash: Hash,
    last_heights: Vec<u64>,
    price: u64,
    compute_units: u32,
}

/// Returns the limits of the next transaction of a relay.
async fn new_limits(shared: &Shared, relay: &OpenRelay, compute_units: u32) -> Result<Limits, RelayError> {
    let recent = shared.nodes.price().await;
    let former = relay.attempt.as_ref().map(|former| former.price);
    let (blockhash, last_heights) = shared.nodes.blockhash().await?;
    Ok(Limits {
        blockhash,
        last_heights,
        price: shared.fees.price(recent, former),
        compute_units,
    })
}

/// Returns the limits of the one transaction that the recipient has signed. `None` if it was sent,
/// or if its blockhash has expired. Fails if no node answers.
async fn co_signed_limits(
    shared: &Shared,
    request: &CheckedRequest,
    signed: CoSigned,
    last_attempt: u16,
) -> Result<Option<Limits>, RelayError> {
    if last_attempt > 0 {
        return Ok(None);
    }
    let last_heights = shared.nodes.last_heights(signed.blockhash).await?;
    Ok(last_heights.map(|last_heights| Limits {
        blockhash: signed.blockhash,
        last_heights,
        price: signed.price,
        compute_units: request.compute_units,
    }))
}

/// Returns the reason with which a relay ends because of the operator's rules for consumer
/// programs, which may have changed since the request.
const fn refusal(error: &RelayError) -> Option<&'static str> {
    match error {
        RelayError::ConsumerNotListed => Some("consumer_not_listed"),
        RelayError::ConsumerChanged => Some("consumer_changed"),
        RelayError::ConsumerTooExpensive { .. } => Some("consumer_too_expensive"),
        _ => None,
    }
}
