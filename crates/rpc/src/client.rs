//! Sends one JSON-RPC call over HTTP, within limits.

use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::{Client, Url, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_transaction_error::TransactionError;

use crate::{BodyError, RpcError, read_body};

/// The limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The time limit of a call, from its start to the last byte of the response. The default is 30
    /// seconds.
    pub timeout: Duration,
    /// The size limit of a response or a notification, in bytes. The default is 64 MiB. A block of
    /// a public cluster with all its transactions has several MiB. An account has at most 14 MiB
    /// (10 MiB, encoded in base64). Methods whose responses are short have lower limits.
    pub max_response_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_response_bytes: 64 << 20,
        }
    }
}

/// A client of one node's JSON-RPC. Clones are cheap and share connections.
#[derive(Clone)]
pub struct Rpc {
    client: Client,
    url: Url,
    host: Arc<str>,
    options: Options,
}

impl Rpc {
    /// Creates a client of the node at an `http` or `https` URL, with the default limits. Does not
    /// connect.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        Self::with_options(url, Options::default())
    }

    /// Creates a client with the given limits. The client uses the proxy that the environment
    /// names, except for nodes on the loopback interface.
    pub fn with_options(url: &str, options: Options) -> Result<Self, RpcError> {
        let (url, host) = parse_url(url, &["http", "https"])?;
        let mut client = Client::builder()
            .timeout(options.timeout)
            .user_agent(concat!("bauta/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| RpcError::Url {
            reason: with_sources(&error.without_url()),
        })?;
        Ok(Self {
            client,
            url,
            host: host.into(),
            options,
        })
    }

    /// Returns scheme, host and port. They can be shown; the rest of the URL may contain a key.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the URL. It may contain a key: don't show it.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the limits of the client.
    #[must_use]
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Calls a method and returns its result. A `null` result is deserialized as well: some methods
    /// return it for an object that does not exist.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<T, RpcError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = self.post(method, 1, request.to_string()).await?;
        parse_response(method, &body)
    }

    /// Calls a method several times in one request, and returns the results in the order of the
    /// parameters. Each one can fail by itself. A node that does not accept several calls in one
    /// request makes the whole call fail.
    pub async fn call_batch<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &[Value],
    ) -> Result<Vec<Result<T, RpcError>>, RpcError> {
        let calls: Vec<Value> = (0_u64..)
            .zip(params)
            .map(|(id, params)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .collect();
        let body = self
            .post(method, params.len(), Value::from(calls).to_string())
            .await?;
        parse_batch(method, &body, params.len())
    }

    /// Sends a request with several calls of a method and returns the body of the response.
    async fn post(&self, method: &'static str, calls: usize, request: String) -> Result<Vec<u8>, RpcError> {
        let unreachable = |error: reqwest::Error| RpcError::Unreachable {
            host: self.host.to_string(),
            reason: with_sources(&error.without_url()),
        };
        let limit = max_result_bytes(method).saturating_mul(calls);
        let limit = limit.min(self.options.max_response_bytes);
        let mut response = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(request)
            .send()
            .await
            .map_err(unreachable)?;
        let body = read_body(&mut response, limit)
            .await
            .map_err(|error| match error {
                BodyError::TooLong { limit } => RpcError::ResponseTooLong { method, limit },
                BodyError::Interrupted(error) => unreachable(error),
            })?;
        if response.status().is_success() {
            return Ok(body);
        }
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Err(RpcError::Http {
            host: self.host.to_string(),
            method,
            status: response.status().as_u16(),
            retry_after: seconds
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
            body: String::from_utf8_lossy(&body).chars().take(200).collect(),
        })
    }
}

/// Returns the size limit of the result of one call, in bytes. It is far above what an honest node
/// returns, and bounds what many concurrent calls hold in memory.
fn max_result_bytes(method: &str) -> usize {
    match method {
        "getSlot" | "getBlockHeight" | "getGenesisHash" | "getFirstAvailableBlock" => 16 << 10,
        "getSignatureStatuses" => 1 << 20,
        // A page has 1,000 entries, each with a memo of about 600 bytes at most. A transaction has
        // at most 64 instructions with 10 kB of data each.
        "getSignaturesForAddress" | "getTransaction" => 4 << 20,
        _ => usize::MAX,
    }
}

/// Parses a URL. Also returns the part that can be shown: scheme, host and port.
pub fn parse_url(text: &str, schemes: &[&str]) -> Result<(Url, String), RpcError> {
    let invalid = |reason: String| RpcError::Url { reason };
    let rule = || format!("it must begin with {}://", schemes.join(":// or "));
    let url = Url::parse(text).map_err(|error| invalid(format!("{error}; {}", rule())))?;
    if !schemes.contains(&url.scheme()) {
        return Err(invalid(format!(
            "it begins with {}:, but {}",
            url.scheme(),
            rule()
        )));
    }
    let host = url
        .host_str()
        .ok_or_else(|| invalid("it has no host".to_owned()))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let shown = format!("{}://{host}{port}", url.scheme());
    Ok((url, shown))
}

/// Returns whether a URL names this machine: `localhost`, or an address of the loopback interface.
/// The name of another host can begin with the digits of such an address.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Formats an error with the chain of its sources.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Extracts the result from a JSON-RPC response.
pub fn parse_response<T: DeserializeOwned>(method: &'static str, body: &[u8]) -> Result<T, RpcError> {
    let response: ResponseJson = serde_json::from_slice(body).map_err(RpcError::invalid_response(method))?;
    result_of(method, response.result, response.error)
}

