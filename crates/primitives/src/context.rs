use crate::field::field_newtype;
use crate::hash_to_field;
use solana_sha256_hasher::hash;

field_newtype! {
    /// The hash of recipient, relayer, expiry and payload. A proof is bound to it.
    Context, "context"
}

/// The relayer address of a proof that anyone may submit: 32 zero bytes.
pub const ANYONE: [u8; 32] = [0; 32];

/// The values that [`Context::derive`] hashes.
#[derive(Debug, Clone, Copy)]
pub struct ContextParts<'a> {
    /// The address that benefits from the verification.
    pub recipient: &'a [u8; 32],
    /// The address that must sign the `verify` instruction. [`ANYONE`] lets anyone submit the
    /// proof.
    pub relayer: &'a [u8; 32],
    /// The Unix time in seconds after which the program refuses the proof.
    pub expiry: i64,
    /// Data of the consumer, for example a fee or an amount. The context contains only its SHA-256.
    pub payload: &'a [u8],
}

impl Context {
    /// Computes `hash_to_field("bauta/context/1", recipient, relayer, expiry (i64 big-endian),
    /// SHA-256(payload))`.
    #[must_use]
    pub fn derive(parts: &ContextParts<'_>) -> Self {
        Self::derive_hashed(
            parts.recipient,
            parts.relayer,
            parts.expiry,
            &hash(parts.payload).to_bytes(),
        )
    }

    /// Computes the same value from the SHA-256 of the payload.
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
