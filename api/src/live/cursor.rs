//! Resume tokens.
//!
//! ```text
//!   base64url( stream, 8 | slot, 8 | transaction, 4 | instruction, 4 | inner, 4 | rollback, 8 )
//! ```
//!
//! A token is no secret, and everything that it leads to is public. The hash of the stream detects
//! a token that is used with another filter.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bauta_store::{Position, Slot};

/// Length of a token in bytes.
const LENGTH: usize = 36;

/// Up to where a subscriber has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The position of the last event.
    pub position: Position,
    /// The number of the last rollback that the subscriber knows.
    pub rewind: u64,
}

/// Why a resume token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has another form.
    #[error("must be the id of an event of this stream")]
    Malformed,
    /// It is of a stream with another filter or of another cluster.
    #[error("the resume token is of another stream: use it with the filter that it was received with")]
    OtherStream,
}

impl Cursor {
    /// Returns the token for a stream.
    pub fn token(self, stream: [u8; 8]) -> String {
        let Position {
            slot,
            transaction_index,
            instruction_index,
            inner_index,
        } = self.position;
        let bytes = [
            &stream[..],
            &slot.get().to_be_bytes(),
            &transaction_index.to_be_bytes(),
            &instruction_index.to_be_bytes(),
            &inner_index.to_be_bytes(),
            &self.rewind.to_be_bytes(),
        ];
        URL_SAFE_NO_PAD.encode(bytes.concat())
    }

    /// Reads a token of a stream.
    pub fn parse(token: &str, stream: [u8; 8]) -> Result<Self, TokenError> {
        let bytes: [u8; LENGTH] = Some(token)
            .filter(|token| token.len() == LENGTH / 3 * 4)
            .and_then(|token| URL_SAFE_NO_PAD.decode(token).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(TokenError::Malformed)?;
        let long = |at: usize| {
            let mut long = [0; 8];
            long.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(long)
        };
        let short = |at: usize| {
            let mut short = [0; 4];
            short.copy_from_slice(&bytes[at..at + 4]);
            u32::from_be_bytes(short)
        };
        if bytes[..8] != stream {
            return Err(TokenError::OtherStream);
        }
        Ok(Self {
            position: Position {
                slot: Slot::new(long(8)),
                transaction_index: short(16),
                instruction_index: short(20),
                inner_index: short(24),
            },
            rewind: long(28),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_its_cursor_only_to_its_stream() {
        let cursor = Cursor {
            position: Position {
                slot: Slot::new(u64::MAX),
                transaction_index: 2,
                instruction_index: 3,
                inner_index: u32::MAX,
            },
            rewind: 5,
        };
        let token = cursor.token([7; 8]);
        assert_eq!(Cursor::parse(&token, [7; 8]), Ok(cursor));
        assert_eq!(Cursor::parse(&token, [8; 8]), Err(TokenError::OtherStream));
        for text in ["", "!", &token[1..], &format!("{token}A"), &"A".repeat(1_000)] {
            assert_eq!(Cursor::parse(text, [7; 8]), Err(TokenError::Malformed), "{text}");
        }
    }
}
