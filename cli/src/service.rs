//! The parts of the services' HTTP interfaces that this command uses.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bauta_primitives::{Leaf, Root};
use bauta_rpc::read_body;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
    redirect::Policy,
};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use solana_address::Address;

use crate::{
    api_key::ApiKey,
    cluster::is_loopback,
    failure::{Failure, Kind},
    printable::shown,
};

/// The longest list of leaves that an API sends, in bytes: 1,048,576 leaves.
const MAX_LEAVES_BYTES: usize = 32 << 20;
/// The longest document of a service, in bytes.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;
/// The longest time for a response.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A service: the API or the prover service.
pub struct Service {
    client: Client,
    url: Url,
}

impl Service {
    /// Uses the service at a URL. Does not connect.
    pub fn new(url: &str) -> Result<Self> {
        let invalid = || {
            Failure::new(Kind::Other, "the URL of the service is invalid")
                .next("give a URL that begins with https://, for example https://api.example.org")
        };
        let mut parsed = Url::parse(url).map_err(|_| invalid())?;
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(invalid().into());
        }
        if !parsed.path().ends_with('/') {
            parsed.set_path(&format!("{}/", parsed.path()));
        }
        // A redirect would send keys and proofs to another address.
        let mut client = Client::builder().timeout(TIMEOUT).redirect(Policy::none());
        if is_loopback(url) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().context("can't create the client of a service")?,
            url: parsed,
        })
    }

    /// Uses the service at a URL, to which an API key may be sent. Does not connect.
    pub fn with_key(url: &str) -> Result<Self> {
        let service = Self::new(url)?;
        if service.url.scheme() == "https" || is_loopback(url) {
            return Ok(service);
        }
        let message = format!(
            "the API key would be sent to {} without encryption",
            service.host()
        );
        Err(Failure::new(Kind::Other, message)
            .next("give a URL that begins with https://")
            .into())
    }

    /// Returns scheme, host and port of the URL. Its path and query may contain a key.
    pub fn host(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Returns the leaves of the tree with a root, from index 0 on. The caller must compute the
    /// root again.
    pub async fn leaves(&self, registry: &Address, root: Root) -> Result<Vec<Leaf>> {
        let path = format!("v1/registries/{registry}/roots/{root}/leaves");
        let bytes = self.get(&path, MAX_LEAVES_BYTES).await?;
        let (leaves, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            let message = format!(
                "the API sent {} bytes of leaves, which are not 32 for each",
                bytes.len()
            );
            return Err(Failure::new(Kind::Node, message).into());
        }
        let leaves = leaves.iter().map(|leaf| Ok(Leaf::from_bytes(*leaf)?));
        leaves.collect()
    }

    /// Reads a document. Returns the status and the document, which may be a problem.
    pub async fn read(&self, path: &str) -> Result<(StatusCode, Value)> {
        self.document(self.client.get(self.join(path)?)).await
    }

    /// Sends a verification to the relay. Returns the status and the document of the response, which
    /// may be a problem.
    pub async fn relay(&self, body: &Value) -> Result<(StatusCode, Value)> {
        let body = body.to_string();
        // A repeated request returns its relay, also after the end of the relay.
        let key = hex::encode(digest(&SHA256, body.as_bytes()));
        let request = self.client.post(self.join("v1/relay")?);
        let request = request.header(CONTENT_TYPE, "application/json");
        self.document(request.header("idempotency-key", key).body(body))
            .await
    }

    /// Stores the leaves of the current root of an attested registry, from index 0 on. Returns the
    /// status and the document of the response, which may be a problem.
    pub async fn upload(
        &self,
        registry: &Address,
        root: Root,
        leaves: &[Leaf],
        key: &ApiKey,
    ) -> Result<(StatusCode, Value)> {
        let url = self.join(&format!("v1/registries/{registry}/roots/{root}/leaves"))?;
        let body: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.to_bytes()).collect();
        let request = self.client.put(url).header(AUTHORIZATION, key.header()?);
        let request = request
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(body);
        self.document(request).await
    }

    async fn document(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let mut response = request.send().await.map_err(|error| self.unreachable(error))?;
        let body = self.body(&mut response, MAX_DOCUMENT_BYTES).await?;
        let document = serde_json::from_slice(&body).unwrap_or_default();
        Ok((response.status(), document))
    }

    fn join(&self, path: &str) -> Result<Url> {
        self.url.join(path).context("the URL of the service")
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let message = format!("{} did not respond: {}", self.host(), error.without_url());
        Failure::new(Kind::Node, message).next("check the URL of the service")
    }

    async fn get(&self, path: &str, limit: usize) -> Result<Vec<u8>> {
        let request = self.client.get(self.join(path)?);
        let mut response = request.send().await.map_err(|error| self.unreachable(error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await.into());
        }
        self.body(&mut response, limit).await
    }

    async fn body(&self, response: &mut Response, limit: usize) -> Result<Vec<u8>> {
        let body = read_body(response, limit).await;
        body.map_err(|error| {
            Failure::new(Kind::Node, format!("{}: {error}", self.host()))
                .next("repeat the command, or use another service")
                .into()
        })
    }

    /// Returns the failure that a problem document describes.
    pub fn problem(&self, status: StatusCode, problem: &Value) -> Failure {
        let detail = problem["detail"].as_str().or(problem["title"].as_str());
        let detail = shown(detail.unwrap_or("no detail"));
        let message = format!("{} responded with {status}: {detail}", self.host());
        Failure::new(Kind::Refused, message)
    }

    async fn refused(&self, mut response: Response) -> Failure {
        let status = response.status();
        let body = read_body(&mut response, MAX_DOCUMENT_BYTES)
            .await
            .unwrap_or_default();
        let body = shown(&String::from_utf8_lossy(&body));
        let message = format!("{} responded with {status}: {body}", self.host());
        Failure::new(Kind::Node, message)
            .next("check that the service serves this cluster, and has followed it to the registry's root")
    }
}

/// Returns whether a service can respond otherwise later. An operator has to enable a disabled
/// feature.
pub fn is_busy(status: StatusCode, problem: &Value) -> bool {
    let is_temporary = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    is_temporary && problem["code"] != "feature_disabled"
}
