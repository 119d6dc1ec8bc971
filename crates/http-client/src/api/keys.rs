//! API keys of an account, and tickets of web pages.

use bauta_wire::api::{KeyBody, KeyList, NewKeyDocument, RotationBody, TicketBody, TicketDocument};

use super::{Api, check_id};
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns the API keys of the account. Needs the access token of a developer.
    pub async fn keys(&self) -> Result<KeyList, HttpError> {
        self.0.document(&Request::get("v1/keys").keyed()).await
    }

    /// Creates an API key, which is returned only once. Needs the access token of a developer.
    pub async fn create_key(&self, body: &KeyBody) -> Result<NewKeyDocument, HttpError> {
        let request = Request::post("v1/keys", body)?.keyed().once();
        self.0.document(&request).await
    }

    /// Creates the next key of an API key, for a number of days. Needs the access token of a
    /// developer.
    pub async fn rotate_key(&self, prefix: &str, days: u16) -> Result<NewKeyDocument, HttpError> {
        check_id("key", prefix)?;
        let request = Request::post(format!("v1/keys/{prefix}/rotate"), &RotationBody { days })?;
        self.0.document(&request.keyed().once()).await
    }

    /// Revokes an API key. Needs the access token of its developer, of an owner or of an operator.
    pub async fn revoke_key(&self, prefix: &str) -> Result<(), HttpError> {
        check_id("key", prefix)?;
        let request = Request::delete(format!("v1/keys/{prefix}"));
        self.0.send(&request.keyed().once()).await?;
        Ok(())
    }

    /// Creates a ticket with which a web page of an origin opens a stream. Needs a key with the
    /// permission `read`.
    pub async fn ticket(&self, body: &TicketBody) -> Result<TicketDocument, HttpError> {
        let request = Request::post("v1/tickets", body)?.keyed();
        self.0.document(&request).await
    }
}
