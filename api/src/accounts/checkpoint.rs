//! Signed checkpoints of the audit log. Auditors keep them outside the service: a party that
//! changes the database later can't change these copies.
//!
//! A checkpoint is a signed note (C2SP signed-note) with Ed25519. Its text is that of a log
//! checkpoint: the origin, the number of records, and a hash in base64. The hash is that of the
//! chain up to the last record, and not the root of a Merkle tree.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bauta_primitives::sha256;
use bauta_store::AuditHead;
use solana_keypair::Keypair;
use solana_signer::Signer as _;

/// The type of Ed25519 signatures in notes.
const ED25519: u8 = 1;

/// Signs checkpoints.
#[derive(Clone)]
pub struct Checkpoints {
    key: Arc<Keypair>,
    /// The name of the log and of its key.
    name: String,
}

impl Checkpoints {
    /// Creates the signer with a key and the host that names the log.
    pub fn new(key: &[u8; 32], host: &str) -> Self {
        Self {
            key: Arc::new(Keypair::new_from_array(*key)),
            name: format!("{host}/audit"),
        }
    }

    /// Returns the public key in the form of signed notes: `NAME+ID+KEY`.
    pub fn public_key(&self) -> String {
        let key = BASE64.encode([&[ED25519][..], self.key.pubkey().as_array()].concat());
        format!("{}+{}+{key}", self.name, hex::encode(self.key_id()))
    }

    /// Returns the signed note of a head.
    pub fn sign(&self, head: &AuditHead) -> String {
        let text = format!("{}\n{}\n{}\n", self.name, head.records, BASE64.encode(head.hash));
        let signature = self.key.sign_message(text.as_bytes());
        let signature = BASE64.encode([&self.key_id()[..], signature.as_ref()].concat());
        format!("{text}\n— {} {signature}\n", self.name)
    }

    /// Returns whether a note is that of a head, signed with this key. The log can have had another
    /// name.
    pub fn has_signed(&self, note: &str, head: &AuditHead) -> bool {
        // Ed25519 signs the same text always in the same way.
        let named = |name: &str| Self {
            key: self.key.clone(),
            name: name.to_owned(),
        };
        note.lines()
            .next()
            .is_some_and(|name| named(name).sign(head) == note)
    }

    /// The first bytes of a hash of name, type and key, as signed notes define it.
    fn key_id(&self) -> [u8; 4] {
        let public = self.key.pubkey();
        let parts = [self.name.as_bytes(), b"\n", &[ED25519], public.as_array()];
        let hash = sha256(&parts.concat());
        [hash[0], hash[1], hash[2], hash[3]]
    }
}
