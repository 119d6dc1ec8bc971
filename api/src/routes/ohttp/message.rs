//! Messages of Binary HTTP (RFC 9292): the requests that the gateway accepts, and padded responses.

use std::io::Cursor;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header},
};
use bhttp::{Message, Mode};

use super::super::{
    feature_flags::ROLLOUT,
    respond::{FINALIZED_SLOT, MIN_SLOT, SLOT},
};

/// Largest number of fields in a request. All of them fit into the bytes of a request.
const MAX_FIELDS: usize = 32;
/// The fields of a request that the routes see. All others are dropped: `Origin`, for example,
/// because every client could name the origin of a publishable key.
const ACCEPTED: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    MIN_SLOT,
    ROLLOUT,
];
/// The fields of a response that the client sees.
const RETURNED: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::ETAG,
    header::CACHE_CONTROL,
    header::RETRY_AFTER,
    SLOT,
    FINALIZED_SLOT,
];
/// A response has this length, or a power of two times it.
pub const SMALLEST_CLASS: usize = 1 << 10;
/// Largest body of a response. The largest class has room for its fields as well.
pub const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// The message is no request, or has too many fields.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the encapsulated message must be a request of Binary HTTP (RFC 9292) with at most {MAX_FIELDS} fields"
)]
pub struct NoRequest;

/// Reads a request.
pub fn request(bytes: &[u8]) -> Result<Request<Body>, NoRequest> {
    let message = Message::read_bhttp(&mut Cursor::new(bytes)).map_err(|_| NoRequest)?;
    let control = message.control();
    let (Some(method), Some(path)) = (control.method(), control.path()) else {
        return Err(NoRequest);
    };
    if message.header().len() > MAX_FIELDS || !path.starts_with(b"/") {
        return Err(NoRequest);
    }
    let method = Method::from_bytes(method).map_err(|_| NoRequest)?;
    let uri = Uri::try_from(path).map_err(|_| NoRequest)?;
    let mut request = Request::new(Body::from(Bytes::copy_from_slice(message.content())));
    for field in message.header().fields() {
        let name = HeaderName::from_bytes(field.name()).map_err(|_| NoRequest)?;
        let value = HeaderValue::from_bytes(field.value()).map_err(|_| NoRequest)?;
        if ACCEPTED.contains(&name) {
            request.headers_mut().append(name, value);
        }
    }
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    Ok(request)
}

/// Writes a response, padded to the length of its class.
pub fn response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, bhttp::Error> {
    let mut message = Message::response(status.as_u16().try_into()?);
    for name in RETURNED {
        if let Some(value) = headers.get(&name) {
            message.put_header(name.as_str(), value.as_bytes());
        }
    }
    message.write_content(body);
    let mut bytes = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut bytes)?;
    // Zeros after a message are padding (RFC 9292, section 3.8).
    bytes.resize(class(bytes.len()), 0);
    Ok(bytes)
}

fn class(length: usize) -> usize {
    length.next_power_of_two().max(SMALLEST_CLASS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(message: &Message) -> Vec<u8> {
        let mut bytes = Vec::new();
        message.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
        bytes
    }

    fn get(path: &str) -> Message {
        Message::request(b"GET".to_vec(), b"https".to_vec(), Vec::new(), path.into())
    }

    #[test]
    fn a_request_keeps_only_the_fields_that_routes_need() {
        let mut message = get("/v1/scopes?limit=2");
        for (name, value) in [
            ("authorization", "Bearer bauta_a"),
            ("origin", "https://a"),
            ("x-forwarded-for", "::1"),
        ] {
            message.put_header(name, value);
        }
        let read = request(&written(&message)).unwrap();
        assert_eq!(
            (read.method(), read.uri().to_string().as_str()),
            (&Method::GET, "/v1/scopes?limit=2")
        );
        assert_eq!(read.headers().len(), 1);
        assert_eq!(read.headers()[header::AUTHORIZATION], "Bearer bauta_a");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let mut many = get("/v1/scopes");
        for number in 0..=MAX_FIELDS {
            many.put_header(format!("x-{number}"), "a");
        }
        let response = response(StatusCode::OK, &HeaderMap::new(), b"").unwrap();
        let cut = written(&get("/v1/scopes"));
        for bytes in [
            Vec::new(),
            vec![0xff; 64],
            response,
            written(&many),
            written(&get("v1/scopes")),
            written(&get("/v1/ scopes")),
            cut[..cut.len() / 2].to_vec(),
        ] {
            assert_eq!(request(&bytes).err(), Some(NoRequest));
        }
    }

    #[test]
    fn responses_have_few_lengths() {
        let length = |body: usize| {
            response(StatusCode::OK, &HeaderMap::new(), &vec![1; body])
                .unwrap()
                .len()
        };
        assert_eq!(length(0), SMALLEST_CLASS);
        assert_eq!(length(1_000), SMALLEST_CLASS);
        assert_eq!(length(1_024), 2 * SMALLEST_CLASS);
        assert_eq!(length(MAX_RESPONSE_BYTES), 2 * MAX_RESPONSE_BYTES);
        let padded = response(StatusCode::NOT_FOUND, &HeaderMap::new(), b"body").unwrap();
        let read = Message::read_bhttp(&mut Cursor::new(&padded)).unwrap();
        assert_eq!(read.content(), b"body");
        assert_eq!(read.control().status().unwrap().code(), 404);
    }
}
