use solana_signature::Signature;
use solana_transaction_error::TransactionError;

/// What can go wrong between a node and us.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The URL is none.
    #[error("{url:?} is not the URL of a node: it must begin with http:// or https://")]
    Url {
        /// The URL given.
        url: String,
    },
    /// No answer.
    #[error("no answer from the node at {url}: {reason}")]
    Unreachable {
        /// The node's URL.
        url: String,
        /// What the connection failed with.
        reason: String,
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
    pub fn transaction_error(&self) -> Option<&TransactionError> {
        match self {
            Self::Refused { error, .. } => error.as_ref(),
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Each log on a line of its own.
fn listed(logs: &[String]) -> String {
    logs.iter().flat_map(|line| ["\n  ", line]).collect()
}
