//! Why the prover service gave no proof, and which of its errors clients see.

use std::time::Duration;

use bauta_service_common::{InvalidField, InvalidFields};
use reqwest::StatusCode;
use serde::Deserialize;

use super::{MAX_PROOFS_OF_KEY, MAX_REQUESTS};

/// The codes of errors that the client's request causes, or that end by themselves. Every other
/// error is one of this service or its operator.
const PASSED_ON: [&str; 12] = [
    "database_away",
    "idempotency_key_reused",
    "out_of_memory",
    "overloaded",
    PROOF_TIMEOUT,
    QUEUE_FULL,
    "rate_limited",
    "statement_not_built",
    TIMEOUT,
    UNKNOWN_CIRCUIT,
    "unknown_job",
    "unknown_sealing_key",
];
const PROOF_TIMEOUT: &str = "proof_timeout";
const QUEUE_FULL: &str = "queue_full";
const TIMEOUT: &str = "timeout";
const UNKNOWN_CIRCUIT: &str = "unknown_circuit";

/// The codes of failed jobs that clients see: the request can't be proved, or there were too many.
const OF_JOBS: [&str; 3] = ["deadline_exceeded", InvalidField::CODE, UNKNOWN_CIRCUIT];

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
    /// Fields of the client's request break their rules.
    #[error(transparent)]
    Invalid(InvalidFields),
    /// The prover service refused the request.
    #[error("{}", .0.detail)]
    Refused(Refusal),
}

impl ProverError {
    /// Returns whether the prover service has no room for the proof now. A job waits for it.
    pub fn is_no_room(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Refused(Refusal { code, .. }) => [PROOF_TIMEOUT, QUEUE_FULL, TIMEOUT].contains(code),
            _ => false,
        }
    }
}

/// An error response of the prover service.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable error code.
    pub code: &'static str,
    /// The description.
    pub detail: String,
    /// The time after which a repeated request may succeed.
    pub retry_after: Option<Duration>,
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

/// An error response, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorDocument {
    code: String,
    detail: String,
    errors: Vec<ErrorField>,
}

#[derive(Deserialize)]
struct ErrorField {
    field: String,
    rule: String,
}

/// Returns the error of a response that isn't a success.
pub fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ProverError {
    let document: ErrorDocument = serde_json::from_slice(body).unwrap_or_default();
    let ErrorDocument { code, detail, errors } = document;
    if code == InvalidField::CODE
        && let Some(fields) = InvalidFields::of(errors.into_iter().map(field_of_client))
    {
        return ProverError::Invalid(fields);
    }
    match PASSED_ON.into_iter().find(|known| *known == code) {
        Some(code) => ProverError::Refused(Refusal {
            // A client could otherwise raise the alert of errors of this service.
            status: match status {
                StatusCode::GATEWAY_TIMEOUT => StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                status => status.as_u16(),
            },
            code,
            detail,
            retry_after,
        }),
        None => ProverError::Unavailable(format!("status {status}, code {code:?}")),
    }
}

/// Returns the error of a field with the name that the field has in the client's request.
fn field_of_client(ErrorField { field, rule }: ErrorField) -> InvalidField {
    const NAMES: [(&str, &str); 4] = [
        ("registry.address", "registry"),
        ("registry.index", "pid"),
        ("public.", ""),
        ("sealed", "private"),
    ];
    let field = InvalidField::new(field, rule);
    NAMES
        .iter()
        .fold(field, |field, (from, to)| field.renamed(from, to))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_that_the_client_causes_is_passed_on_and_every_other_one_is_not() {
        let body = json!({
            "status": 400, "code": "invalid_input", "detail": "x: y", "request_id": "of the prover service",
            "errors": [
                {"field": "sealed.ciphertext", "rule": "a"},
                {"field": "registry.index", "rule": "b"},
                {"field": "public.scope", "rule": "c"},
            ],
        });
        let invalid = refusal(StatusCode::BAD_REQUEST, None, body.to_string().as_bytes());
        assert_eq!(invalid.to_string(), "private.ciphertext: a; pid: b; scope: c");
        let body = json!({"code": "queue_full", "detail": "the queue is full"}).to_string();
        let full = refusal(
            StatusCode::TOO_MANY_REQUESTS,
            Some(Duration::from_secs(5)),
            body.as_bytes(),
        );
        let ProverError::Refused(full) = full else {
            panic!("{full}");
        };
        assert_eq!(
            (full.status, full.code, full.retry_after),
            (429, "queue_full", Some(Duration::from_secs(5)))
        );
        for (status, body) in [
            (
                401,
                r#"{"code": "unknown_api_key", "detail": "this service doesn't know the API key"}"#,
            ),
            (403, r#"{"code": "missing_permission"}"#),
            (500, r#"{"code": "internal"}"#),
            (400, r#"{"code": "invalid_input", "errors": []}"#),
            (502, "<html>"),
            (302, ""),
            (400, r#"["code"]"#),
        ] {
            let refused = refusal(StatusCode::from_u16(status).unwrap(), None, body.as_bytes());
            assert!(matches!(refused, ProverError::Unavailable(_)), "{status} {body}");
        }
    }

    #[test]
    fn only_a_proof_without_room_becomes_a_job() {
        let refused = |code: &str| {
            let body = json!({"code": code, "detail": "d"}).to_string();
            refusal(StatusCode::SERVICE_UNAVAILABLE, None, body.as_bytes())
        };
        for code in ["proof_timeout", "queue_full", "timeout"] {
            assert!(refused(code).is_no_room(), "{code}");
        }
        for code in ["rate_limited", "unknown_sealing_key", "database_away", "internal"] {
            assert!(!refused(code).is_no_room(), "{code}");
        }
        assert!(ProverError::Busy.is_no_room() && !ProverError::NoProver.is_no_room());
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
