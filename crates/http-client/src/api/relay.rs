//! Relayed verifications.

use bauta_wire::api::{AcceptedDocument, RelayBody, RelayDocument, RelayStatusDocument, ToSignDocument};
use reqwest::StatusCode;
use sha2::{Digest as _, Sha256};

use super::{Api, check_id};
use crate::{EventStream, HttpError, transport::Request};

/// The response to a request to relay.
#[derive(Clone, Debug)]
pub enum RelayOutcome {
    /// The relay is stored.
    Accepted(AcceptedDocument),
    /// With the fee `in_transaction`: the recipient must sign this transaction. Nothing is stored.
    ToSign(ToSignDocument),
}

impl Api {
    /// Returns the wallets of the relay, and what it accepts.
    pub async fn relay_offer(&self) -> Result<RelayDocument, HttpError> {
        self.0.document(&Request::get("v1/relay")).await
    }

    /// Relays a verification. [`relay_body`](crate::relay_body) makes the body. With the fee `key`,
    /// needs a key with the permission `relay`. A repeated call gets the same relay.
    pub async fn relay(&self, body: &RelayBody) -> Result<RelayOutcome, HttpError> {
        let text = serde_json::to_vec(body).unwrap_or_default();
        let hash = format!("{:x}", Sha256::digest(&text));
        let mut request = Request::post("v1/relay", body)?
            .switched()
            .idempotent(Some(&hash));
        if body.fee == bauta_wire::api::FEE_KEY {
            request = request.keyed();
        }
        let response = self.0.send(&request).await?;
        Ok(match response.status {
            StatusCode::ACCEPTED => RelayOutcome::Accepted(response.document()?),
            _ => RelayOutcome::ToSign(response.document()?),
        })
    }

    /// Returns the state of a relay.
    pub async fn relayed(&self, relay: &str) -> Result<RelayStatusDocument, HttpError> {
        check_id("relay", relay)?;
        self.0.document(&Request::get(format!("v1/relay/{relay}"))).await
    }

    /// Streams the states of a relay. Each event has a [`RelayStatusDocument`]. `None` if the client
    /// has the last state, `known`, already.
    pub async fn relay_events(
        &self,
        relay: &str,
        known: Option<&str>,
    ) -> Result<Option<EventStream>, HttpError> {
        check_id("relay", relay)?;
        let request = Request::get(format!("v1/relay/{relay}/events")).last_event(known);
        self.0.stream(&request).await
    }
}
