//! Error responses as defined by RFC 9457, and the conversions of this crate's errors to them.

use std::{borrow::Cow, fmt, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{
    AuthorisationError, InvalidField, InvalidFields, JsonError, PairingError, RateLimitError, TICKET_SECONDS,
    TicketError,
};

/// `Retry-After` if too many verifications wait.
const PAIRINGS_RETRY: Duration = Duration::from_secs(1);

/// An error response: `application/problem+json` with `type`, `title`, `status`, `detail`, `code`,
/// `request_id` and members of the error (`field`, `rule` and `errors` for bad input). `code` is
/// stable. `detail` is for people and can change.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    members: Map<String, Value>,
    internal: Option<String>,
    /// The connection has ended, so no one reads the response.
    is_of_lost_client: bool,
}

impl Problem {
    /// Creates a problem from a stable code such as `body_too_large`, and a detail that says what
    /// is wrong, which rule applies and what to do.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
            members: Map::new(),
            internal: None,
            is_of_lost_client: false,
        }
    }

    /// Creates a problem with status 400 and code `invalid_input`: a field breaks its rule.
    #[must_use]
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        InvalidField::new(field, rule).into()
    }

    /// Creates a problem with status 405 and code `method_not_allowed`. Every service responds with
    /// it. A service whose own layers must also see such requests, for example the preflights of
    /// browsers, sets it as a fallback before it adds the layers.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "the route doesn't support this method; the Allow header lists the supported methods",
        )
    }

    /// Creates a problem with status 500 and code `internal`. The cause is logged with the request
    /// id and is not returned to the client.
    #[must_use]
    pub fn internal(cause: &impl fmt::Display) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "internal error; the service's log has the cause under this request_id",
        );
        problem.internal = Some(cause.to_string());
        problem
    }

    /// Creates a problem with status 503: a dependency of the service is unavailable. The cause is
    /// logged and is not returned to the client.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: &'static str, cause: &impl fmt::Display) -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(1));
        problem.internal = Some(cause.to_string());
        problem
    }

    /// Adds a member to the response's body.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the type to a registered one (RFC 9457, section 4.2), for clients that know it and not
    /// the code.
    #[must_use]
    pub fn with_type(self, registered: &'static str) -> Self {
        self.with("type", registered)
    }

    /// Sets the `Retry-After` header. The delay is rounded up to whole seconds, at least one.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Marks the response to a request whose client disconnected. The metrics count the request as
    /// such, and not by the status.
    #[must_use]
    pub(crate) const fn of_lost_client(mut self) -> Self {
        self.is_of_lost_client = true;
        self
    }

    /// Returns whether the client of the request disconnected.
    #[must_use]
    pub const fn is_of_lost_client(&self) -> bool {
        self.is_of_lost_client
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the description for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the cause, which is logged and not sent to the client.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// Returns the response's body.
    #[must_use]
    pub fn to_json(&self, request_id: Option<&str>) -> Value {
        let mut body = self.members.clone();
        // A registered type is a member already.
        body.entry("type")
            .or_insert_with(|| format!("urn:bauta:problem:{}", self.code).into());
        body.insert("title".into(), title(self.code).into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("code".into(), self.code.into());
        body.insert("detail".into(), self.detail.as_ref().into());
        if let Some(id) = request_id {
            body.insert("request_id".into(), id.into());
        }
        Value::Object(body)
    }

    /// Creates the response to the request with this id.
    pub(crate) fn response(&self, request_id: Option<&str>) -> Response {
        let body = self.to_json(request_id).to_string();
        let content_type = (header::CONTENT_TYPE, "application/problem+json");
        let mut response = (self.status, [content_type], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(delay) = self.retry_after {
            let seconds = delay.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
        }
        response
    }
}

/// Returns the title of a problem type, for example `Invalid input` of `invalid_input`.
fn title(code: &str) -> String {
    let words = code.split('_').enumerate().map(|(position, word)| match word {
        "api" | "json" => word.to_uppercase(),
        word if position == 0 => word[..1].to_uppercase() + &word[1..],
        word => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The outermost layer of `http` takes the problem from the response's extensions and writes the
/// response again with the request id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.response(None);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<InvalidField> for Problem {
    fn from(error: InvalidField) -> Self {
        InvalidFields::from(error).into()
    }
}

/// `field` and `rule` are the first field and its rule. `errors` has all.
impl From<InvalidFields> for Problem {
    fn from(error: InvalidFields) -> Self {
        let errors = error
            .iter()
            .map(|InvalidField { field, rule }| json!({"field": field, "rule": rule}));
        let InvalidField { field, rule } = error.first();
        Self::new(StatusCode::BAD_REQUEST, InvalidField::CODE, error.to_string())
            .with("field", field.as_str())
            .with("rule", rule.as_str())
            .with("errors", errors.collect::<Vec<Value>>())
    }
}

impl From<PairingError> for Problem {
    fn from(error: PairingError) -> Self {
        let detail = error.to_string();
        match error {
            PairingError::QueueFull { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", detail).retry_after(PAIRINGS_RETRY)
            }
            PairingError::Thread => Self::internal(&detail),
        }
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed(_) => Self::new(StatusCode::BAD_REQUEST, error.code(), error.to_string()),
            JsonError::Invalid(fields) => fields.into(),
        }
    }
}

impl From<AuthorisationError> for Problem {
    fn from(error: AuthorisationError) -> Self {
        let detail = error.to_string();
        match &error {
            AuthorisationError::MissingPermission { permission, .. } => {
                Self::new(StatusCode::FORBIDDEN, error.code(), detail).with("permission", permission.as_str())
            }
            AuthorisationError::Unavailable(cause) => Self::unavailable(
                error.code(),
                "the database of API keys is unavailable; retry later",
                cause,
            ),
            AuthorisationError::OtherOrigin { .. } => Self::new(StatusCode::FORBIDDEN, error.code(), detail),
            AuthorisationError::MissingKey
            | AuthorisationError::UnknownKey
            | AuthorisationError::ExpiredKey => Self::new(StatusCode::UNAUTHORIZED, error.code(), detail),
        }
    }
}

impl From<TicketError> for Problem {
    fn from(error: TicketError) -> Self {
        let (code, detail) = (error.code(), error.to_string());
        match error {
            TicketError::Invalid => Self::new(StatusCode::UNAUTHORIZED, code, detail),
            TicketError::TooMany => Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
                .retry_after(Duration::from_secs(TICKET_SECONDS.into())),
            TicketError::Store(error) => Self::unavailable(
                code,
                "the database of tickets is unavailable; retry later",
                &error,
            ),
        }
    }
}

impl From<RateLimitError> for Problem {
    fn from(error: RateLimitError) -> Self {
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            RateLimitError::CODE,
            error.to_string(),
        );
        match error {
            RateLimitError::Exceeded { retry_after, .. } => problem.retry_after(retry_after),
            RateLimitError::TooManyAtOnce { .. } => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_type_has_its_own_title() {
        for (code, expected) in [
            ("invalid_input", "Invalid input"),
            ("malformed_json", "Malformed JSON"),
            ("missing_api_key", "Missing API key"),
            ("internal", "Internal"),
        ] {
            let problem = Problem::new(StatusCode::BAD_REQUEST, code, "detail").to_json(None);
            assert_eq!(problem["title"], expected);
        }
    }
}
