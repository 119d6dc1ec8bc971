use std::time::Duration;

use solana_signature::Signature;
use solana_transaction_error::TransactionError;

/// What can go wrong between a node and us.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The URL is none.
    #[error("not the URL of a node: {reason}")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// No answer, or none in time.
    #[error("no answer from the node at {host}: {reason}")]
    Unreachable {
        /// Scheme, host and port.
        host: String,
        /// What the connection failed with.
        reason: String,
    },
    /// An answer, but HTTP's: the node or what stands before it doesn't serve the call.
    #[error("the node at {host} answers {method} with HTTP status {status}: {body}")]
    Http {
        /// Scheme, host and port.
        host: String,
        /// The method called.
        method: &'static str,
        /// HTTP's status.
        status: u16,
        /// How long to wait before the next call, if the node says so.
        retry_after: Option<Duration>,
        /// How the answer begins.
        body: String,
    },
    /// An answer longer than [`crate::Options::max_response_bytes`].
    #[error("the node's answer to {method} is longer than {limit} bytes")]
    TooLong {
        /// The method called.
        method: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An answer that isn't the method's.
    #[error("the node's answer to {method} can't be read: {reason}")]
    Answer {
        /// The method called.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The node refused a call; for a transaction, before it reached the chain.
    #[error("the node refuses {method}: {message} ({code}){}", listed(.logs))]
    Refused {
        /// The method called.
        method: &'static str,
        /// JSON-RPC's code.
        code: i64,
        /// What the node says.
        message: String,
        /// What a tried transaction failed with.
        error: Option<TransactionError>,
        /// A tried transaction's logs.
        logs: Vec<String>,
    },
    /// A subscription's connection is gone: open it anew, and read what happened meanwhile.
    #[error("the subscription {method} at {host} has ended: {reason}")]
    Disconnected {
        /// Scheme, host and port.
        host: String,
        /// The method that subscribed.
        method: &'static str,
        /// Why.
        reason: String,
    },
    /// The transaction is on the chain, and failed.
    #[error("transaction {signature} failed: {error}")]
    Failed {
        /// Its signature.
        signature: Signature,
        /// What it failed with.
        error: TransactionError,
    },
    /// The transaction's blockhash is too old for it to be taken any more.
    #[error(
        "transaction {signature} was not confirmed before its blockhash expired; it has no effect, send it anew"
    )]
    Expired {
        /// Its signature.
        signature: Signature,
    },
    /// The transaction can't be written down or signed.
    #[error("the transaction can't be built: {reason}")]
    Build {
        /// Why.
        reason: String,
    },
}

/// Codes of the JSON-RPC of Agave (`rpc-client-api/src/custom_error.rs`) and of JSON-RPC itself.
pub(crate) mod codes {
    pub const PREFLIGHT_FAILED: i64 = -32002;
    pub const BLOCK_NOT_AVAILABLE: i64 = -32004;
    pub const NODE_UNHEALTHY: i64 = -32005;
    pub const SLOT_SKIPPED: i64 = -32007;
    pub const LONG_TERM_STORAGE_SLOT_SKIPPED: i64 = -32009;
    pub const BLOCK_STATUS_NOT_AVAILABLE_YET: i64 = -32014;
    pub const MIN_CONTEXT_SLOT_NOT_REACHED: i64 = -32016;
    pub const LONG_TERM_STORAGE_UNREACHABLE: i64 = -32019;
    pub const INTERNAL: i64 = -32603;
    /// Not Agave's: what rate limiters of providers answer.
    pub const TOO_MANY_REQUESTS: i64 = 429;
}

impl RpcError {
    /// For `map_err`: an answer that can't be read.
    pub(crate) fn answer<E: ToString>(method: &'static str) -> impl FnOnce(E) -> Self {
        move |reason| Self::Answer {
            method,
            reason: reason.to_string(),
        }
    }

    /// What a transaction failed with, in the node's trial or on the chain.
    #[must_use]
    pub const fn transaction_error(&self) -> Option<&TransactionError> {
        match self {
            Self::Refused { error, .. } => error.as_ref(),
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the same call may succeed later: the node is away, busy or behind, or doesn't know a new blockhash yet.
    #[must_use]
    pub fn is_transient(&self) -> bool {
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

/// Each log on a line of its own.
fn listed(logs: &[String]) -> String {
    logs.iter().flat_map(|line| ["\n  ", line]).collect()
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

    #[test]
    fn a_node_that_is_behind_is_asked_again_and_a_wrong_question_is_not() {
        assert!(refused(codes::BLOCK_NOT_AVAILABLE, None).is_transient());
        assert!(refused(codes::NODE_UNHEALTHY, None).is_transient());
        // -32602: invalid parameters; -32601: no such method; -32007: no block in that slot, and there never will be
        for code in [-32602, -32601, codes::SLOT_SKIPPED] {
            assert!(!refused(code, None).is_transient(), "{code}");
        }
    }

    #[test]
    fn a_transaction_that_failed_is_not_sent_again_but_one_with_a_young_blockhash_is() {
        let young = Some(TransactionError::BlockhashNotFound);
        assert!(refused(codes::PREFLIGHT_FAILED, young).is_transient());
        let poor = Some(TransactionError::InsufficientFundsForFee);
        assert!(!refused(codes::PREFLIGHT_FAILED, poor).is_transient());
    }
}
