//! Private inputs that a client has sealed to this service with HPKE (RFC 9180).
//!
//! A service between the client and this one can't read them. It can't use them for another
//! recipient either, because they are bound to the public inputs.
//!
//! ```text
//!   key for witnesses --derive--> key pair --GET /sealing-key--> client
//!                                    |
//!   {"public", "sealed"} --open------+--> {"public", "private"}, which is then proved or queued
//! ```
//!
//! The key pairs are derived from the keys for witnesses. So all instances have them, and a
//! rotation of the keys replaces and destroys them.

use std::{sync::Arc, time::Duration};

use bauta_service_common::{InvalidField, InvalidFields, JsonError, from_json};
use bauta_wire::prover::{RequestPublicInputs, SealedInputs};
use bytes::Bytes;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, Serializable as _, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open,
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    request::inputs::PrivateInputs,
    witness_keys::{SealError, WitnessKeys},
};

/// The algorithms, as RFC 9180 names them.
pub const ALGORITHMS: [&str; 3] = ["DHKEM(X25519, HKDF-SHA256)", "HKDF-SHA256", "ChaCha20Poly1305"];
/// The parameter `info` of HPKE.
pub const INFO: &str = "bauta private inputs v1";
/// The field of a request.
const FIELD: &str = "sealed";
/// The fields of the private inputs.
const FIELDS: [&str; 7] = [
    "secret",
    "entry_id",
    "attributes",
    "index",
    "path",
    "reputation",
    "address",
];
/// Context for the derivation of key pairs. It must not change: instances of several versions share
/// the keys.
const KEY_PAIR_CONTEXT: &str = "bauta prover-service 2026-11-22 key pair of sealed private inputs";

type Kem = X25519HkdfSha256;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type PublicKey = <Kem as hpke::Kem>::PublicKey;

/// Why sealed inputs can't be opened. No variant contains an input.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Fields break their rules.
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    /// The key was replaced and destroyed, or never existed.
    #[error("this service doesn't have the sealing key {key_id}: read /sealing-key again, and seal again")]
    UnknownKey {
        /// The id of the key.
        key_id: String,
    },
    /// The keys can't be read.
    #[error(transparent)]
    Keys(#[from] SealError),
}

impl OpenError {
    /// The stable error code of [`OpenError::UnknownKey`].
    pub const UNKNOWN_KEY: &'static str = "unknown_sealing_key";
}

impl From<InvalidField> for OpenError {
    fn from(field: InvalidField) -> Self {
        Self::Invalid(field.into())
    }
}

/// The key pairs that clients seal to.
#[derive(Clone)]
pub struct SealingKeys {
    keys: Arc<WitnessKeys>,
    /// The time for which a replaced key is still accepted.
    grace: Duration,
}

/// The key that clients should seal to.
pub struct NewestKey {
    /// The id of the key.
    pub key_id: String,
    pub public_key: [u8; 32],
    /// The time for which the key is accepted at least, even if it is replaced now. `None` if it is
    /// not replaced while the service runs.
    pub valid_for: Option<Duration>,
}

/// The part of a request that opening needs. The complete request is parsed later.
#[derive(Deserialize)]
struct Envelope {
    sealed: Option<SealedInputs>,
    statement: Option<String>,
    public: Option<RequestPublicInputs>,
    private: Option<IgnoredAny>,
}

impl SealingKeys {
    /// Uses the keys for witnesses. A replaced key is accepted for `grace`.
    pub const fn new(keys: Arc<WitnessKeys>, grace: Duration) -> Self {
        Self { keys, grace }
    }

    /// Returns the key that clients should seal to.
    pub fn newest(&self) -> Result<NewestKey, SealError> {
        let (key_id, key) = self.keys.newest()?;
        let (_, public) = key_pair(&key);
        Ok(NewestKey {
            key_id,
            public_key: public.to_bytes().into(),
            valid_for: self.keys.ring_file().map(|_| self.grace),
        })
    }

