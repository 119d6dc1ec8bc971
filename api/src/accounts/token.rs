//! Access tokens: JSON Web Tokens (RFC 7519) with `EdDSA` (RFC 8037) and no other algorithm.
//!
//! This service reads only tokens that it has signed, so their header is always the same text. A
//! token with another header is refused before anything of it is decoded.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bauta_primitives::sha256;
use bauta_store::AccountId;
use bauta_wire::api::JsonWebKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer as _;

use super::{ACCESS_SECONDS, error::TokenError};

/// Largest length of a token in characters.
const MAX_LENGTH: usize = 2_048;

/// The claims of a token.
#[derive(Serialize, Deserialize)]
struct Claims {
    /// The issuer.
    iss: String,
    /// The service that the token is for.
    aud: String,
    /// The id of the account: 32 hexadecimal digits.
    sub: String,
    /// The time of the issue in Unix seconds.
    iat: i64,
    /// The time from which the token is refused in Unix seconds.
    exp: i64,
}

/// Issues and checks tokens.
pub struct Tokens {
    key: Keypair,
    /// The header of every token, in base64url.
    header: String,
    issuer: String,
    audience: String,
}

impl Tokens {
    /// Creates the issuer with a signing key.
    pub fn new(key: &[u8; 32], issuer: &str, audience: &str) -> Self {
        let key = Keypair::new_from_array(*key);
        let header = json!({"alg": "EdDSA", "kid": thumbprint(&key), "typ": "JWT"});
        Self {
            header: BASE64.encode(header.to_string()),
            key,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        }
    }

    /// Returns the public key.
    pub fn web_key(&self) -> JsonWebKey {
        JsonWebKey {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            alg: "EdDSA".into(),
            r#use: "sig".into(),
            kid: thumbprint(&self.key),
            x: BASE64.encode(self.key.pubkey().as_array()),
        }
    }

    /// Creates a token for an account.
    pub fn issue(&self, account: AccountId, now: i64) -> String {
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": account.to_string(),
            "iat": now,
            "exp": now + i64::from(ACCESS_SECONDS),
        });
        let signed = format!("{}.{}", self.header, BASE64.encode(claims.to_string()));
        let signature = self.key.sign_message(signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature))
    }

    /// Returns the account of a token that is valid at `now`.
    pub fn check(&self, token: &str, now: i64) -> Result<AccountId, TokenError> {
        let claims = self.verify(token).ok_or(TokenError::Invalid)?;
        if claims.iss != self.issuer {
            return Err(TokenError::Invalid);
        }
        if claims.aud != self.audience {
            return Err(TokenError::OtherAudience);
        }
        if now >= claims.exp {
            return Err(TokenError::Expired);
        }
        let mut account = [0; 16];
        hex::decode_to_slice(&claims.sub, &mut account).map_err(|_| TokenError::Invalid)?;
        Ok(AccountId(account))
    }

    /// Returns the account that a token names. Its signature is not verified.
    pub fn named(&self, token: &str) -> Option<AccountId> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let (signed, _) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(&self.header)?.strip_prefix('.')?;
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        let mut account = [0; 16];
        hex::decode_to_slice(&claims.sub, &mut account).ok()?;
        Some(AccountId(account))
    }

    /// Returns the claims of a token that this key has signed.
    fn verify(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if header != self.header {
            return None;
        }
        let signature = Signature::try_from(BASE64.decode(signature).ok()?).ok()?;
        if !signature.verify(self.key.pubkey().as_array(), signed.as_bytes()) {
            return None;
        }
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }
}

/// Returns the thumbprint of a public key (RFC 7638, RFC 8037).
fn thumbprint(key: &Keypair) -> String {
    let x = BASE64.encode(key.pubkey().as_array());
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64.encode(sha256(members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const ACCOUNT: AccountId = AccountId([7; 16]);

    fn tokens(key: u8, audience: &str) -> Tokens {
        Tokens::new(&[key; 32], "https://api.example.org", audience)
    }

    #[test]
    fn a_token_is_valid_for_ten_minutes_at_its_issuer_and_audience() {
        let own = tokens(1, "bauta-api");
        let token = own.issue(ACCOUNT, NOW);
        assert_eq!(own.check(&token, NOW), Ok(ACCOUNT));
        assert_eq!(own.check(&token, NOW + 599), Ok(ACCOUNT));
        assert_eq!(own.check(&token, NOW + 600), Err(TokenError::Expired));
        assert_eq!(
            tokens(2, "bauta-api").check(&token, NOW),
            Err(TokenError::Invalid)
        );
        assert_eq!(
            tokens(1, "other").check(&token, NOW),
            Err(TokenError::OtherAudience)
        );
        let other = Tokens::new(&[1; 32], "https://other.example", "bauta-api");
        assert_eq!(other.check(&token, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn a_token_names_its_account_without_a_check_of_its_signature_and_other_texts_name_none() {
        let tokens = tokens(1, "bauta-api");
        let token = tokens.issue(ACCOUNT, NOW);
        assert_eq!(tokens.named(&token), Some(ACCOUNT));
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(tokens.named(&format!("{signed}.AAAA")), Some(ACCOUNT));
        let of_other = Tokens::new(&[2; 32], "https://api.example.org", "bauta-api").issue(ACCOUNT, NOW);
        for text in ["", "..", "a.b.c", signed, &of_other, &token.repeat(20)] {
            assert_eq!(tokens.named(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_with_another_header_claim_or_signature_is_refused() {
        let tokens = tokens(1, "bauta-api");
        let token = tokens.issue(ACCOUNT, NOW);
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("{token}")
        };
        let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let other = tokens.issue(AccountId([8; 16]), NOW);
        let other = other.split('.').nth(1).unwrap();
        for forged in [
            String::new(),
            "..".to_owned(),
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{header}.{other}.{signature}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}"),
            format!("{header}.{claims}.{signature}="),
            format!("{header}.{claims}.{signature}.{signature}"),
            format!("{token}{}", "A".repeat(MAX_LENGTH)),
        ] {
            assert_eq!(tokens.check(&forged, NOW), Err(TokenError::Invalid), "{forged}");
        }
    }

    /// The example of RFC 8037, appendix A.3.
    #[test]
    fn the_id_of_a_key_is_its_thumbprint() {
        let seed = BASE64
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .unwrap();
        let key = Keypair::new_from_array(seed.try_into().unwrap());
        assert_eq!(thumbprint(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
