use bauta_primitives::sha256;
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// The first part of every refresh token.
const SCHEME: &str = "bautaref_";

/// A refresh token: the id of its login, which all tokens of the login have, and a secret. Both are
/// random, and the database has only their hashes.
pub struct RefreshToken {
    id: Zeroizing<[u8; 16]>,
    secret: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    /// Creates the first token of a login.
    pub fn random() -> Self {
        let mut id = Zeroizing::new([0; 16]);
        OsRng.fill_bytes(id.as_mut_slice());
        Self {
            id,
            secret: random_secret(),
        }
    }

    /// Creates the token that replaces this one.
    pub fn next(&self) -> Self {
        Self {
            id: self.id.clone(),
            secret: random_secret(),
        }
    }

    /// Reads a token.
    pub fn parse(text: &str) -> Option<Self> {
        let (id_digits, secret_digits) = text.strip_prefix(SCHEME)?.split_once('_')?;
        let (mut id, mut secret) = (Zeroizing::new([0; 16]), Zeroizing::new([0; 32]));
        hex::decode_to_slice(id_digits, id.as_mut_slice()).ok()?;
        hex::decode_to_slice(secret_digits, secret.as_mut_slice()).ok()?;
        Some(Self { id, secret })
    }

    /// Returns the text that the client keeps.
    pub fn text(&self) -> Zeroizing<String> {
        let (id, secret) = (hex::encode(*self.id), Zeroizing::new(hex::encode(*self.secret)));
        Zeroizing::new(format!("{SCHEME}{id}_{}", *secret))
    }

    /// Returns the hash of the login's id.
    pub fn id_hash(&self) -> [u8; 32] {
        sha256(self.id.as_slice())
    }

    /// Returns the hash of the secret.
    pub fn secret_hash(&self) -> [u8; 32] {
        sha256(self.secret.as_slice())
    }
}

fn random_secret() -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(secret.as_mut_slice());
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_a_login_have_its_id_and_different_secrets() {
        let first = RefreshToken::random();
        let next = first.next();
        assert_eq!(first.id_hash(), next.id_hash());
        assert_ne!(first.secret_hash(), next.secret_hash());
        let read = RefreshToken::parse(&next.text()).unwrap();
        assert_eq!(
            (read.id_hash(), read.secret_hash()),
            (next.id_hash(), next.secret_hash())
        );
        let text = next.text();
        for other in [
            "",
            SCHEME,
            &text[1..],
            &text[..text.len() - 2],
            &format!("{}00", *text),
        ] {
            assert!(RefreshToken::parse(other).is_none(), "{other}");
        }
    }
}
