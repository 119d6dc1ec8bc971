//! Error responses.

use serde::{Deserialize, Serialize};

/// An error response (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemDocument {
    /// `urn:bauta:problem:` and the code.
    pub r#type: String,
    /// The reason phrase of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable error code.
    pub code: String,
    /// A description for people: what is wrong, and the rule.
    pub detail: String,
    /// For invalid input: the field.
    pub field: Option<String>,
    /// For invalid input: the rule that the field breaks.
    pub rule: Option<String>,
    /// For invalid input: all fields that break their rules, at most 16.
    pub errors: Option<Vec<InvalidFieldDocument>>,
    /// For `not_eligible` and `simulation_failed`: the program's error in snake case.
    pub reason: Option<String>,
    /// For `missing_permission`: the permission that the route requires.
    pub permission: Option<String>,
    /// For `missing_role`: the roles of which the route requires one.
    pub roles: Option<Vec<String>>,
    /// For `statement_not_built`: the statement.
    pub statement: Option<String>,
    /// The request's id, as in the log.
    pub request_id: String,
}

/// A field that breaks its rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvalidFieldDocument {
    /// The field.
    pub field: String,
    /// The rule.
    pub rule: String,
}
