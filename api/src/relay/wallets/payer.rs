//! An entry of `RELAY_PAYERS`.

use std::{path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer};
use solana_address::Address;

use crate::relay::budgets::from_text;

/// Where the key of a wallet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payer {
    /// In a file, as `solana-keygen new` writes it.
    File(PathBuf),
    /// In a key store, which signs.
    Stored(StoredKey),
}

/// A key in a key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key store.
    pub store: KeyStore,
    /// The name of the key in the store.
    pub name: String,
    /// The wallet's address, which is the public key.
    pub address: Address,
}

/// A kind of key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStore {
    /// The transit engine of Vault.
    Vault,
    /// The key management service of AWS.
    AwsKms,
    /// The key management service of Google Cloud.
    GcpKms,
}

impl KeyStore {
    const ALL: [Self; 3] = [Self::Vault, Self::AwsKms, Self::GcpKms];

    /// Returns the name in the settings, which is also that of the feature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::AwsKms => "aws-kms",
            Self::GcpKms => "gcp-kms",
        }
    }
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
        let stored = KeyStore::ALL.into_iter().find_map(|store| {
            let rest = text.strip_prefix(store.name())?.strip_prefix(':')?;
            Some((store, rest))
        });
        let Some((store, rest)) = stored else {
            return if text.is_empty() {
                Err(InvalidPayer)
            } else {
                Ok(Self::File(text.into()))
            };
        };
        // Names of keys can have colons.
        let (name, address) = rest.rsplit_once(':').ok_or(InvalidPayer)?;
        if !is_name(store, name) {
            return Err(InvalidPayer);
        }
        Ok(Self::Stored(StoredKey {
            store,
            name: name.to_owned(),
            address: address.parse().map_err(|_| InvalidPayer)?,
        }))
    }
}

/// Returns whether a key can have this name. The name is a part of URLs.
fn is_name(store: KeyStore, name: &str) -> bool {
    let others: &[u8] = match store {
        KeyStore::Vault => b"-_.",
        KeyStore::AwsKms | KeyStore::GcpKms => b"-_.:/",
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    !name.is_empty() && name != "." && name != ".." && name.bytes().all(is_allowed)
}

impl<'de> Deserialize<'de> for Payer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
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
