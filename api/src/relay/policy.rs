//! What the operator pays for.

use bauta_store::{RelayLimits, Scope, ScopeMode};
use solana_address::Address;

use super::{
    budgets::{ANY, KeyBudget, Sponsored},
    error::{RelayError, RelaySetupError},
    request::{Fee, RelayRequest},
};
use crate::settings::RelaySettings;

/// The budget of all scopes together. No scope has this address.
const ANY_BUDGET: Address = Address::new_from_array([0; 32]);
/// A scope that ends later counts as one without an end. Its rent is not returned before then.
const LONGEST_SECONDS: i64 = 366 * 86_400;
/// Context of the addresses that stand for the budgets of API keys and of recipients who pay. It
/// must not change: the database has the budgets of the day.
const BUDGET_CONTEXT: &str = "bauta api 2026-11-22 budgets of relays";
/// What the operator pays for.
pub struct Policy {
    sponsored: Vec<Sponsored>,
    keys: Vec<KeyBudget>,
    /// Lamports for each day that relays may reserve whose recipients pay.
    in_transaction: u64,
    sponsors_open_ended: bool,
    /// Lamports that remain in each wallet.
    pub min_balance: u64,
    max_open: u32,
    max_open_of_key: u32,
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
        let keys = &settings.key_budgets;
        for (index, entry) in keys.iter().enumerate() {
            if keys[..index].iter().any(|earlier| earlier.owner == entry.owner) {
                let owner = entry.owner.as_deref().unwrap_or(ANY);
                return Err(RelaySetupError::SameKey(owner.to_owned()));
            }
        }
        Ok(Self {
            sponsored: sponsored.clone(),
            keys: keys.clone(),
            in_transaction: settings.in_transaction,
            sponsors_open_ended: settings.sponsor_open_ended,
            min_balance: settings.min_balance,
            max_open: settings.max_open,
            max_open_of_key: settings.max_open_of_key,
        })
    }

    /// Returns what a relay may use. `key` is the owner of the API key of the request.
    pub fn limits(&self, request: &RelayRequest, key: Option<&str>) -> Result<RelayLimits, RelayError> {
        let (budget, lamports_per_day) = match request.fee {
            Fee::Sponsored => self.scope_budget(&request.scope)?,
            Fee::Key => self.key_budget(key.ok_or(RelayError::NoKeyBudget)?)?,
            Fee::InTransaction if self.in_transaction == 0 => return Err(RelayError::FeeNotAccepted),
            Fee::InTransaction => (named_budget(Fee::InTransaction, ""), self.in_transaction),
        };
        Ok(RelayLimits {
            budget,
            lamports_per_day,
            min_balance: self.min_balance,
            max_open: self.max_open,
            max_open_of_budget: (request.fee == Fee::Key).then_some(self.max_open_of_key),
        })
    }

    /// Returns the budget of a scope. An entry for the scope precedes the one for all scopes.
    fn scope_budget(&self, scope: &Address) -> Result<(Address, u64), RelayError> {
        let entry = |wanted: Option<Address>| self.sponsored.iter().find(|entry| entry.scope == wanted);
        let entry = entry(Some(*scope)).or_else(|| entry(None));
        let entry = entry.ok_or(RelayError::NotSponsored)?;
        Ok((entry.scope.unwrap_or(ANY_BUDGET), entry.lamports_per_day))
    }

    /// Returns the budget of an owner of API keys. Each owner has their own, even if the entry is
    /// the one for all.
    fn key_budget(&self, owner: &str) -> Result<(Address, u64), RelayError> {
        let entry = |wanted: Option<&str>| self.keys.iter().find(|entry| entry.owner.as_deref() == wanted);
        let entry = entry(Some(owner)).or_else(|| entry(None));
        let entry = entry.ok_or(RelayError::NoKeyBudget)?;
        Ok((named_budget(Fee::Key, owner), entry.lamports_per_day))
    }

    /// Returns the kinds of fees that this service accepts in a scope.
    pub fn fees(&self, scope: &Scope, now: i64) -> Vec<Fee> {
        let is_accepted = |fee: &Fee| match fee {
            Fee::Sponsored => self.scope_budget(&scope.address).is_ok() && self.check(scope, now).is_ok(),
            Fee::Key | Fee::InTransaction => self.accepts(*fee),
        };
        Fee::ALL.into_iter().filter(is_accepted).collect()
    }

    /// Returns whether this service accepts a kind of fee at all.
    pub fn accepts(&self, fee: Fee) -> bool {
        match fee {
            Fee::Sponsored => !self.sponsored.is_empty(),
            Fee::Key => !self.keys.is_empty(),
            Fee::InTransaction => self.in_transaction > 0,
        }
    }

    /// Refuses to sponsor scopes whose rent is never returned, and scopes in which a new
    /// registration allows another verification.
    pub fn check(&self, scope: &Scope, now: i64) -> Result<(), RelayError> {
        let is_open_ended =
            scope.mode == ScopeMode::Live || scope.closes_at.saturating_sub(now) > LONGEST_SECONDS;
        if is_open_ended && !self.sponsors_open_ended {
            return Err(RelayError::OpenEnded);
        }
        Ok(())
    }
}

/// Returns the address that stands for a budget. No scope has this address.
fn named_budget(fee: Fee, name: &str) -> Address {
    let name = format!("{}:{name}", fee.as_str());
    Address::new_from_array(blake3::derive_key(BUDGET_CONTEXT, name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::budgets::{InvalidKeyBudget, InvalidSponsored},
        *,
    };

    #[test]
    fn a_budget_of_a_key_is_a_prefix_or_any_with_lamports_and_each_owner_has_their_own() {
        let entry: KeyBudget = "0a1b2c3d = 7".parse().unwrap();
        assert_eq!(
            (entry.owner.as_deref(), entry.lamports_per_day),
            (Some("0a1b2c3d"), 7)
        );
        for text in [
            "",
            "any",
            "0a1b2c3=7",
            "0A1B2C3D=7",
            "0a1b2c3d=-1",
            "0a1b2c3d=7=7",
        ] {
            assert_eq!(text.parse::<KeyBudget>(), Err(InvalidKeyBudget), "{text}");
        }
        let policy = |keys: &[&str]| Policy {
            sponsored: Vec::new(),
            keys: keys.iter().map(|text| text.parse().unwrap()).collect(),
            in_transaction: 0,
            sponsors_open_ended: false,
            min_balance: 0,
            max_open: 1,
            max_open_of_key: 1,
        };
        let all = policy(&["0a1b2c3d=7", "any=5"]);
        let (first, second) = (
            all.key_budget("0a1b2c3d").unwrap(),
            all.key_budget("00000000").unwrap(),
        );
        assert_eq!((first.1, second.1), (7, 5));
        assert_ne!(second.0, all.key_budget("00000001").unwrap().0);
        assert_ne!(first.0, second.0);
        let one = policy(&["0a1b2c3d=7"]);
        assert!(matches!(one.key_budget("00000000"), Err(RelayError::NoKeyBudget)));
    }

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
