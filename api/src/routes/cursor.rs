//! Cursors of lists. A cursor is the key of the last element of a page, bound to the list and its
//! filters. It contains no number of the database, so it stays valid when rows are added, undone or
//! rebuilt.
//!
//! ```text
//!   base64url( first 8 bytes of SHA-256(filters, key) | key )
//! ```
//!
//! The hash is no secret. It detects a cursor that is used with other filters.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bauta_service_common::InvalidField;
use sha2::{Digest, Sha256};

/// Largest length of a cursor in characters.
const MAX_LENGTH: usize = 128;
/// Length of the hash in a cursor.
const TAG: usize = 8;

/// Creates the cursor after a key.
pub fn encode(filters: &[&str], key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&tag(filters, key)[..], key].concat())
}

/// Reads the key of a cursor.
pub fn decode<const N: usize>(
    filters: &[&str],
    cursor: Option<&str>,
) -> Result<Option<[u8; N]>, InvalidField> {
    let Some(cursor) = cursor else { return Ok(None) };
    let key = Some(cursor)
        .filter(|text| text.len() <= MAX_LENGTH)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| {
            let (found, key) = bytes.split_first_chunk::<TAG>()?;
            (*found == tag(filters, key)).then_some(key)?.try_into().ok()
        });
    key.map(Some).ok_or_else(|| {
        InvalidField::new(
            "cursor",
            "must be the `next` of the previous page, with the same filters",
        )
    })
}

fn tag(filters: &[&str], key: &[u8]) -> [u8; TAG] {
    let mut hash = Sha256::new();
    for filter in filters {
        hash.update((filter.len() as u64).to_be_bytes());
        hash.update(filter);
    }
    hash.update(key);
    let digest: [u8; 32] = hash.finalize().into();
    let mut tag = [0; TAG];
    tag.copy_from_slice(&digest[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_gives_its_key_only_to_the_list_and_the_filters_that_it_was_made_for() {
        let cursor = encode(&["scopes", "a"], &[7; 32]);
        let read = |filters: &[&str], text: &str| decode::<32>(filters, Some(text));
        assert_eq!(read(&["scopes", "a"], &cursor), Ok(Some([7; 32])));
        assert_eq!(decode::<32>(&["scopes"], None), Ok(None));
        for filters in [&["scopes", "b"][..], &["scopes"], &["scopesa"], &[]] {
            assert_eq!(read(filters, &cursor).unwrap_err().field, "cursor", "{filters:?}");
        }
        let shorter = encode(&["scopes", "a"], &[7; 8]);
        let long = "A".repeat(MAX_LENGTH + 1);
        for text in ["", "x", "!", &shorter, &cursor[1..], &long] {
            assert!(read(&["scopes", "a"], text).is_err(), "{text}");
        }
    }
}
