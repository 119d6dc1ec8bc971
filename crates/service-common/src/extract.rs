//! Extractors that refuse bad input with a [`Problem`] that names the field.

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

use crate::{Problem, from_json, http::BodyTimeout, input::InvalidField};

/// A JSON body, read into a type. As a response, a JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A JSON body as it was received. Read it with [`from_json`].
#[derive(Debug, Clone)]
pub struct JsonBytes(pub Bytes);

/// Parameters of the query string.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// Parameters of the path.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

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
                "the body must have the header Content-Type: application/json",
            ));
        }
        let timeout = request.extensions().get::<BodyTimeout>().map(|limit| limit.0);
        let timeout = timeout.unwrap_or(Duration::MAX);
        let bytes = tokio::time::timeout(timeout, Bytes::from_request(request, state))
            .await
            .map_err(|_| {
                let detail = format!(
                    "the body didn't arrive within {} ms (CLIENT_TIMEOUT_MS)",
                    timeout.as_millis()
                );
                Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
            })?;
        let bytes = bytes.map_err(|error| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body_too_large",
                    "the body is larger than the limit (MAX_BODY_BYTES)",
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
        Ok(Self(from_json(&bytes)?))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        InvalidField::new("query", rejection.body_text()).into()
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        InvalidField::new("path", rejection.body_text()).into()
    }
}
