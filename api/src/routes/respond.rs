//! Successful responses, with the headers that let clients and caches keep them.

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bauta_service_common::Problem;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The header with the slot of the checkpoint.
pub const SLOT: HeaderName = HeaderName::from_static("bauta-slot");
/// The header with the newest final slot.
pub const FINALIZED_SLOT: HeaderName = HeaderName::from_static("bauta-finalized-slot");
/// The header with the slot that a request needs.
pub const MIN_SLOT: HeaderName = HeaderName::from_static("bauta-min-slot");

/// The response is as good as new for a second.
pub const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=1, stale-while-revalidate=5");
/// The content of the URL never changes.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Bytes without a more exact type.
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A JSON document that caches may keep for a second.
pub struct Document<T>(pub T);

impl<T: Serialize> IntoResponse for Document<T> {
    fn into_response(self) -> Response {
        match Written::new(&self.0) {
            Ok(written) => written.into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// A JSON document as bytes, with its entity tag.
#[derive(Clone)]
pub struct Written {
    body: Bytes,
    tag: HeaderValue,
}

impl Written {
    /// Writes a document.
    pub fn new(document: &impl Serialize) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(document)?;
        // Weak, because the body can be compressed.
        let tag = format!("W/\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
        Ok(Self {
            body: body.into(),
            tag: HeaderValue::from_str(&tag).expect("digits are visible ASCII"),
        })
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let mut response = Body::from(self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, SHORT);
        headers.insert(header::VARY, HeaderValue::from_static("Bauta-Min-Slot"));
        headers.insert(header::ETAG, self.tag);
        response
    }
}

/// Returns a response with bytes.
pub fn octets(body: impl Into<Body>) -> Response {
    let mut response = body.into().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, OCTETS);
    response
}

/// Returns a response with bytes that never change. `name` identifies them.
pub fn immutable(body: impl Into<Body>, name: &str) -> Response {
    let mut response = octets(body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{name}\"")) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Keeps a response out of every cache.
pub fn uncached(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}
