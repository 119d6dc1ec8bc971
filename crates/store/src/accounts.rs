//! Accounts of wallets: their roles.

use std::fmt;

use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row, Transaction};

use crate::values::text_enum;
use crate::{AuditRecord, Store, StoreError, audit};

text_enum! {
    /// What an account may do.
    Role {
        /// Grants roles and revokes every API key.
        Owner = "owner",
        /// Changes what the services do.
        Operator = "operator",
        /// Reads the audit log and the ledger.
        Auditor = "auditor",
        /// Has API keys.
        Developer = "developer",
    }
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Operator, Self::Auditor, Self::Developer];

    /// Returns the role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A keyed hash of a wallet's address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AccountId(pub [u8; 16]);

/// Writes 32 lower-case hexadecimal digits.
impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An account that has a role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The keyed hash of the wallet's address.
    pub id: AccountId,
    /// The roles, without repetition.
    pub roles: Vec<Role>,
}

/// The result of [`Store::set_roles`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RolesSet {
    /// The account has these roles now.
    Set,
    /// Nothing was changed, because no owner would remain.
    LastOwner,
}

impl Store {
    /// Returns the roles of an account. Empty if it is unknown.
    pub async fn roles(&self, account: AccountId) -> Result<Vec<Role>, StoreError> {
        let names: Option<Vec<String>> = sqlx::query_scalar("SELECT roles FROM accounts WHERE id = $1")
            .bind(account.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        parse(&names.unwrap_or_default())
    }

    /// Returns the accounts after an id, at most `limit`, ordered by id.
    pub async fn accounts(&self, after: Option<AccountId>, limit: u16) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query(
            "SELECT id::bytea AS id, roles FROM accounts WHERE $1::bytea IS NULL OR id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.as_ref().map(|id| id.0.as_slice()))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(account).collect()
    }

    /// Returns the accounts that have a role, at most `limit`. Those that are more than a developer
    /// come first.
    pub async fn accounts_with_roles(&self, limit: u16) -> Result<Vec<AccountId>, StoreError> {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT id::bytea FROM accounts ORDER BY roles && ARRAY['owner', 'operator', 'auditor'] DESC, id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        ids.iter().map(|id| account_id(id)).collect()
    }

    /// Gives an account a role in addition to those that it has.
    pub async fn grant_role(
        &self,
        account: AccountId,
        role: Role,
        record: &AuditRecord,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO accounts (id, roles) VALUES ($1, ARRAY[$2])
             ON CONFLICT (id) DO UPDATE SET roles = accounts.roles || excluded.roles
             WHERE NOT accounts.roles @> excluded.roles",
        )
        .bind(account.0.as_slice())
        .bind(role.as_str())
        .execute(&mut *transaction)
        .await?;
        audit::append(&mut transaction, record).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives an account exactly these roles. The API keys of an account that is no developer expire
    /// now, and its webhooks are disabled.
    pub async fn set_roles(
        &self,
        account: AccountId,
        roles: &[Role],
        record: &AuditRecord,
    ) -> Result<RolesSet, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !roles.contains(&Role::Owner) && is_only_owner(&mut transaction, account).await? {
            return Ok(RolesSet::LastOwner);
        }
        let mut names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            sqlx::query("DELETE FROM accounts WHERE id = $1")
                .bind(account.0.as_slice())
                .execute(&mut *transaction)
                .await?;
        } else {
            sqlx::query(
                "INSERT INTO accounts (id, roles) VALUES ($1, $2)
                 ON CONFLICT (id) DO UPDATE SET roles = excluded.roles",
            )
            .bind(account.0.as_slice())
            .bind(&names)
            .execute(&mut *transaction)
            .await?;
        }
        if !roles.contains(&Role::Developer) {
            for statement in [
                "UPDATE api_keys SET expires_at = now() WHERE account = $1 AND expires_at > now()",
                "UPDATE webhooks SET disabled_at = now(), disabled_code = 'role'
                 WHERE account = $1 AND disabled_at IS NULL",
            ] {
                sqlx::query(statement)
                    .bind(account.0.as_slice())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(RolesSet::Set)
    }
}

/// Returns whether an account is an owner and no other is. Concurrent transactions that remove
/// owners wait for each other.
async fn is_only_owner(
    transaction: &mut Transaction<'static, Postgres>,
    account: AccountId,
) -> Result<bool, StoreError> {
    let owners: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT id::bytea FROM accounts WHERE 'owner' = ANY(roles) ORDER BY id FOR UPDATE",
    )
    .fetch_all(&mut **transaction)
    .await?;
    Ok(owners.len() == 1 && owners[0] == account.0)
}

fn account(row: &PgRow) -> Result<Account, StoreError> {
    let id: Vec<u8> = row.get("id");
    let names: Vec<String> = row.get("roles");
    Ok(Account {
        id: account_id(&id)?,
        roles: parse(&names)?,
    })
}

pub fn account_id(column: &[u8]) -> Result<AccountId, StoreError> {
    let id = column.try_into().map(AccountId);
    id.map_err(|_| StoreError::Damaged(format!("an account has {} bytes instead of 16", column.len())))
}

fn parse(names: &[String]) -> Result<Vec<Role>, StoreError> {
    names.iter().map(|name| Role::parse(name)).collect()
}
