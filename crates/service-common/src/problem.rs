//! Errors as RFC 9457 has them.

use std::{borrow::Cow, fmt, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

/// An error response: `application/problem+json` with `type`, `title`, `status`, `detail`, `code`, `request_id` and what
/// an error adds (`field` and `rule` for bad input). `code` is stable; `detail` is for people.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    members: Map<String, Value>,
    internal: Option<String>,
}

impl Problem {
    /// With a stable code such as `body_too_large`, and what was wrong, the rule, and what to do.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
            members: Map::new(),
            internal: None,
        }
    }

    /// 400 (`invalid_input`): a field breaks its rule.
    #[must_use]
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        let (field, rule) = (field.into(), rule.into());
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_input",
            format!("{field}: {rule}"),
        )
        .with("field", field)
        .with("rule", rule)
    }

    /// 500 (`internal`): the cause is logged with the request's id, and not returned.
    #[must_use]
    pub fn internal(cause: &impl fmt::Display) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "an error inside the service; its log has the cause under this request_id",
        );
        problem.internal = Some(cause.to_string());
        problem
    }

    /// 503: something that the service needs is away. The cause is logged, not returned.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: &'static str, cause: &impl fmt::Display) -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(1));
        problem.internal = Some(cause.to_string());
        problem
    }

    /// Bad input as part of something larger: `field` gets this before it.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        if let Some(Value::String(field)) = self.members.get_mut("field") {
            *field = format!("{outer}.{field}");
            self.detail = format!("{outer}.{}", self.detail).into();
        }
        self
    }

    /// Bad input under another name: a `field` that is `from`, or begins with it, begins with `to`.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        if let Some(Value::String(field)) = self.members.get_mut("field")
            && let Some(rest) = field.strip_prefix(from)
        {
            let name = format!("{to}{rest}");
            if let Some(detail) = self.detail.strip_prefix(field.as_str()) {
                self.detail = format!("{name}{detail}").into();
            }
            *field = name;
        }
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to come again, in whole seconds of at least one.
    #[must_use]
    pub const fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What was wrong, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The cause that is logged.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// The body.
    #[must_use]
    pub fn to_json(&self, request_id: Option<&str>) -> Value {
        let mut body = self.members.clone();
        body.insert("type".into(), format!("urn:bauta:problem:{}", self.code).into());
        body.insert(
            "title".into(),
            self.status.canonical_reason().unwrap_or("Error").into(),
        );
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("code".into(), self.code.into());
        body.insert("detail".into(), self.detail.as_ref().into());
        if let Some(id) = request_id {
            body.insert("request_id".into(), id.into());
        }
        Value::Object(body)
    }

    /// The response of a request with this id.
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

/// The layer of `http` knows the request's id: it takes the problem from the response's extensions and writes it anew.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.response(None);
        response.extensions_mut().insert(self);
        response
    }
}
