//! What the operator pays for.

use std::{fmt, str::FromStr};

use bauta_store::{RelayLimits, Scope, ScopeMode};
use serde::{Deserialize, Deserializer, de};
use solana_address::Address;

use super::error::{RelayError, RelaySetupError};
use crate::settings::RelaySettings;

/// The name that stands for all scopes.
const ANY: &str = "any";
/// The budget of all scopes together. No scope has this address.
const ANY_BUDGET: Address = Address::new_from_array([0; 32]);
/// A scope that ends later counts as one without an end. Its rent does not come back before.
const LONGEST_SECONDS: i64 = 366 * 86_400;

/// A scope that the operator sponsors, and its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sponsored {
    /// The scope account. `None`: all scopes, which share the budget.
    scope: Option<Address>,
    lamports_per_day: u64,
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
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
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

/// What the operator pays for.
pub struct Policy {
    sponsored: Vec<Sponsored>,
    sponsors_open_ended: bool,
    /// Lamports that remain in each wallet.
    pub min_balance: u64,
    max_open: u32,
}

impl Policy {
    /// Returns the policy of the settings.
    pub fn new(settings: &RelaySettings) -> Result<Self, RelaySetupError> {
        let sponsored = &settings.sponsored;
        for (index, entry) in sponsored.iter().enumerate() {
            if sponsored[..index]
                .iter()
                .any(|earlier| earlier.scope == entry.scope)
            {
                return Err(RelaySetupError::SameScope(entry.to_string()));
            }
        }
        Ok(Self {
            sponsored: sponsored.clone(),
            sponsors_open_ended: settings.sponsor_open_ended,
            min_balance: settings.min_balance,
            max_open: settings.max_open,
        })
    }

    /// Returns what a relay in a scope may use. An entry for the scope precedes the one for all
    /// scopes.
    pub fn limits(&self, scope: &Address) -> Result<RelayLimits, RelayError> {
        let entry = |wanted: Option<Address>| self.sponsored.iter().find(|entry| entry.scope == wanted);
        let entry = entry(Some(*scope)).or_else(|| entry(None));
        let entry = entry.ok_or(RelayError::NotSponsored)?;
        Ok(RelayLimits {
            budget: entry.scope.unwrap_or(ANY_BUDGET),
            lamports_per_day: entry.lamports_per_day,
            min_balance: self.min_balance,
            max_open: self.max_open,
        })
    }

    /// Refuses scopes whose rent never comes back, and those where a registration buys another use.
    pub fn check(&self, scope: &Scope, now: i64) -> Result<(), RelayError> {
        let is_open_ended =
            scope.mode == ScopeMode::Live || scope.closes_at.saturating_sub(now) > LONGEST_SECONDS;
        if is_open_ended && !self.sponsors_open_ended {
            return Err(RelayError::OpenEnded);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sponsored_scope_is_an_address_or_any_with_lamports() {
        let scope = "11111111111111111111111111111111";
        let entry: Sponsored = format!("{scope}=5000").parse().unwrap();
        assert_eq!(
            (entry.scope, entry.lamports_per_day),
            (Some(scope.parse().unwrap()), 5_000)
        );
        let entry: Sponsored = "any = 7".parse().unwrap();
        assert_eq!((entry.scope, entry.lamports_per_day), (None, 7));
        for text in ["", "any", "any=", "any=-1", "=5", "all=5", "any=5=5", "1=5"] {
            assert_eq!(text.parse::<Sponsored>(), Err(InvalidSponsored), "{text}");
        }
    }
}
