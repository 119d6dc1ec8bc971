//! Creates and stores the transactions of a relay, and ends relays.

use bauta_store::{Attempt, NewAttempt, OpenRelay, RandomId, RelayEnd, RelayState};

use super::{
    Shared,
    error::RelayError,
    request::CheckedRequest,
    transaction::{instructions, sign, simulate},
};
use crate::{metrics, time::unix_seconds};

/// Seconds that a proof must still be valid for a new transaction.
const MIN_REMAINING_SECONDS: i64 = 15;
/// A request that was checked this many seconds ago is simulated again before it is sent.
const CHECKED_SECONDS: u64 = 2;

/// What became of an attempt.
pub enum Step {
    /// A new transaction is stored. It was not sent yet.
    Stored(Attempt, Vec<u8>),
    /// The relay ended without a transaction.
    Ended,
    /// Another instance continues.
    Lost,
}

/// Ends a relay. Returns `false` if the database did not record it.
pub async fn end_relay(shared: &Shared, id: RandomId, end: &RelayEnd) -> bool {
    match shared.store.end_relay(id, end).await {
        Ok(ended) => {
            if ended {
                let outcome = match end {
                    RelayEnd::Finalized => RelayState::Finalized,
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
    let id = relay.id;
    let end = async |state, reason: &str| {
        let end = RelayEnd::NotExecuted {
            state,
            reason: reason.to_owned(),
        };
        if end_relay(shared, id, &end).await {
            Ok(Step::Ended)
        } else {
            Err(RelayError::Internal("the relay could not be ended".to_owned()))
        }
    };
    if relay.expiry < unix_seconds() + MIN_REMAINING_SECONDS {
        return end(RelayState::Expired, "proof_expired").await;
    }
    let request = shared
        .sealer
        .open(&id, &relay.request)
        .and_then(|bytes| CheckedRequest::from_bytes(&bytes));
    let (Some(request), Some(wallet)) = (request, shared.wallets.get(&relay.wallet)) else {
        // With another RELAY_KEY, or without the wallet, this instance can't send it.
        return Err(RelayError::Internal(
            "a relay was encrypted with another RELAY_KEY, or its wallet is no longer in RELAY_PAYERS"
                .to_owned(),
        ));
    };
    let number = relay.attempt.as_ref().map_or(1, |attempt| attempt.number + 1);
    if number > 1 || age_seconds >= CHECKED_SECONDS {
        match simulate(shared, &request.verify).await {
            Ok(_) => {}
            Err(RelayError::NullifierUsed) => return end(RelayState::Refused, "nullifier_used").await,
            Err(RelayError::Simulation { program, .. }) => {
                let reason = program.map_or_else(|| "simulation_failed".to_owned(), |error| error.name);
                return end(RelayState::Refused, &reason).await;
            }
            Err(error) => return Err(error),
        }
    }
    let price = match &relay.attempt {
        None => shared.nodes.price(relay.wallet).await,
        Some(former) => former.price.saturating_add(former.price / 2).max(1),
    };
    let price = price.min(shared.fees.max_price);
    let (blockhash, last_heights) = shared.nodes.blockhash().await?;
    let all = instructions(&[request.verify.instruction()], request.compute_units, price);
    let (signature, transaction) = sign(wallet.as_ref(), &all, blockhash).await?;
    let attempt = Attempt {
        number,
        signature,
        last_heights,
        price,
        transaction: shared.sealer.seal(&id, &transaction),
    };
    let new = NewAttempt { relay: id, attempt };
    if !shared.store.add_attempt(&new).await? {
        return Ok(Step::Lost);
    }
    Ok(Step::Stored(new.attempt, transaction))
}
