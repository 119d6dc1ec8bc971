use std::ops::Range;

use axum::{
    Extension,
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bauta_primitives::Root;
use bauta_service_common::Path;

use super::{
    ohttp::Encapsulated,
    parameters,
    problems::{Failure, ProblemDocument, range_not_satisfiable},
    registries, respond,
    state::Reads,
};
use crate::{
    leaf_stream::Leaves,
    limits::{Client, Kind},
    time::unix_seconds,
};

/// Returns all leaves of a tree.
///
/// 32 bytes for each leaf from index 0, without the empty ones at the end; an empty leaf in between
/// is zero. The root must be valid. A client computes the root again. Ranges of bytes are
/// supported. A tree with more than 1,048,576 leaves is read in tiles. A client can have 4 open
/// responses, and must read 64 KiB per second. Each tile of 256 leaves in the range counts for the
/// limit of tiles. Through the gateway for Oblivious HTTP, a tree with more than 32,768 leaves is
/// read in tiles.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/roots/{root}/leaves",
    tag = "trees",
    params(
        ("registry" = String, Path, description = "The registry account"),
        ("root" = String, Path, description = "A valid root of the registry"),
    ),
    responses(
        (status = 200, description = "The leaves. They never change", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The requested range of bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which tree", "keeps": "nothing"})))
)]
pub async fn leaves(
    state: Reads,
    Extension(client): Extension<Client>,
    encapsulated: Option<Extension<Encapsulated>>,
    headers: HeaderMap,
    Path((address, root)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let root = Root::new(parameters::element("root", &root)?);
    let registry = registries::read(&state, &address).await?;
    let guard = state.trees.open(&client.name)?;
    let tree = (&registry, root, unix_seconds());
    let leaves = Leaves::open(&state.store, state.tiles.clone(), guard, tree).await?;
    let (bytes, name) = (leaves.bytes(), root.to_string());
    if encapsulated.is_some() {
        Encapsulated::check(bytes)?;
    }
    let Ok(part) = requested_part(&headers, &name, bytes) else {
        let mut response = range_not_satisfiable(bytes).into_response();
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{bytes}"));
        return Ok(response);
    };
    let range = part.clone().unwrap_or(0..bytes);
    // The request itself was counted as one.
    let further = Leaves::tiles_in(&range).saturating_sub(1);
    let further = usize::try_from(further).unwrap_or(usize::MAX);
    state.limits.take_further(&client, Kind::Tile, further).await?;
    let length = range.end - range.start;
    let described = format!("bytes {}-{}/{bytes}", range.start, range.end.saturating_sub(1));
    let mut response = respond::immutable(Body::from_stream(leaves.stream(range)), &name);
    insert(&mut response, header::CONTENT_LENGTH, &length.to_string());
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    if part.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        insert(&mut response, header::CONTENT_RANGE, &described);
    }
    Ok(response)
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A range that begins after the last byte.
#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// Returns the range of bytes that a client requests. `None` for the whole content: without a
/// range, with one that is malformed or has several parts, or if the client's part is of
/// content other than `name`.
fn requested_part(headers: &HeaderMap, name: &str, bytes: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_same = text(header::IF_RANGE).is_none_or(|tag| tag.trim_matches('"') == name);
    match text(header::RANGE).filter(|_| is_same) {
        Some(range) => parse(range, bytes),
        None => Ok(None),
    }
}

fn parse(range: &str, bytes: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| {
        let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| is_number)
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..bytes.min(last.saturating_add(1)),
        (Some(first), None) if last.is_empty() => first..bytes,
        (None, Some(length)) if first.is_empty() => bytes.saturating_sub(length)..bytes,
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(Unsatisfiable);
    }
    Ok(Some(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_the_content_or_ignored_or_not_satisfiable() {
        for (range, expected) in [
            ("bytes=0-0", Ok(Some(0..1))),
            ("bytes=32-63", Ok(Some(32..64))),
            ("bytes=32-1000", Ok(Some(32..100))),
            ("bytes=32-", Ok(Some(32..100))),
            ("bytes=-1", Ok(Some(99..100))),
            ("bytes=-1000", Ok(Some(0..100))),
            ("bytes=100-", Err(Unsatisfiable)),
            ("bytes=-0", Err(Unsatisfiable)),
            ("bytes=5-4", Ok(None)),
            ("bytes=0-1,4-5", Ok(None)),
            ("bytes=+0-+1", Ok(None)),
            ("bytes=-", Ok(None)),
            ("items=0-1", Ok(None)),
            ("", Ok(None)),
        ] {
            assert_eq!(parse(range, 100), expected, "{range}");
        }
        assert_eq!(parse("bytes=0-", 0), Err(Unsatisfiable));
        let last = format!("bytes=0-{}", u64::MAX);
        assert_eq!(parse(&last, 100), Ok(Some(0..100)));
    }
}
