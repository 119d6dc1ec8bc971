//! HTTP requests to the prover service.

use std::time::Duration;

use bauta_rpc::read_body;
use bauta_service_common::Secret;
use reqwest::{Client, Response, StatusCode, Url, header, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{InvalidProverUrl, ProverError, error_response::refusal};

/// Largest response in bytes. A proof with its metadata takes about 3 KiB.
const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// A client of the prover service.
pub struct Http {
    client: Client,
    url: Url,
    key: Option<Secret>,
}

/// A request to the prover service.
pub struct Call<'a> {
    /// The path below the service's URL.
    pub path: &'a str,
    /// The JSON body of a POST request. Without one, the request is a GET request.
    pub body: Option<&'a Value>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// The longest time until the end of the response.
    pub timeout: Duration,
}

impl Http {
    /// Uses the service at a URL. Doesn't connect.
    pub fn new(url: &Secret, key: Option<Secret>) -> Result<Self, InvalidProverUrl> {
        let mut url: Url = url
            .expose()
            .trim()
            .parse()
            .map_err(|_| InvalidProverUrl("must be a URL such as http://prover:3001".to_owned()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(InvalidProverUrl("must begin with http:// or https://".to_owned()));
        }
        // Paths are joined below the last `/`.
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        // The API key must not reach another server.
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| InvalidProverUrl(error.without_url().to_string()))?;
        Ok(Self { client, url, key })
    }

    /// Sends a request and reads the response.
    pub async fn send<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ProverError> {
        let unavailable = |error: reqwest::Error| ProverError::Unavailable(error.without_url().to_string());
        let url = self.url.join(call.path);
        let url = url.map_err(|error| ProverError::Unavailable(error.to_string()))?;
        let mut request = match call.body {
            None => self.client.get(url),
            Some(body) => self
                .client
                .post(url)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string()),
        };
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose().trim());
        }
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let mut response = request.timeout(call.timeout).send().await.map_err(unavailable)?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = read_body(&mut response, MAX_RESPONSE_BYTES).await;
        let body = body.map_err(|error| ProverError::Unavailable(error.to_string()))?;
        if [StatusCode::OK, StatusCode::ACCEPTED].contains(&status) {
            let unreadable = |error: serde_json::Error| ProverError::Unavailable(error.to_string());
            return serde_json::from_slice(&body).map_err(unreadable);
        }
        Err(refusal(status, retry_after, &body))
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    value.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
