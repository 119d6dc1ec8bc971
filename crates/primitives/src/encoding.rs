use crate::FieldElement;
use solana_sha256_hasher::hashv;

/// The most parts that [`hash_to_field`] takes.
const MAX_PARTS: usize = 6;

/// `hash_to_field(tag, parts..)` of the protocol: SHA-256 over the tag's length (u16 big-endian), the tag, then for each
/// part its length (u32 big-endian) and its bytes; the top three bits cleared.
///
/// Every length is written, so no two lists of parts share an input. Tags end in a version ("bauta/scope/1").
#[must_use]
pub fn hash_to_field<const N: usize>(tag: &'static str, parts: [&[u8]; N]) -> FieldElement {
    const { assert!(N <= MAX_PARTS) };
    // Tags are constants of a few bytes and parts are addresses, hashes or integers: neither cast can cut.
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

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha256_of(&[bytes])
}

/// SHA-256 of the parts one after the other.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> [u8; 32] {
    hashv(parts).to_bytes()
}
