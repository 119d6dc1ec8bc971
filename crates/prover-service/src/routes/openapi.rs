use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// The description of this service, but for its routes, which `all` adds.
#[derive(OpenApi)]
#[openapi(info(
    title = "Bauta prover service",
    description = "Proves for members who delegate it. It sees their secrets: docs/prover-service.md."
))]
pub struct Document;

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:bauta:problem:` and the code.
    r#type: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable.
    code: String,
    /// What was wrong and the rule, for people.
    detail: String,
    /// Of bad input: which field.
    field: Option<String>,
    /// Of bad input: the rule that it breaks.
    rule: Option<String>,
    /// The request's id, as in the log.
    request_id: String,
}
