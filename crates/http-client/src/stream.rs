//! Server-sent events.

use std::time::Duration;

use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::HttpError;

/// The longest event in bytes.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    /// The name. `message` if the service gave none.
    pub name: String,
    /// The id, with which a stream continues after this event.
    pub id: Option<String>,
    /// The data, in JSON.
    pub data: String,
}

/// A stream of events that a service sends.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    host: String,
    /// The longest time without a byte. Services send a comment each 15 seconds.
    silence: Duration,
    /// Received bytes without the events that were returned.
    buffer: Vec<u8>,
}

impl ServerEvent {
    /// Decodes the data.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.data)
    }
}

impl EventStream {
    pub(crate) const fn new(response: Response, host: String, silence: Duration) -> Self {
        Self {
            response,
            host,
            silence,
            buffer: Vec::new(),
        }
    }

    /// Waits for the next event. `None` at the end of the stream.
    pub async fn next(&mut self) -> Result<Option<ServerEvent>, HttpError> {
        loop {
            while let Some(end) = end_of_event(&self.buffer) {
                let event: Vec<u8> = self.buffer.drain(..end).collect();
                if let Some(event) = parse(&event) {
                    return Ok(Some(event));
                }
            }
            if self.buffer.len() > MAX_EVENT_BYTES {
                return Err(HttpError::TooLong {
                    host: self.host.clone(),
                    limit: MAX_EVENT_BYTES,
                });
            }
            let Ok(chunk) = timeout(self.silence, self.response.chunk()).await else {
                return Err(HttpError::Silent {
                    host: self.host.clone(),
                    seconds: self.silence.as_secs(),
                });
            };
            let chunk = chunk.map_err(|error| HttpError::Unreachable {
                host: self.host.clone(),
                source: error.without_url(),
            })?;
            match chunk {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                // An event without its empty line is not complete.
                None => return Ok(None),
            }
        }
    }
}

/// Returns the length of the first event with its empty line.
fn end_of_event(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte != b'\n' {
            continue;
        }
        if matches!(&bytes[line..index], [] | [b'\r']) {
            return Some(index + 1);
        }
        line = index + 1;
    }
    None
}

/// Reads the fields of an event. `None` if it has no data, for example a comment.
fn parse(bytes: &[u8]) -> Option<ServerEvent> {
    let text = String::from_utf8_lossy(bytes);
    let (mut name, mut id, mut data) = (None, None, Vec::new());
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = Some(value.to_owned()),
            "id" => id = Some(value.to_owned()),
            "data" => data.push(value),
            _ => {}
        }
    }
    let has_fields = name.is_some() || id.is_some() || !data.is_empty();
    has_fields.then(|| ServerEvent {
        name: name.unwrap_or_else(|| "message".to_owned()),
        id,
        data: data.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line() {
        assert_eq!(end_of_event(b"data: 1\n\ndata"), Some(9));
        assert_eq!(end_of_event(b"data: 1\r\n\r\n"), Some(11));
        for incomplete in [&b""[..], b"data: 1", b"data: 1\n", b"data: 1\r\n\r"] {
            assert_eq!(end_of_event(incomplete), None);
        }
    }

    #[test]
    fn fields_are_read_and_comments_are_skipped() {
        let event = parse(b": hello\nevent: relay\nid:7\ndata: {\ndata: }\nretry: 5\n\n").unwrap();
        let expected = ServerEvent {
            name: "relay".to_owned(),
            id: Some("7".to_owned()),
            data: "{\n}".to_owned(),
        };
        assert_eq!(event, expected);
        assert_eq!(parse(b": only a comment\n\n"), None);
        assert_eq!(parse(b"data: 1\n\n").unwrap().name, "message");
    }
}
