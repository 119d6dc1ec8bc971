//! Bodies of requests to relay, and the wait for their end.

use std::time::Duration;

use bauta_client::instructions::Verify;
use bauta_wire::api::{RelayBody, RelayStatusDocument};
use tokio::time::{Instant, sleep};

use crate::{Api, HttpError, RelayOutcome, transport::prefixed};

/// The first interval between two requests for the state of a relay. It doubles up to the last.
const FIRST_INTERVAL: Duration = Duration::from_millis(250);
/// The last interval. With it, a client stays below the rate limit of an API.
const LAST_INTERVAL: Duration = Duration::from_secs(4);

/// Returns the body of a request to relay a verification, with one of the fees
/// [`FEE_SPONSORED`](crate::wire::api::FEE_SPONSORED), [`FEE_KEY`](crate::wire::api::FEE_KEY) and
/// [`FEE_IN_TRANSACTION`](crate::wire::api::FEE_IN_TRANSACTION). The API sends the transaction at a
/// random moment within `max_delay`.
///
/// # Errors
/// If the proof names no relayer, which must be a wallet of the relay.
pub fn relay_body(verify: &Verify, fee: &str, max_delay: Duration) -> Result<RelayBody, HttpError> {
    let relayer = verify.relayer.ok_or(HttpError::InvalidParameter {
        parameter: "relayer",
        rule: "must be a wallet of the relay when the proof is made",
    })?;
    let max_delay_seconds = u32::try_from(max_delay.as_secs()).map_err(|_| HttpError::InvalidParameter {
        parameter: "max_delay",
        rule: "must be at most an hour",
    })?;
    Ok(RelayBody {
        scope: verify.scope.to_string(),
        proof: prefixed(&verify.proof),
        root: verify.root.to_string(),
        nullifier: verify.nullifier.to_string(),
        claim: verify.claim.to_string(),
        auxiliary_root: verify.auxiliary_root.map(|root| root.to_string()),
        recipient: verify.recipient.to_string(),
        relayer: relayer.to_string(),
        expiry: verify.expiry,
        payload: Some(prefixed(&verify.payload)),
        fee: fee.to_owned(),
        consumer: None,
        signed_transaction: None,
        max_delay_seconds: Some(max_delay_seconds),
    })
}

impl Api {
    /// Relays a verification, and waits until the API reports that it is confirmed, for `patience`
    /// after the delay that the body allows.
    ///
    /// The API may be wrong. A caller that acts on the result reads the nullifier account from its
    /// own node.
    pub async fn relay_and_wait(
        &self,
        body: &RelayBody,
        patience: Duration,
    ) -> Result<RelayStatusDocument, HttpError> {
        let delay = Duration::from_secs(body.max_delay_seconds.unwrap_or_default().into());
        let end = Instant::now() + delay + patience;
        let id = match self.relay(body).await? {
            RelayOutcome::Accepted(accepted) => accepted.id,
            RelayOutcome::ToSign(_) => {
                return Err(HttpError::InvalidParameter {
                    parameter: "signed_transaction",
                    rule: "must have the transaction that the recipient signed",
                });
            }
        };
        let mut interval = FIRST_INTERVAL;
        loop {
            match self.relayed(&id).await {
                Ok(status) => match &*status.state {
                    "confirmed" | "finalized" => return Ok(status),
                    "refused" | "failed" | "expired" => {
                        return Err(HttpError::RelayEnded {
                            state: status.state.into_owned(),
                            reason: status.reason,
                        });
                    }
                    _ => {}
                },
                // The relay continues without this connection.
                Err(HttpError::Unreachable { .. }) => {}
                Err(HttpError::Problem(problem)) if problem.status == 429 || problem.status >= 500 => {}
                Err(error) => return Err(error),
            }
            if Instant::now() > end {
                return Err(HttpError::RelayPending { id });
            }
            sleep(interval).await;
            interval = (interval * 2).min(LAST_INTERVAL);
        }
    }
}
