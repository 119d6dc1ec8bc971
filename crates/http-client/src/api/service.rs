//! The service, its cluster and its gateway.

use bauta_wire::api::{
    ClusterList, ClusterStatusDocument, ConfigDocument, FlagsBody, FlagsDocument, Health, JsonWebKeySet,
};

use super::Api;
use crate::{HttpError, transport::Request};

/// The type of an encapsulated request (RFC 9458).
const OHTTP_REQUEST: &str = "message/ohttp-req";

impl Api {
    /// Returns the state of the process.
    pub async fn health(&self) -> Result<Health, HttpError> {
        self.0.document(&Request::get("health")).await
    }

    /// Returns the cluster of the database, and the configuration of the program there.
    pub async fn config(&self) -> Result<ConfigDocument, HttpError> {
        self.0.document(&Request::get("v1/config")).await
    }

    /// Returns the clusters that the service serves.
    pub async fn clusters(&self) -> Result<ClusterList, HttpError> {
        self.0.document(&Request::get("v1/clusters")).await
    }

    /// Returns the state of all services. It has names of processes only with the access token of an
    /// operator.
    pub async fn cluster_status(&self) -> Result<ClusterStatusDocument, HttpError> {
        self.0.document(&Request::get("api/cluster/status").keyed()).await
    }

    /// Returns whether the service makes, verifies and relays proofs, and for which share of its
    /// clients.
    pub async fn feature_flags(&self) -> Result<FlagsDocument, HttpError> {
        self.0.document(&Request::get("feature-flags")).await
    }

    /// Changes the flags. Needs the access token of an operator. Without `version` in the body, a
    /// request whose response was lost is not repeated.
    pub async fn set_feature_flags(&self, body: &FlagsBody) -> Result<FlagsDocument, HttpError> {
        let request = Request::post("feature-flags", body)?.keyed().once();
        self.0.document(&request).await
    }

    /// Returns the public keys of access tokens.
    pub async fn web_keys(&self) -> Result<JsonWebKeySet, HttpError> {
        self.0.document(&Request::get(".well-known/jwks.json")).await
    }

    /// Returns the key configurations of the gateway for Oblivious HTTP (RFC 9458, section 3).
    pub async fn ohttp_keys(&self) -> Result<Vec<u8>, HttpError> {
        let request = Request::get(".well-known/ohttp-gateway");
        Ok(self.0.send(&request).await?.body)
    }

    /// Sends an encapsulated request (RFC 9458), and returns the encapsulated response. The gateway
    /// accepts each request once.
    pub async fn ohttp_gateway(&self, encapsulated: &[u8]) -> Result<Vec<u8>, HttpError> {
        let request = Request::octets(".well-known/ohttp-gateway", OHTTP_REQUEST, encapsulated.to_vec());
        Ok(self.0.send(&request.keyed().once()).await?.body)
    }
}
