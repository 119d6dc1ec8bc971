//! The body of a large response. It is in memory until its client has read it, so the responses are
//! counted, and one that is read too slowly ends.

use std::{io, time::Instant};

use axum::body::{Body, Bytes};
use bauta_service_common::StreamGuard;
use futures_util::stream::unfold;

use crate::{leaf_stream::reading_time, metrics};

/// Responses from this length on are counted.
pub const LARGE_BYTES: usize = 64 << 10;
/// Bytes that the connection gets at a time.
const CHUNK_BYTES: usize = 32 << 10;

/// Returns the body of a response. `guard` counts for the client until the body was read.
pub fn body(bytes: Vec<u8>, guard: StreamGuard) -> Body {
    let end = Instant::now() + reading_time(bytes.len() as u64);
    until(bytes, end, guard)
}

fn until(bytes: Vec<u8>, end: Instant, guard: StreamGuard) -> Body {
    let rest = (Bytes::from(bytes), guard);
    Body::from_stream(unfold(rest, move |(mut rest, guard)| async move {
        if rest.is_empty() {
            return None;
        }
        if Instant::now() > end {
            metrics::record_slow_reader();
            // The connection ends, and the response is shorter than it announced.
            let slow = io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly");
            return Some((Err(slow), (Bytes::new(), guard)));
        }
        let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
        Some((Ok(chunk), (rest, guard)))
    }))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use bauta_service_common::Streams;

    use super::*;

    #[tokio::test]
    async fn a_large_response_counts_until_it_was_read_and_ends_if_its_client_is_slow() {
        let streams = Streams::new(1, 2);
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let read = body(bytes.clone(), streams.open("relay").unwrap());
        assert!(streams.open("relay").is_err() && streams.open("other").is_ok());
        assert_eq!(to_bytes(read, usize::MAX).await.unwrap(), bytes);
        let slow = until(bytes, Instant::now(), streams.open("relay").unwrap());
        assert!(to_bytes(slow, usize::MAX).await.is_err());
        assert!(streams.open("relay").is_ok());
    }
}
