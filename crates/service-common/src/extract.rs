//! Extractors whose refusals are problems that name the field.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Problem, http::BodyTimeout};

/// A JSON body of a type.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A JSON body as it came, to be read with [`from_json`].
#[derive(Debug, Clone)]
pub struct JsonBytes(pub Bytes);

/// Parameters of the query, as axum's.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// Parameters of the path, as axum's.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// Reads JSON. An error is a problem with the field's path and its rule.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        if !inner.is_data() {
            return malformed(inner);
        }
        // The place says nothing that the path doesn't.
        let rule = inner.to_string();
        let rule = rule
            .rsplit_once(" at line ")
            .map_or(rule.as_str(), |(rule, _)| rule);
        Problem::invalid(if path == "." { "body" } else { &path }, rule)
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = format!("the body isn't JSON: {error}");
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must come with Content-Type: application/json",
            ));
        }
        let patience = request.extensions().get::<BodyTimeout>().map(|limit| limit.0);
        let patience = patience.unwrap_or(Duration::MAX);
        let bytes = tokio::time::timeout(patience, Bytes::from_request(request, state))
            .await
            .map_err(|_| {
                let detail = format!(
                    "the body didn't arrive within {} ms (CLIENT_TIMEOUT_MS)",
                    patience.as_millis()
                );
                Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
            })?;
        let bytes = bytes.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body_too_large",
                    "the body is over the limit (MAX_BODY_BYTES)",
                )
            } else {
                let detail = format!("the body can't be read: {}", error.body_text());
                Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", detail)
            }
        })?;
        Ok(Self(bytes))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        from_json(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid("query", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::invalid("path", rejection.body_text())
    }
}
