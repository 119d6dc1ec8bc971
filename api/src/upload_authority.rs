//! The wallets in the settings of uploads.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use solana_address::Address;

/// A wallet that may upload the trees of its registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadAuthority(Address);

/// The text isn't an [`UploadAuthority`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the address of a wallet: 32 bytes in base58")]
pub struct InvalidAuthority;

impl UploadAuthority {
    /// Creates the authority with this address.
    pub const fn new(address: Address) -> Self {
        Self(address)
    }
}

impl FromStr for UploadAuthority {
    type Err = InvalidAuthority;

    fn from_str(text: &str) -> Result<Self, InvalidAuthority> {
        let address = text.trim().parse();
        address.map(Self).map_err(|_| InvalidAuthority)
    }
}

impl<'de> Deserialize<'de> for UploadAuthority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
