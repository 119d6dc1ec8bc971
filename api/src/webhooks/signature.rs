//! Secrets and signatures of webhooks (Standard Webhooks).

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, Mac as _};
use rand::{RngCore, rngs::OsRng};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The first part of every secret.
const SCHEME: &str = "whsec_";
/// Length of a secret in bytes.
const LENGTH: usize = 32;

/// A secret that a client checks messages with.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// Generates a secret.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Wraps the bytes of a secret.
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text that the client keeps.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{SCHEME}{}", BASE64.encode(&*self.0)))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of HMAC can have any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

/// Returns the header `webhook-signature` with a signature by each secret.
pub fn signatures(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &str) -> String {
    let mut header = String::new();
    for (number, secret) in secrets.iter().enumerate() {
        let space = if number == 0 { "" } else { " " };
        // Writing to a string can't fail.
        let _ = write!(header, "{space}{}", secret.sign(id, timestamp, body));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn a_signature_is_that_of_the_published_example() {
        let bytes = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = WebhookSecret::new(Zeroizing::new(bytes));
        assert_eq!(*secret.text(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}");
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secret.sign(id, 1_614_265_330, body), expected);
        let other = WebhookSecret::random();
        let both = signatures(&[other, secret], id, 1_614_265_330, body);
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(second, expected);
        assert!(first.starts_with("v1,") && first != expected);
    }
}
