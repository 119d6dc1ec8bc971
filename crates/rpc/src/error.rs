use std::time::Duration;

use solana_signature::Signature;
use solana_transaction_error::TransactionError;

use crate::ExecutionError;

/// The longest text of a node in a message, in characters.
const MAX_SHOWN: usize = 300;
/// The largest number of logs of a transaction in a message.
const MAX_LOG_LINES: usize = 100;

/// An error of a call or a subscription.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The URL is invalid.
    #[error("invalid URL of a node: {reason}")]
    Url {
        /// What is wrong with the URL.
        reason: String,
    },
    /// The node did not respond, or not in time.
    #[error("the node at {host} did not respond: {reason}")]
    Unreachable {
        /// Scheme, host and port.
        host: String,
        /// The error of the connection.
        reason: String,
    },
    /// The node, or a proxy in front of it, responded with an HTTP error.
    #[error("the node at {host} responded to {method} with HTTP status {status}: {}", one_line(.body))]
    Http {
        /// Scheme, host and port.
        host: String,
        /// The method called.
        method: &'static str,
        /// The HTTP status code.
        status: u16,
        /// The time to wait before the next call, from the header `Retry-After`. `None` if the
        /// response has no such header.
        retry_after: Option<Duration>,
        /// The beginning of the body, at most 200 characters.
        body: String,
    },
    /// The response is longer than [`crate::Options::max_response_bytes`].
    #[error("the node's response to {method} is longer than the limit of {limit} bytes")]
    ResponseTooLong {
        /// The method called.
        method: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The response does not have the form that the method prescribes.
    #[error("the node's response to {method} is invalid: {}", one_line(.reason))]
    InvalidResponse {
        /// The method called.
        method: &'static str,
        /// What is wrong with the response.
        reason: String,
    },
    /// The node refused the call. A refused transaction has not reached the chain.
    #[error("the node refused {method}: {} ({code}){}", one_line(.message), log_lines(.logs))]
    Refused {
        /// The method called.
        method: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// The node's message.
        message: String,
        /// The error of a transaction that failed in the preflight.
        error: Option<TransactionError>,
        /// The logs of a transaction that failed in the preflight.
        logs: Vec<String>,
    },
    /// The connection of a subscription has ended. Subscribe again, and read what happened in
    /// between with calls.
    #[error("the subscription {method} at {host} has ended: {reason}")]
    Disconnected {
        /// Scheme, host and port.
        host: String,
        /// The method that subscribed.
        method: &'static str,
        /// Why the connection ended.
        reason: String,
    },
    /// The transaction was executed on the chain and failed.
    #[error("transaction {signature} failed: {error}")]
    Failed {
        /// The transaction's signature.
        signature: Signature,
        /// The transaction's error.
        error: ExecutionError,
    },
    /// The transaction's blockhash expired before the transaction was confirmed.
    #[error(
        "transaction {signature} was not confirmed before its blockhash expired, by the block height of the node"
    )]
    Expired {
        /// The transaction's signature.
        signature: Signature,
    },
    /// The node responds, but its block height does not grow. Whether the transaction is executed
    /// is not known.
    #[error(
        "the block height of the node at {host} does not grow: the result of transaction {signature} is not known"
    )]
    Stalled {
        /// Scheme, host and port.
        host: String,
        /// The transaction's signature.
        signature: Signature,
    },
    /// The transaction is longer than a cluster accepts.
    #[error(
        "the transaction has {bytes} bytes, but a cluster accepts at most {limit}: send fewer instructions in one transaction"
    )]
    TransactionTooLong {
        /// The length of the transaction.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The transaction cannot be serialized or signed.
    #[error("the transaction cannot be built: {reason}")]
    Build {
        /// What failed.
        reason: String,
    },
}

