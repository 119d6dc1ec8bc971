//! Extractors that refuse bad input with a [`Problem`] that names the field.

use std::{convert::Infallible, error::Error, io, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Problem,
    body_memory::{CountedBody, MemoryInUse},
    from_json,
    http::BodyLimits,
    input::InvalidField,
};

/// A JSON body, read into a type. As a response, a JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A request body that isn't read yet. A route authorises the caller first and reads the body
/// afterwards, so that the service buffers nothing for a caller that it refuses.
#[derive(Debug)]
pub struct UnreadBody(Request);

/// Parameters of the query string.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// Parameters of the path.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

fn has_type(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(media_type))
}

impl<S: Send + Sync> FromRequest<S> for UnreadBody {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request))
    }
}

impl UnreadBody {
    /// Reads a JSON body of at most `max_bytes`, or of `MAX_BODY_BYTES` if that is less. Returns
    /// the bytes as they were received: read them with [`from_json`].
    pub async fn read(self, max_bytes: usize) -> Result<Bytes, Problem> {
        self.read_as("application/json", max_bytes).await
    }

    /// Reads a body with this media type of at most `max_bytes`, or of `MAX_BODY_BYTES` if that is
    /// less.
    pub async fn read_as(self, media_type: &str, max_bytes: usize) -> Result<Bytes, Problem> {
        let Self(request) = self;
        if !has_type(request.headers(), media_type) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                format!("the body must have the header Content-Type: {media_type}"),
            ));
        }
        let limits = request
            .extensions()
            .get::<BodyLimits>()
            .cloned()
            .unwrap_or_default();
        let max_bytes = limits.bytes.min(max_bytes);
        let body = read_at_most(request.into_body(), max_bytes, limits.memory.body());
        tokio::time::timeout(limits.timeout, body).await.map_err(|_| {
            let detail = format!(
                "the body didn't arrive within {} ms (CLIENT_TIMEOUT_MS)",
                limits.timeout.as_millis()
            );
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
        })?
    }

    /// Reads a JSON body of at most `max_bytes` into a type.
    pub async fn json<T: DeserializeOwned>(self, max_bytes: usize) -> Result<T, Problem> {
        Ok(from_json(&self.read(max_bytes).await?)?)
    }
}

/// Reads a body. Refuses it as soon as it is larger than the limit.
async fn read_at_most(body: Body, max_bytes: usize, mut bytes: CountedBody) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than the limit of {max_bytes} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    // The announced length, if there is one. A body without one is counted while it arrives.
    if body.size_hint().lower() > u64::try_from(max_bytes).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| unreadable_body(&error))?;
        if bytes.len() + chunk.len() > max_bytes {
            return Err(too_large());
        }
        bytes.extend(&chunk).map_err(|MemoryInUse| {
            let detail = "too many requests with large bodies are in progress; retry later";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail)
                .retry_after(Duration::from_secs(1))
        })?;
    }
    Ok(bytes.into())
}

/// Returns the response to a request whose body can't be read. If the connection has ended before
/// the end of the body, the metrics count the request as one whose client disconnected.
#[must_use]
pub fn unreadable_body(error: &(dyn Error + 'static)) -> Problem {
    let problem = |detail| Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", detail);
    if is_lost(error) {
        problem("the connection ended before the end of the body: send the request again".to_owned())
            .of_lost_client()
    } else {
        problem(format!("the body can't be read: {error}"))
    }
}

/// Returns whether an error, or one of its causes, says that the connection has ended.
fn is_lost(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.any(|cause| {
        let of_http = cause.downcast_ref::<hyper::Error>();
        let of_socket = cause.downcast_ref::<io::Error>();
        of_http.is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed())
            || of_socket.is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::TimedOut
                )
            })
    })
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        UnreadBody(request).json(usize::MAX).await.map(Self)
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

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read(chunks: Vec<Result<&'static str, io::Error>>) -> Result<Bytes, Problem> {
        let body = Body::from_stream(stream::iter(chunks));
        let request = Request::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap();
        UnreadBody(request).read(1_000).await
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_that_of_a_lost_client_even_if_it_could_be_whole() {
        assert_eq!(read(vec![Ok("{}")]).await.unwrap(), "{}");
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            let problem = read(vec![Ok("{}"), Err(kind.into())]).await.unwrap_err();
            assert_eq!(problem.code(), "unreadable_body");
            assert!(problem.is_of_lost_client(), "{kind}");
        }
        let malformed = io::Error::new(io::ErrorKind::InvalidInput, "a chunk without a length");
        let problem = read(vec![Ok("{}"), Err(malformed)]).await.unwrap_err();
        assert_eq!(problem.code(), "unreadable_body");
        assert!(!problem.is_of_lost_client());
    }
}
