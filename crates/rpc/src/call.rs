//! One call: its transport and its limits.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Url, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_transaction_error::TransactionError;

use crate::RpcError;

/// Limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a call may take, from its beginning to the answer's last byte. 30 seconds by default.
    pub timeout: Duration,
    /// How long an answer or a notice may be. 64 MiB by default: a public cluster's block with all its transactions
    /// has several, an account at most 14 (10 MiB, in base64).
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

/// A node's JSON-RPC. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Rpc {
    client: Client,
    url: Url,
    host: Arc<str>,
    options: Options,
}

impl Rpc {
    /// A client of the node at an `http` or `https` URL, with the default limits. Asks nothing yet.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        Self::with_options(url, Options::default())
    }

    /// A client with limits of its own. A proxy from the environment is used, but never for this machine itself.
    pub fn with_options(url: &str, options: Options) -> Result<Self, RpcError> {
        let (url, host) = read_url(url, &["http", "https"])?;
        let mut client = Client::builder()
            .timeout(options.timeout)
            .user_agent(concat!("bauta/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&url) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| RpcError::Url {
            reason: told(&error.without_url()),
        })?;
        Ok(Self {
            client,
            url,
            host: host.into(),
            options,
        })
    }

    /// Scheme, host and port, which can be shown to anybody: the whole URL may hold a key.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The limits.
    #[must_use]
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Calls a method. `null` is an answer too: to some methods it says that there is no such thing.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<T, RpcError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = self.exchange(method, request.to_string()).await?;
        read_answer(method, &body)
    }

    /// Sends a request and takes the body of its answer.
    async fn exchange(&self, method: &'static str, request: String) -> Result<Vec<u8>, RpcError> {
        let unreachable = |error: reqwest::Error| RpcError::Unreachable {
            host: self.host.to_string(),
            reason: told(&error.without_url()),
        };
        let limit = self.options.max_response_bytes;
        let mut answer = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(request)
            .send()
            .await
            .map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + part.len() > limit {
                return Err(RpcError::TooLong { method, limit });
            }
            body.extend_from_slice(&part);
        }
        if answer.status().is_success() {
            return Ok(body);
        }
        let seconds = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Err(RpcError::Http {
            host: self.host.to_string(),
            method,
            status: answer.status().as_u16(),
            retry_after: seconds
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
            body: String::from_utf8_lossy(&body).chars().take(200).collect(),
        })
    }
}

/// Reads a URL and what of it may be shown.
pub fn read_url(text: &str, schemes: &[&str]) -> Result<(Url, String), RpcError> {
    let wrong = |reason: String| RpcError::Url { reason };
    let begins = || format!("it has to begin with {}://", schemes.join(":// or "));
    let url = Url::parse(text).map_err(|error| wrong(format!("{error}; {}", begins())))?;
    if !schemes.contains(&url.scheme()) {
        return Err(wrong(format!(
            "it begins with {}:, and {}",
            url.scheme(),
            begins()
        )));
    }
    let host = url
        .host_str()
        .ok_or_else(|| wrong("it names no host".to_owned()))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let shown = format!("{}://{host}{port}", url.scheme());
    Ok((url, shown))
}

fn is_this_machine(url: &Url) -> bool {
    url.host_str()
        .is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."))
}

/// An error with everything that caused it.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Takes the result out of a JSON-RPC answer.
pub fn read_answer<T: DeserializeOwned>(method: &'static str, body: &[u8]) -> Result<T, RpcError> {
    let answer: Answer = serde_json::from_slice(body).map_err(RpcError::answer(method))?;
    match (answer.error, answer.result) {
        (Some(refusal), _) => Err(refusal.into_error(method)),
        (None, result) => {
            serde_json::from_value(result.unwrap_or(Value::Null)).map_err(RpcError::answer(method))
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Refusal {
    fn into_error(self, method: &'static str) -> RpcError {
        // Of a transaction that was tried and failed: what it failed with, and its logs.
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

/// A value as it was at a slot.
#[derive(Deserialize)]
pub struct InContext<T> {
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
    fn a_url_that_is_none_is_refused_and_the_rule_named() {
        for url in ["localhost:8899", "ws://127.0.0.1:8900", "127.0.0.1", ""] {
            let error = Rpc::new(url).err().unwrap().to_string();
            assert!(error.contains("http:// or https://"), "{url}: {error}");
        }
    }

    #[test]
    fn a_key_in_the_url_is_not_shown() {
        let rpc = Rpc::new("https://user:pass@node.example:8443/path-key?api-key=secret").unwrap();
        assert_eq!(rpc.host(), "https://node.example:8443");
    }

    #[test]
    fn a_refused_transaction_keeps_its_error_and_logs() {
        // As Agave answers sendTransaction when the preflight fails.
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "error": {
            "code": -32002,
            "message": "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1770",
            "data": { "err": { "InstructionError": [0, { "Custom": 6000 }] }, "logs": ["Program log: no"], "unitsConsumed": 1 }
        } });
        let error = read_answer::<String>("sendTransaction", answer.to_string().as_bytes()).unwrap_err();
        let RpcError::Refused { error, logs, .. } = error else {
            panic!("a refusal: {error}");
        };
        let custom = solana_instruction::error::InstructionError::Custom(6000);
        assert_eq!(error, Some(TransactionError::InstructionError(0, custom)));
        assert_eq!(logs, ["Program log: no"]);
    }
}