/// The error codes of Agave (`rpc-client-api/src/custom_error.rs`) and of JSON-RPC itself.
pub(crate) mod codes {
    pub const PREFLIGHT_FAILED: i64 = -32002;
    pub const BLOCK_NOT_AVAILABLE: i64 = -32004;
    pub const NODE_UNHEALTHY: i64 = -32005;
    pub const SLOT_SKIPPED: i64 = -32007;
    pub const LONG_TERM_STORAGE_SLOT_SKIPPED: i64 = -32009;
    pub const KEY_EXCLUDED_FROM_SECONDARY_INDEX: i64 = -32010;
    pub const BLOCK_STATUS_NOT_AVAILABLE_YET: i64 = -32014;
    pub const MIN_CONTEXT_SLOT_NOT_REACHED: i64 = -32016;
    pub const LONG_TERM_STORAGE_UNREACHABLE: i64 = -32019;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    pub const INTERNAL: i64 = -32603;
    /// The rate limiters of providers respond with this code. Agave does not use it.
    pub const TOO_MANY_REQUESTS: i64 = 429;
}

impl RpcError {
    /// Creates [`Self::InvalidResponse`] from a reason, for `map_err`.
    pub(crate) fn invalid_response<E: ToString>(method: &'static str) -> impl FnOnce(E) -> Self {
        move |reason| Self::InvalidResponse {
            method,
            reason: reason.to_string(),
        }
    }

    /// Returns the error of a transaction that failed in the preflight or on the chain. `None`
    /// for other errors, and for one that this version does not know.
    #[must_use]
    pub fn transaction_error(&self) -> Option<TransactionError> {
        match self {
            Self::Refused { error, .. } => error.clone(),
            Self::Failed { error, .. } => error.known(),
            _ => None,
        }
    }

    /// Returns a description without anything that the node has written. A node repeats addresses
    /// of a call in its messages, and what a service logs must not have them.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Http {
                host, method, status, ..
            } => format!("the node at {host} responded to {method} with HTTP status {status}"),
            Self::InvalidResponse { method, .. } => format!("the node's response to {method} is invalid"),
            Self::Refused { method, code, .. } => format!("the node refused {method} ({code})"),
            Self::Disconnected { host, method, .. } => {
                format!("the subscription {method} at {host} has ended")
            }
            Self::Failed { .. } => "a transaction failed".to_owned(),
            Self::Expired { .. } => "a transaction was not confirmed in time".to_owned(),
            Self::Stalled { host, .. } => format!("the block height of the node at {host} does not grow"),
            Self::Url { .. }
            | Self::Unreachable { .. }
            | Self::ResponseTooLong { .. }
            | Self::TransactionTooLong { .. }
            | Self::Build { .. } => self.to_string(),
        }
    }

    /// Returns whether the node answered, and refused the call or did not understand it. A node
    /// that limits the rate of calls, or is unavailable, does not refuse.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::InvalidResponse { .. } => true,
            Self::Http { status, .. } => (400..429).contains(status),
            _ => false,
        }
    }

    /// Returns whether the node, or a proxy in front of it, does not serve the method at all.
    #[must_use]
    pub fn is_method_refusal(&self) -> bool {
        match self {
            Self::Refused { code, .. } => matches!(
                *code,
                codes::METHOD_NOT_FOUND | codes::KEY_EXCLUDED_FROM_SECONDARY_INDEX
            ),
            Self::Http { status, .. } => matches!(status, 403 | 404 | 405 | 410 | 501),
            _ => false,
        }
    }

    /// Returns whether the same call may succeed later: the node is unavailable, busy or behind, or
    /// does not know a recent blockhash yet.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Disconnected { .. } => true,
            Self::Http { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Refused { code, error, .. } => match *code {
                codes::BLOCK_NOT_AVAILABLE
                | codes::NODE_UNHEALTHY
                | codes::BLOCK_STATUS_NOT_AVAILABLE_YET
                | codes::MIN_CONTEXT_SLOT_NOT_REACHED
                | codes::LONG_TERM_STORAGE_UNREACHABLE
                | codes::INTERNAL
                | codes::TOO_MANY_REQUESTS => true,
                codes::PREFLIGHT_FAILED => matches!(error, Some(TransactionError::BlockhashNotFound)),
                _ => false,
            },
            _ => false,
        }
    }
}

