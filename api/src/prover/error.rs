//! Why the prover service gave no proof, and which of its errors clients see.

use std::time::Duration;

use bauta_service_common::{InvalidField, InvalidFields};
use serde::Deserialize;

use super::{MAX_PROOFS_OF_KEY, MAX_REQUESTS};

/// The codes of failed jobs that clients see: the request can't be proved, or there were too many.
const OF_JOBS: [&str; 3] = [
    "deadline_exceeded",
    InvalidField::CODE,
    RefusalKind::UnknownCircuit.code(),
];

/// Why the prover service gave no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
    /// The service is configured without a prover service.
    #[error("this service has no prover service (PROVER_URL)")]
    NoProver,
    /// Too many requests are in progress.
    #[error(
        "too many requests to the prover service are in progress (limit {MAX_PROOFS_OF_KEY} proofs of an API key, and \
         {MAX_REQUESTS} in all); retry later"
    )]
    Busy,
    /// The client has no job with this id.
    #[error("there is no job with this id: it never existed, or it ended and was deleted")]
    UnknownJob,
    /// The prover service can't be reached, or its response can't be used.
    #[error("the prover service: {0}")]
    Unavailable(String),
    /// The prover service measured nothing, for example because the API key lacks the permission.
    #[error(
        "the prover service measured nothing: {0}; PROVER_API_KEY needs the permission admin, and one \
         measurement runs at a time"
    )]
    NotMeasured(String),
    /// Fields of the client's request break their rules.
    #[error(transparent)]
    Invalid(InvalidFields),
    /// The prover service refused the request.
    #[error("{}", .0.detail)]
    Refused(Refusal),
}

impl ProverError {
    /// Returns whether too many requests are in progress, or the proof takes too long. The request
    /// can then become a job.
    pub fn is_no_room(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Refused(refusal) => refusal.kind.is_no_room(),
            _ => false,
        }
    }
}

/// An error of the prover service that clients see.
#[derive(Debug)]
pub struct Refusal {
    /// The kind of the error.
    pub kind: RefusalKind,
    /// The description.
    pub detail: String,
    /// The time after which a repeated request may succeed.
    pub retry_after: Option<Duration>,
}

/// The errors of the prover service that the client's request causes, or that end by themselves.
/// Every other error is one of this service or its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Its database is unavailable.
    DatabaseUnavailable,
    /// The idempotency key belongs to another request.
    IdempotencyKeyReused,
    /// Its machine has too little memory for a proof.
    OutOfMemory,
    /// It handles too many requests.
    Overloaded,
    /// The proof took too long.
    ProofTimeout,
    /// Its queue is full.
    QueueFull,
    /// This service exceeds its rate limit.
    RateLimited,
    /// It can't prove the statement.
    StatementNotBuilt,
    /// The request took too long.
    Timeout,
    /// It has no key for the circuit.
    UnknownCircuit,
    /// It has no job with the id.
    UnknownJob,
    /// It no longer has the key to which the private inputs are sealed.
    UnknownSealingKey,
}

impl RefusalKind {
    /// All kinds.
    const ALL: [Self; 12] = [
        Self::DatabaseUnavailable,
        Self::IdempotencyKeyReused,
        Self::OutOfMemory,
        Self::Overloaded,
        Self::ProofTimeout,
        Self::QueueFull,
        Self::RateLimited,
        Self::StatementNotBuilt,
        Self::Timeout,
        Self::UnknownCircuit,
        Self::UnknownJob,
        Self::UnknownSealingKey,
    ];

    /// Returns the kind with a code.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns the stable error code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DatabaseUnavailable => "database_away",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::OutOfMemory => "out_of_memory",
            Self::Overloaded => "overloaded",
            Self::ProofTimeout => "proof_timeout",
            Self::QueueFull => "queue_full",
            Self::RateLimited => "rate_limited",
            Self::StatementNotBuilt => "statement_not_built",
            Self::Timeout => "timeout",
            Self::UnknownCircuit => "unknown_circuit",
            Self::UnknownJob => "unknown_job",
            Self::UnknownSealingKey => "unknown_sealing_key",
        }
    }

    const fn is_no_room(self) -> bool {
        matches!(self, Self::ProofTimeout | Self::QueueFull | Self::Timeout)
    }
}

/// Why a job has no proof.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct JobFailure {
    /// The stable error code.
    pub code: String,
    /// The description.
    pub detail: String,
}

impl JobFailure {
    /// Returns the failure as clients see it. Errors of the prover service itself have one code.
    pub fn for_client(self) -> Self {
        if OF_JOBS.contains(&self.code.as_str()) {
            return self;
        }
        tracing::warn!(event = "proof_job_failed", code = self.code);
        Self {
            code: "proof_failed".to_owned(),
            detail: "the prover service could not make the proof; request it again".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proof_without_room_becomes_a_job() {
        let refused = |code: &str| {
            let kind = RefusalKind::from_code(code).unwrap();
            ProverError::Refused(Refusal {
                kind,
                detail: "d".to_owned(),
                retry_after: None,
            })
        };
        for code in ["proof_timeout", "queue_full", "timeout"] {
            assert!(refused(code).is_no_room(), "{code}");
        }
        for code in ["rate_limited", "unknown_sealing_key", "database_away"] {
            assert!(!refused(code).is_no_room(), "{code}");
        }
        assert!(ProverError::Busy.is_no_room() && !ProverError::NoProver.is_no_room());
        let internal = ProverError::Unavailable("internal".to_owned());
        assert!(!internal.is_no_room());
    }

    #[test]
    fn a_client_sees_why_its_job_failed_unless_the_prover_service_is_the_cause() {
        let failure = |code: &str| JobFailure {
            code: code.to_owned(),
            detail: format!("detail of {code}"),
        };
        for code in ["deadline_exceeded", "invalid_input"] {
            assert_eq!(failure(code).for_client(), failure(code));
        }
        for code in [
            "internal",
            "proof_failed",
            "too_many_attempts",
            "witness_unreadable",
            "x",
        ] {
            let seen = failure(code).for_client();
            assert_eq!(seen.code, "proof_failed");
            assert!(!seen.detail.contains("detail of"), "{}", seen.detail);
        }
    }
}
