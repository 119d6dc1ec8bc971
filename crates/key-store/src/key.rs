use solana_address::Address;

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

    /// Returns the name in settings, which is also that of the feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::AwsKms => "aws-kms",
            Self::GcpKms => "gcp-kms",
        }
    }
}

/// The text begins with the name of a store, but is not a [`StoredKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be STORE:KEY:ADDRESS with the store vault, aws-kms or gcp-kms, and the wallet's address")]
pub struct InvalidKey;

impl StoredKey {
    /// Reads the text `STORE:KEY:ADDRESS`. Returns `None` if it does not begin with the name of a
    /// store.
    #[must_use]
    pub fn parse(text: &str) -> Option<Result<Self, InvalidKey>> {
        KeyStore::ALL.into_iter().find_map(|store| {
            let rest = text.strip_prefix(store.name())?.strip_prefix(':')?;
            Some(Self::of_store(store, rest))
        })
    }

    fn of_store(store: KeyStore, rest: &str) -> Result<Self, InvalidKey> {
        // Names of keys can have colons.
        let (name, address) = rest.rsplit_once(':').ok_or(InvalidKey)?;
        if !is_name(store, name) {
            return Err(InvalidKey);
        }
        Ok(Self {
            store,
            name: name.to_owned(),
            address: address.parse().map_err(|_| InvalidKey)?,
        })
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