/// Returns the beginning of a text that the node has written, with escapes in place of control
/// characters. So the text can't add a line to a log or to the output of a command.
fn one_line(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(MAX_SHOWN) {
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Formats the last logs, each on its own indented line. The last ones have the error.
fn log_lines(logs: &[String]) -> String {
    let lines = logs.iter().skip(logs.len().saturating_sub(MAX_LOG_LINES));
    lines
        .flat_map(|line| ["\n  ".to_owned(), one_line(line)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, error: Option<TransactionError>) -> RpcError {
        RpcError::Refused {
            method: "getBlock",
            code,
            message: String::new(),
            error,
            logs: Vec::new(),
        }
    }

    fn http(status: u16) -> RpcError {
        RpcError::Http {
            host: String::new(),
            method: "",
            status,
            retry_after: None,
            body: String::new(),
        }
    }

    #[test]
    fn a_summary_has_nothing_that_the_node_has_written() {
        let written = || "the wallet BaXw is excluded".to_owned();
        let (host, method) = ("http://node:8899".to_owned(), "getTokenAccountsByOwner");
        for error in [
            RpcError::Http {
                host: host.clone(),
                method,
                status: 500,
                retry_after: None,
                body: written(),
            },
            RpcError::InvalidResponse {
                method,
                reason: written(),
            },
            RpcError::Refused {
                method,
                code: -32_010,
                message: written(),
                error: None,
                logs: vec![written()],
            },
            RpcError::Disconnected {
                host,
                method,
                reason: written(),
            },
        ] {
            assert!(error.to_string().contains("BaXw"));
            let summary = error.summary();
            assert!(!summary.contains("BaXw") && summary.contains(method), "{summary}");
        }
    }

    #[test]
    fn a_text_of_the_node_adds_no_line_and_is_cut() {
        let text = "x\nnext: run this".to_owned();
        let error = RpcError::Refused {
            method: "sendTransaction",
            code: -32_002,
            message: text.clone() + &"y".repeat(10_000),
            error: None,
            logs: vec![text],
        };
        let shown = error.to_string();
        assert!(shown.len() < 1_000, "{shown}");
        assert!(shown.lines().all(|line| !line.starts_with("next")), "{shown}");
        assert_eq!(shown.lines().count(), 2);
    }

    #[test]
    fn a_refusal_by_a_node_that_is_behind_is_retryable_and_an_invalid_call_is_not() {
        assert!(refused(codes::BLOCK_NOT_AVAILABLE, None).is_retryable());
        assert!(refused(codes::NODE_UNHEALTHY, None).is_retryable());
        // -32602: invalid parameters. -32601: unknown method. -32007: the slot was skipped.
        for code in [-32602, -32601, codes::SLOT_SKIPPED] {
            assert!(!refused(code, None).is_retryable(), "{code}");
        }
    }

    #[test]
    fn a_node_that_limits_the_rate_or_is_unavailable_does_not_refuse() {
        for status in [400, 404, 413] {
            assert!(http(status).is_refusal(), "{status}");
        }
        for status in [429, 500, 503] {
            assert!(!http(status).is_refusal(), "{status}");
        }
        assert!(refused(codes::INTERNAL, None).is_refusal());
        let unreachable = RpcError::Unreachable {
            host: String::new(),
            reason: String::new(),
        };
        assert!(!unreachable.is_refusal());
    }

    #[test]
    fn a_node_that_does_not_serve_a_method_differs_from_one_that_fails() {
        assert!(refused(codes::METHOD_NOT_FOUND, None).is_method_refusal());
        assert!(http(403).is_method_refusal());
        assert!(!refused(codes::INTERNAL, None).is_method_refusal());
        assert!(!http(429).is_method_refusal());
        assert!(!http(503).is_method_refusal());
    }

    #[test]
    fn a_failed_preflight_is_retryable_only_if_the_blockhash_is_unknown() {
        let unknown_blockhash = Some(TransactionError::BlockhashNotFound);
        assert!(refused(codes::PREFLIGHT_FAILED, unknown_blockhash).is_retryable());
        let insufficient_funds = Some(TransactionError::InsufficientFundsForFee);
        assert!(!refused(codes::PREFLIGHT_FAILED, insufficient_funds).is_retryable());
    }
}
