//! Failures: their kind, which is the exit code, and the next step of the user.

use std::{fmt, process::ExitCode};

use bauta_rpc::RpcError;
use serde_json::json;

use crate::printable::indented;

/// The kind of a failure. The number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A file, an argument or an account is not as the command needs it.
    Other = 1,
    /// The arguments are wrong.
    Arguments = 2,
    /// The node is unreachable or gave no valid answer.
    Node = 3,
    /// The program or the cluster refused the transaction.
    Refused = 4,
    /// The result of a transaction is unknown.
    Unknown = 5,
    /// The command was not confirmed.
    Declined = 6,
    /// A check failed.
    Check = 7,
}

impl Kind {
    /// Returns the exit code.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Other => "error",
            Self::Arguments => "arguments",
            Self::Node => "node",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Declined => "declined",
            Self::Check => "check",
        }
    }
}

/// A failure with a kind and, if there is one, the next step.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    next: Option<String>,
    fee: u64,
}

impl Failure {
    /// Creates a failure without a next step.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            next: None,
            fee: 0,
        }
    }

    /// Adds the fee in lamports that a transaction has cost, or can have cost, before it failed.
    pub fn costs(mut self, fee: u64) -> Self {
        self.fee = fee;
        self
    }

    /// Adds what the user can do next.
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Returns the fee in lamports that a transaction has cost, or can have cost, before the error.
pub fn spent(error: &anyhow::Error) -> u64 {
    failure_of(error).map_or(0, |failure| failure.fee)
}

fn failure_of(error: &anyhow::Error) -> Option<&Failure> {
    // A context that is a failure is not part of the chain of sources.
    let own = error.downcast_ref::<Failure>();
    own.or_else(|| error.chain().find_map(|source| source.downcast_ref::<Failure>()))
}

/// Returns the kind of an error and the next step.
pub fn classify(error: &anyhow::Error) -> (Kind, Option<String>) {
    if let Some(failure) = failure_of(error) {
        return (failure.kind, failure.next.clone());
    }
    match error.chain().find_map(|source| source.downcast_ref::<RpcError>()) {
        None | Some(RpcError::TransactionTooLong { .. } | RpcError::Build { .. }) => (Kind::Other, None),
        Some(RpcError::Expired { signature } | RpcError::Stalled { signature, .. }) => (
            Kind::Unknown,
            Some(format!(
                "look the transaction {signature} up in an explorer before you repeat the command"
            )),
        ),
        Some(RpcError::Failed { .. }) => (Kind::Refused, None),
        Some(RpcError::Url { .. }) => (
            Kind::Other,
            Some("give --cluster a name or the URL of a node, for example http://127.0.0.1:8899".into()),
        ),
        Some(_) => (
            Kind::Node,
            Some("check the URL with `bauta doctor`, or use another node with --cluster".into()),
        ),
    }
}

/// Prints an error to the standard error.
pub fn print(error: &anyhow::Error, kind: Kind, next: Option<&str>, json: bool) {
    if json {
        let object = json!({
            "error": {
                "kind": kind.name(),
                "exit_code": kind as u8,
                "message": format!("{error:#}"),
                "next": next,
            }
        });
        eprintln!("{object}");
        return;
    }
    eprintln!("error: {}", indented(&format!("{error:#}")));
    if let Some(next) = next {
        eprintln!("next: {}", indented(next));
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_kind_and_the_next_step_are_found_under_contexts() {
        let failure = Failure::new(Kind::Declined, "no").next("say yes");
        let error = Err::<(), _>(failure).context("outer").unwrap_err();
        assert_eq!(classify(&error), (Kind::Declined, Some("say yes".into())));
        let node = RpcError::Unreachable {
            host: "http://127.0.0.1:1".into(),
            reason: "refused".into(),
        };
        let error = Err::<(), _>(node).context("outer").unwrap_err();
        assert_eq!(classify(&error).0, Kind::Node);
        assert_eq!(classify(&anyhow::anyhow!("a file")).0, Kind::Other);
    }
}
