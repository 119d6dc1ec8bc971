use crate::FieldElement;
use solana_sha256_hasher::hashv;

/// The largest number of parts that [`hash_to_field`] accepts.
const MAX_PARTS: usize = 6;

/// Computes `hash_to_field(tag, parts..)` of the protocol.
///
/// The result is a SHA-256 hash with the top three bits cleared. The hashed bytes are the length of
/// the tag (u16 big-endian), the tag, and for each part its length (u32 big-endian) and its bytes.
/// Because every length is included, two different lists of parts never give the same bytes. A tag
/// ends in a version, for example `bauta/scope/1`. There are at most 6 parts.
#[must_use]
pub fn hash_to_field<const N: usize>(tag: &'static str, parts: [&[u8]; N]) -> FieldElement {
    const { assert!(N <= MAX_PARTS) };
    // Tags are short constants, and parts are addresses, hashes or integers: no cast can truncate.
    #[allow(clippy::cast_possible_truncation)]
    let tag_length = (tag.len() as u16).to_be_bytes();
    #[allow(clippy::cast_possible_truncation)]
    let lengths = parts.map(|part| (part.len() as u32).to_be_bytes());
    let mut slices: [&[u8]; 2 + 2 * MAX_PARTS] = [&[]; 2 + 2 * MAX_PARTS];
    slices[0] = &tag_length;
    slices[1] = tag.as_bytes();
    for i in 0..N {
        slices[2 + 2 * i] = &lengths[i];
        slices[3 + 2 * i] = parts[i];
    }
    FieldElement::from_hash(hashv(&slices[..2 + 2 * N]).to_bytes())
}

/// Computes the SHA-256 hash of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha256_of(&[bytes])
}

/// Computes the SHA-256 hash of the concatenated parts.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> [u8; 32] {
    hashv(parts).to_bytes()
}
