//! The budgets in the settings of the relay.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use solana_address::Address;

/// The name that stands for all scopes, or for all API keys.
pub(super) const ANY: &str = "any";
/// Digits of an API key's prefix.
const PREFIX_DIGITS: usize = 8;

/// A scope that the operator sponsors, and its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sponsored {
    /// The scope account. `None`: all scopes, which share the budget.
    pub(super) scope: Option<Address>,
    pub(super) lamports_per_day: u64,
}

/// The text isn't a [`Sponsored`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be SCOPE=LAMPORTS: the address of a scope, or `any`, and lamports for each day")]
pub struct InvalidSponsored;

impl FromStr for Sponsored {
    type Err = InvalidSponsored;

    fn from_str(text: &str) -> Result<Self, InvalidSponsored> {
        let (scope, lamports) = text.trim().split_once('=').ok_or(InvalidSponsored)?;
        let scope = match scope.trim() {
            ANY => None,
            address => Some(address.parse().map_err(|_| InvalidSponsored)?),
        };
        Ok(Self {
            scope,
            lamports_per_day: lamports.trim().parse().map_err(|_| InvalidSponsored)?,
        })
    }
}

impl<'de> Deserialize<'de> for Sponsored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

/// Reads a value that is written as text.
pub fn from_text<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(de::Error::custom)
}

/// The budget of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBudget {
    /// The owner of the key: the prefix of the client's first key. `None`: each other owner.
    pub(super) owner: Option<String>,
    pub(super) lamports_per_day: u64,
}

/// The text isn't a [`KeyBudget`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be PREFIX=LAMPORTS: the 8 hexadecimal digits that an API key begins with, or `any`, and lamports for each day"
)]
pub struct InvalidKeyBudget;

impl FromStr for KeyBudget {
    type Err = InvalidKeyBudget;

    fn from_str(text: &str) -> Result<Self, InvalidKeyBudget> {
        let (owner, lamports) = text.trim().split_once('=').ok_or(InvalidKeyBudget)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let owner = match owner.trim() {
            ANY => None,
            prefix if prefix.len() == PREFIX_DIGITS && prefix.bytes().all(is_digit) => {
                Some(prefix.to_owned())
            }
            _ => return Err(InvalidKeyBudget),
        };
        Ok(Self {
            owner,
            lamports_per_day: lamports.trim().parse().map_err(|_| InvalidKeyBudget)?,
        })
    }
}

impl<'de> Deserialize<'de> for KeyBudget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl fmt::Display for Sponsored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Some(scope) => scope.fmt(f),
            None => f.write_str(ANY),
        }
    }
}
