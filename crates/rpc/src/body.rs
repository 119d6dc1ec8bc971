//! The body of a response, with a bound on its size.

use reqwest::Response;

/// Why a body is not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is longer than the limit.
    #[error("the response is larger than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection failed.
    #[error(transparent)]
    Interrupted(reqwest::Error),
}

/// Reads a body of at most `limit` bytes. A longer one is not read to its end. The error does not
/// show the URL, which may contain a key.
pub async fn read_body(response: &mut Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    loop {
        let part = response.chunk().await;
        let part = part.map_err(|error| BodyError::Interrupted(error.without_url()))?;
        let Some(part) = part else { return Ok(body) };
        if body.len() + part.len() > limit {
            return Err(BodyError::TooLong { limit });
        }
        body.extend_from_slice(&part);
    }
}
