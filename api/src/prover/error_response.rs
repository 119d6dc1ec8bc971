//! Decodes the error responses of the prover service.

use std::time::Duration;

use bauta_service_common::{InvalidField, InvalidFields};
use reqwest::StatusCode;
use serde::Deserialize;

use super::{
    ProverError,
    error::{Refusal, RefusalKind},
};

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
    match RefusalKind::from_code(&code) {
        Some(kind) => ProverError::Refused(Refusal {
            kind,
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
            (full.kind, full.retry_after),
            (RefusalKind::QueueFull, Some(Duration::from_secs(5)))
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
}
