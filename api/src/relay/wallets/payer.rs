//! An entry of `RELAY_PAYERS`.

use std::{path::PathBuf, str::FromStr};

use bauta_key_store::StoredKey;
use serde::{Deserialize, Deserializer};

use crate::relay::budgets::from_text;

/// Where the key of a wallet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payer {
    /// In a file, as `solana-keygen new` writes it.
    File(PathBuf),
    /// In a key store, which signs.
    Stored(StoredKey),
}

/// The text isn't a [`Payer`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a file, or STORE:KEY:ADDRESS with the store vault, aws-kms or gcp-kms, and the wallet's address"
)]
pub struct InvalidPayer;

impl FromStr for Payer {
    type Err = InvalidPayer;

    fn from_str(text: &str) -> Result<Self, InvalidPayer> {
        let text = text.trim();
        match StoredKey::parse(text) {
            Some(key) => key.map(Self::Stored).map_err(|_| InvalidPayer),
            None if text.is_empty() => Err(InvalidPayer),
            None => Ok(Self::File(text.into())),
        }
    }
}

impl<'de> Deserialize<'de> for Payer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use bauta_key_store::KeyStore;

    use super::*;

    const ADDRESS: &str = "Ga9HP4e3TZxu47C5KifEsbDMajjDqvJ44BC7Dn97rt5h";

    #[test]
    fn an_entry_is_a_file_or_a_key_of_a_store() {
        let file = " /run/secrets/a:b.json".parse::<Payer>();
        assert_eq!(file, Ok(Payer::File("/run/secrets/a:b.json".into())));
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab";
        let version = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
        for (store, text, name) in [
            (KeyStore::Vault, "vault:relay-1".to_owned(), "relay-1"),
            (KeyStore::AwsKms, format!("aws-kms:{arn}"), arn),
            (KeyStore::GcpKms, format!("gcp-kms:{version}"), version),
        ] {
            let expected = StoredKey {
                store,
                name: name.to_owned(),
                address: ADDRESS.parse().unwrap(),
            };
            let parsed = format!("{text}:{ADDRESS}").parse::<Payer>();
            assert_eq!(parsed, Ok(Payer::Stored(expected)), "{text}");
        }
        for text in ["", "vault:", "vault:key", "vault:key:x", "aws-kms::x"] {
            assert_eq!(text.parse::<Payer>(), Err(InvalidPayer), "{text}");
        }
        for name in ["", ".", "..", "../sys", "a/b", "a?b", "a b"] {
            let text = format!("vault:{name}:{ADDRESS}");
            assert_eq!(text.parse::<Payer>(), Err(InvalidPayer), "{name}");
        }
    }
}