/// Extracts the results from the response to `count` calls with the ids from 0. A node can return
/// them in any order.
fn parse_batch<T: DeserializeOwned>(
    method: &'static str,
    body: &[u8],
    count: usize,
) -> Result<Vec<Result<T, RpcError>>, RpcError> {
    // A node that refuses several calls sends one error, and not a list.
    if body.trim_ascii_start().first() != Some(&b'[') {
        return Err(match parse_response::<Value>(method, body) {
            Err(refusal) => refusal,
            Ok(_) => missing(method),
        });
    }
    let mut results: Vec<Option<Result<T, RpcError>>> = (0..count).map(|_| None).collect();
    // Nearly always every call has a result in the expected form. Then no tree of values is needed,
    // which would take most of the time.
    if let Ok(responses) = serde_json::from_slice::<Vec<WithId<T>>>(body)
        && responses
            .iter()
            .all(|response| response.result.is_some() && response.error.is_none())
    {
        for response in responses {
            let index = response.id.and_then(|id| usize::try_from(id).ok());
            if let Some(result) = index.and_then(|index| results.get_mut(index)) {
                *result = response.result.map(Ok);
            }
        }
        return Ok(in_order(method, results));
    }
    let responses: Vec<WithId<Value>> =
        serde_json::from_slice(body).map_err(RpcError::invalid_response(method))?;
    for response in responses {
        let index = response.id.and_then(|id| usize::try_from(id).ok());
        if let Some(result) = index.and_then(|index| results.get_mut(index)) {
            *result = Some(result_of(method, response.result, response.error));
        }
    }
    Ok(in_order(method, results))
}

/// Returns the results of all calls. A call without an answer has failed.
fn in_order<T>(method: &'static str, results: Vec<Option<Result<T, RpcError>>>) -> Vec<Result<T, RpcError>> {
    let result = |result: Option<Result<T, RpcError>>| result.unwrap_or_else(|| Err(missing(method)));
    results.into_iter().map(result).collect()
}

fn missing(method: &'static str) -> RpcError {
    RpcError::InvalidResponse {
        method,
        reason: "the node did not answer each of several calls".into(),
    }
}

fn result_of<T: DeserializeOwned>(
    method: &'static str,
    result: Option<Value>,
    error: Option<ErrorJson>,
) -> Result<T, RpcError> {
    match (error, result) {
        (Some(error), _) => Err(error.into_rpc_error(method)),
        (None, result) => {
            serde_json::from_value(result.unwrap_or(Value::Null)).map_err(RpcError::invalid_response(method))
        }
    }
}

/// A response to one of several calls.
#[derive(Deserialize)]
struct WithId<T> {
    id: Option<u64>,
    result: Option<T>,
    error: Option<ErrorJson>,
}

#[derive(Deserialize)]
struct ResponseJson {
    result: Option<Value>,
    error: Option<ErrorJson>,
}

#[derive(Deserialize)]
struct ErrorJson {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl ErrorJson {
    fn into_rpc_error(self, method: &'static str) -> RpcError {
        // If the preflight of a transaction failed: its error and its logs.
        let field = |name: &str| self.data.as_ref()?.get(name).cloned();
        let error: Option<TransactionError> = field("err").and_then(|err| serde_json::from_value(err).ok());
        let logs = field("logs").and_then(|logs| serde_json::from_value(logs).ok());
        RpcError::Refused {
            method,
            code: self.code,
            message: self.message,
            error,
            logs: logs.unwrap_or_default(),
        }
    }
}

/// A value, and the slot at which the node read it.
#[derive(Deserialize)]
pub struct WithContext<T> {
    pub context: Context,
    pub value: T,
}

#[derive(Deserialize)]
pub struct Context {
    pub slot: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_is_refused_and_the_error_names_the_rule() {
        for url in ["localhost:8899", "ws://127.0.0.1:8900", "127.0.0.1", ""] {
            let error = Rpc::new(url).err().unwrap().to_string();
            assert!(error.contains("http:// or https://"), "{url}: {error}");
        }
    }

    #[test]
    fn a_name_that_begins_like_an_address_of_this_machine_is_another_host() {
        let is_loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in [
            "http://127.0.0.1:1",
            "http://127.9.9.9/",
            "http://localhost",
            "http://[::1]:1",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://127.example.org",
            "http://127.0.0.1.example.org",
            "http://localhost:x@example.org",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_key_in_the_url_is_not_shown() {
        let rpc = Rpc::new("https://user:pass@node.example:8443/path-key?api-key=secret").unwrap();
        assert_eq!(rpc.host(), "https://node.example:8443");
    }

    #[test]
    fn a_refused_transaction_keeps_its_error_and_logs() {
        // The response of Agave to sendTransaction when the preflight fails.
        let response = json!({ "jsonrpc": "2.0", "id": 1, "error": {
            "code": -32002,
            "message": "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1770",
            "data": { "err": { "InstructionError": [0, { "Custom": 6000 }] }, "logs": ["Program log: no"], "unitsConsumed": 1 }
        } });
        let error = parse_response::<String>("sendTransaction", response.to_string().as_bytes()).unwrap_err();
        let RpcError::Refused { error, logs, .. } = error else {
            panic!("a refusal: {error}");
        };
        let custom = solana_instruction::error::InstructionError::Custom(6000);
        assert_eq!(error, Some(TransactionError::InstructionError(0, custom)));
        assert_eq!(logs, ["Program log: no"]);
    }
}
