use crate::field::field_newtype;
use crate::hash_to_field;
use solana_sha256_hasher::hash;

field_newtype! {
    /// What a use of a proof is bound to besides its statement: recipient, relayer, expiry and payload.
    Context, "context"
}

/// The relayer of a proof that anyone may submit: 32 zero bytes.
pub const ANYONE: [u8; 32] = [0; 32];

/// What goes into a [`Context`].
#[derive(Debug, Clone, Copy)]
pub struct ContextParts<'a> {
    /// Whom the use benefits (an address).
    pub recipient: &'a [u8; 32],
    /// Who alone may submit it (an address that must sign), or [`ANYONE`].
    pub relayer: &'a [u8; 32],
    /// Unix time in seconds after which the proof is void.
    pub expiry: i64,
    /// The consumer's own data, e.g. a fee or an amount; only its SHA-256 goes in.
    pub payload: &'a [u8],
}

impl Context {
    /// `hash_to_field("bauta/context/1", recipient, relayer, expiry (i64 big-endian), SHA-256(payload))`.
    #[must_use]
    pub fn derive(parts: &ContextParts<'_>) -> Self {
        Self::derive_hashed(
            parts.recipient,
            parts.relayer,
            parts.expiry,
            &hash(parts.payload).to_bytes(),
        )
    }

    /// The same from the payload's SHA-256.
    #[must_use]
    pub fn derive_hashed(
        recipient: &[u8; 32],
        relayer: &[u8; 32],
        expiry: i64,
        payload_hash: &[u8; 32],
    ) -> Self {
        Self(hash_to_field(
            "bauta/context/1",
            [recipient, relayer, &expiry.to_be_bytes(), payload_hash],
        ))
    }
}
