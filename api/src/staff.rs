//! The accounts that have a role, with a copy in memory.
//!
//! ```text
//!   request with an access token --> its account, not verified --> has a role? --no--> the address
//!                                                                      |
//!                                     the account  <-- signature <--yes+
//! ```
//!
//! The rate limits count requests before anything expensive. So they verify only the tokens of these
//! accounts: everyone can log in with any number of wallets, and send as many tokens. A copy is used
//! for a second. If the database does not answer, the last copy is used, however old it is: it only
//! decides what a request counts for.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use bauta_store::{AccountId, Store};
use tokio::sync::Mutex;

/// The time for which a copy is used, and the time between a read that failed and the next one.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Timeout of a read.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Largest number of accounts in the copy. Requests of further ones count for their addresses.
const MAX_ACCOUNTS: u16 = 10_000;

/// The accounts with a role.
pub struct Staff {
    store: Store,
    copy: Mutex<Copy>,
}

#[derive(Default)]
struct Copy {
    accounts: HashSet<AccountId>,
    /// The time of the last read, whether it failed or not.
    read_at: Option<Instant>,
}

impl Staff {
    /// Reads from a database, which must be the primary. Doesn't connect.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            copy: Mutex::default(),
        }
    }

    /// Returns whether an account had a role less than a second before, or when the database last
    /// answered.
    pub async fn contains(&self, account: AccountId) -> bool {
        let mut copy = self.copy.lock().await;
        if copy.read_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            match tokio::time::timeout(TIMEOUT, self.store.accounts_with_roles(MAX_ACCOUNTS)).await {
                Ok(Ok(accounts)) => copy.accounts = accounts.into_iter().collect(),
                Ok(Err(error)) => tracing::warn!(event = "staff_unavailable", %error),
                Err(_) => tracing::warn!(event = "staff_unavailable", error = "no answer within a second"),
            }
            copy.read_at = Some(Instant::now());
        }
        copy.accounts.contains(&account)
    }
}

#[cfg(test)]
mod tests {
    use bauta_store::{AuditRecord, Role, testing::TestDatabase};

    use super::*;

    #[tokio::test]
    async fn accounts_with_a_role_are_known_and_stay_known_without_the_database() {
        let database = TestDatabase::create().await.unwrap();
        let staff = Staff::new(database.store.clone());
        let (operator, other) = (AccountId([1; 16]), AccountId([2; 16]));
        assert!(!staff.contains(operator).await);
        let record = AuditRecord::of("role_granted", "operator", "test");
        let granted = database.store.grant_role(operator, Role::Operator, &record);
        granted.await.unwrap();
        let read_again = async || staff.copy.lock().await.read_at = None;
        read_again().await;
        assert!(staff.contains(operator).await && !staff.contains(other).await);
        database.pool().close().await;
        read_again().await;
        assert!(staff.contains(operator).await);
    }
}