    /// Replaces `sealed` in a request by `private`. Returns every other request as it is.
    pub fn open(&self, body: Bytes) -> Result<Bytes, OpenError> {
        // The complete parser reports what is wrong with another body.
        let Ok(Envelope {
            sealed: Some(sealed),
            statement,
            public,
            private,
        }) = from_json(&body)
        else {
            return Ok(body);
        };
        let statement = statement.ok_or_else(|| InvalidField::missing("statement"))?;
        let public = public.ok_or_else(|| InvalidField::missing("public"))?;
        if private.is_some() {
            return Err(InvalidField::new("private", "must not be combined with sealed").into());
        }
        let plaintext = self.decrypt(&sealed, &associated_data(&public, &statement))?;
        check(&plaintext)?;
        let mut body: Map<String, Value> =
            serde_json::from_slice(&body).map_err(|_| InvalidField::new("body", "must be an object"))?;
        body.remove(FIELD);
        let rest = Value::from(body).to_string();
        // The plaintext is one JSON object. It is copied as it is, into memory that is wiped.
        let parts = [
            br#"{"private":"#,
            plaintext.as_slice(),
            b",",
            &rest.as_bytes()[1..],
        ];
        let mut opened = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        for part in parts {
            opened.extend_from_slice(part);
        }
        Ok(Bytes::from_owner(opened))
    }

    fn decrypt(&self, sealed: &SealedInputs, associated: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let field = |name: &str, rule: &'static str| InvalidField::new(format!("{FIELD}.{name}"), rule);
        let not_a_key = || {
            field(
                "encapsulated_key",
                "must be 0x and the 32 bytes of a key in hexadecimal",
            )
        };
        let encapsulated = from_hex(&sealed.encapsulated_key).ok_or_else(not_a_key)?;
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(&encapsulated).map_err(|_| not_a_key())?;
        let not_hex = || field("ciphertext", "must be 0x and bytes in hexadecimal");
        let ciphertext = from_hex(&sealed.ciphertext).ok_or_else(not_hex)?;
        let key = self.keys.find_of_client(sealed.key_id.as_bytes())?;
        let key = key.ok_or_else(|| OpenError::UnknownKey {
            key_id: sealed.key_id.chars().take(32).collect(),
        })?;
        let (private, _) = key_pair(&key);
        let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            INFO.as_bytes(),
            &ciphertext,
            associated,
        );
        let plaintext = opened.map_err(|_| {
            let rule = "must be sealed to this key, with info and associated data of this statement, scope, claim and \
                        context";
            field("ciphertext", rule)
        })?;
        Ok(Zeroizing::new(plaintext))
    }
}

/// Checks that a plaintext has the private inputs. The error has the names of their fields and
/// nothing else of the plaintext, because it goes to the service between the client and this one.
fn check(plaintext: &[u8]) -> Result<(), OpenError> {
    let fields = match from_json::<PrivateInputs>(plaintext) {
        Ok(_) => return Ok(()),
        Err(JsonError::Malformed(_)) => {
            return Err(InvalidField::new(FIELD, "must contain the JSON object of private").into());
        }
        Err(JsonError::Invalid(fields)) => fields,
    };
    let describe = |InvalidField { field, rule }: InvalidField| {
        let is_missing = |name: &&str| rule == format!("missing field `{name}`");
        if let Some(missing) = FIELDS.into_iter().find(is_missing) {
            return InvalidField::missing(missing).within("private");
        }
        let outermost = field.split(['.', '[']).next();
        match FIELDS.into_iter().find(|name| outermost == Some(name)) {
            Some(name) => {
                let rule = "must have the form that the description of POST /prove gives";
                InvalidField::new(name, rule).within("private")
            }
            None => InvalidField::new(
                "private",
                format!("must have only the fields {}", FIELDS.join(", ")),
            ),
        }
    };
    Err(OpenError::Invalid(fields.map(describe)))
}

fn key_pair(key: &Zeroizing<[u8; 32]>) -> (PrivateKey, PublicKey) {
    let seed = Zeroizing::new(blake3::derive_key(KEY_PAIR_CONTEXT, key.as_slice()));
    Kem::derive_keypair(seed.as_slice())
}

/// Returns the associated data of a request.
fn associated_data(public: &RequestPublicInputs, statement: &str) -> Vec<u8> {
    [
        &public.scope.to_bytes()[..],
        &public.claim.to_bytes(),
        &public.context.to_bytes(),
        statement.as_bytes(),
    ]
    .concat()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}
