//! What a wallet signs to log in (Sign in with Solana), and its nonce.
//!
//! The service stores no challenge. A nonce contains the time of its issue, and a keyed hash binds
//! it to the wallet. So the service computes the text again to verify the signature.
//!
//! ```text
//!   nonce: time (5 bytes) | random (11 bytes) | keyed hash of both and the wallet (16 bytes)
//! ```

use bauta_wire::api::SignInInput;
use chrono::DateTime;
use rand::{RngCore, rngs::OsRng};
use solana_address::Address;
use zeroize::Zeroizing;

use super::error::LoginError;

/// Seconds for which a nonce is valid.
pub const NONCE_SECONDS: u32 = 300;
/// Bytes of the time.
const TIME_BYTES: usize = 5;
/// Bytes of the time and the random number.
const SIGNED_BYTES: usize = 16;

/// Creates the input. `issued_at` is in Unix seconds.
pub fn sign_in_input(
    wallet: &Address,
    domain: &str,
    uri: &str,
    cluster: &'static str,
    nonce: &str,
    issued_at: i64,
) -> SignInInput {
    SignInInput {
        domain: domain.to_owned(),
        address: wallet.to_string(),
        statement: "Log in to manage API keys and webhooks. This costs nothing and sends no transaction."
            .into(),
        uri: uri.to_owned(),
        version: "1".into(),
        chain_id: cluster.into(),
        nonce: nonce.to_owned(),
        issued_at: iso8601(issued_at),
        expiration_time: iso8601(issued_at + i64::from(NONCE_SECONDS)),
    }
}

/// Returns the text that the wallet signs.
pub fn signed_text(input: &SignInInput) -> String {
    let SignInInput {
        domain,
        address,
        statement,
        uri,
        version,
        chain_id,
        nonce,
        issued_at,
        expiration_time,
    } = input;
    format!(
        "{domain} wants you to sign in with your Solana account:\n{address}\n\n{statement}\n\nURI: {uri}\n\
         Version: {version}\nChain ID: {chain_id}\nNonce: {nonce}\nIssued At: {issued_at}\n\
         Expiration Time: {expiration_time}"
    )
}

/// Issues nonces, and recognises those that it has issued.
pub struct Nonces(Zeroizing<[u8; 32]>);

impl Nonces {
    /// Creates the issuer with the key of the hashes.
    pub const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// Returns a new nonce for a wallet.
    pub fn issue(&self, wallet: &Address, now: i64) -> String {
        let mut signed = [0; SIGNED_BYTES];
        OsRng.fill_bytes(&mut signed);
        signed[..TIME_BYTES].copy_from_slice(&now.to_be_bytes()[8 - TIME_BYTES..]);
        hex::encode([signed, self.hash(&signed, wallet)].concat())
    }

    /// Checks a nonce. Returns the time at which it was issued.
    pub fn check(&self, nonce: &str, wallet: &Address, now: i64) -> Result<i64, LoginError> {
        let mut bytes = [0; 2 * SIGNED_BYTES];
        // A nonce has one text, because used nonces are found by it: lower-case digits only.
        hex::decode_to_slice(nonce, &mut bytes)
            .ok()
            .filter(|()| hex::encode(bytes) == nonce)
            .ok_or(LoginError::UnknownNonce)?;
        let mut signed = [0; SIGNED_BYTES];
        signed.copy_from_slice(&bytes[..SIGNED_BYTES]);
        let expected = blake3::Hash::from(padded(self.hash(&signed, wallet)));
        let mut found = [0; SIGNED_BYTES];
        found.copy_from_slice(&bytes[SIGNED_BYTES..]);
        // The comparison of hashes takes the same time for all values.
        if expected != blake3::Hash::from(padded(found)) {
            return Err(LoginError::UnknownNonce);
        }
        let mut time = [0; 8];
        time[8 - TIME_BYTES..].copy_from_slice(&signed[..TIME_BYTES]);
        let issued_at = i64::from_be_bytes(time);
        if now >= issued_at + i64::from(NONCE_SECONDS) {
            return Err(LoginError::NonceExpired);
        }
        Ok(issued_at)
    }

    fn hash(&self, signed: &[u8; SIGNED_BYTES], wallet: &Address) -> [u8; SIGNED_BYTES] {
        let hash = blake3::keyed_hash(&self.0, &[signed.as_slice(), wallet.as_array()].concat());
        let mut first = [0; SIGNED_BYTES];
        first.copy_from_slice(&hash.as_bytes()[..SIGNED_BYTES]);
        first
    }
}

fn padded(hash: [u8; SIGNED_BYTES]) -> [u8; 32] {
    let mut padded = [0; 32];
    padded[..SIGNED_BYTES].copy_from_slice(&hash);
    padded
}

/// Formats Unix seconds as ISO 8601. A time that the format can't express becomes 1970, which no
/// clock reports.
fn iso8601(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn wallet(byte: u8) -> Address {
        Address::from([byte; 32])
    }

    #[test]
    fn the_text_is_that_of_sign_in_with_solana() {
        let input = sign_in_input(
            &wallet(1),
            "app.example.org",
            "https://api.example.org",
            "solana:mainnet",
            "0a",
            NOW,
        );
        let expected = "app.example.org wants you to sign in with your Solana account:\n\
            4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi\n\n\
            Log in to manage API keys and webhooks. This costs nothing and sends no transaction.\n\n\
            URI: https://api.example.org\nVersion: 1\nChain ID: solana:mainnet\nNonce: 0a\n\
            Issued At: 2027-01-15T08:00:00Z\nExpiration Time: 2027-01-15T08:05:00Z";
        assert_eq!(signed_text(&input), expected);
    }

    #[test]
    fn a_nonce_is_for_one_wallet_and_five_minutes() {
        let nonces = Nonces::new([1; 32].into());
        let nonce = nonces.issue(&wallet(1), NOW);
        assert_eq!(nonce.len(), 64);
        assert_ne!(nonce, nonces.issue(&wallet(1), NOW));
        let code = |nonces: &Nonces, nonce: &str, of: u8, now: i64| {
            nonces
                .check(nonce, &wallet(of), now)
                .map_err(|error| error.code())
        };
        assert_eq!(code(&nonces, &nonce, 1, NOW), Ok(NOW));
        assert_eq!(code(&nonces, &nonce, 1, NOW + 299), Ok(NOW));
        assert_eq!(code(&nonces, &nonce, 1, NOW + 300), Err("expired_nonce"));
        assert_eq!(code(&nonces, &nonce, 2, NOW), Err("unknown_nonce"));
        assert_eq!(
            code(&Nonces::new([2; 32].into()), &nonce, 1, NOW),
            Err("unknown_nonce")
        );
        for other in ["", "0a", &nonce.to_uppercase(), &format!("{nonce}00")] {
            assert_eq!(code(&nonces, other, 1, NOW), Err("unknown_nonce"), "{other}");
        }
        for at in 0..nonce.len() {
            let mut other = nonce.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(code(&nonces, &other, 1, NOW), Err("unknown_nonce"), "{at}");
        }
    }
}
