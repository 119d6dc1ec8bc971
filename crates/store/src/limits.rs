//! The time limits of database sessions.
//!
//! A statement, a wait for a lock or an idle transaction that exceeds its limit is ended by
//! Postgres, so that a process that hangs blocks the others only until then. The store fails with
//! [`StoreError::TimedOut`].

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use crate::StoreError;

/// The time limits of a session. They have a precision of a millisecond, and zero means no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionLimits {
    /// The longest time that a statement can take (`statement_timeout`).
    pub statement: Duration,
    /// The longest wait for a lock (`lock_timeout`).
    pub lock: Duration,
    /// The longest pause between two statements of a transaction
    /// (`idle_in_transaction_session_timeout`). Postgres then closes the session.
    pub idle_in_transaction: Duration,
}

impl Default for SessionLimits {
    /// The limits of a process that writes.
    fn default() -> Self {
        Self {
            statement: Duration::from_mins(5),
            lock: Duration::from_secs(30),
            idle_in_transaction: Duration::from_mins(1),
        }
    }
}

impl SessionLimits {
    /// Adds the limits to the options of a connection. A limit that the URL sets stays as it is.
    pub(crate) fn add_to(self, options: PgConnectOptions) -> PgConnectOptions {
        let of_url = options.get_options().unwrap_or_default().to_owned();
        let limits = [
            ("statement_timeout", self.statement),
            ("lock_timeout", self.lock),
            ("idle_in_transaction_session_timeout", self.idle_in_transaction),
        ];
        let missing = limits
            .into_iter()
            .filter(|(name, _)| !of_url.contains(name))
            .map(|(name, limit)| (name, limit.as_millis()));
        options.options(missing)
    }
}

/// Removes the limits of a session that does work of any length: a migration.
pub async fn lift(connection: &mut PgConnection) -> Result<(), StoreError> {
    set(connection, false).await
}

/// Removes the limits until the end of the transaction.
pub async fn lift_in_transaction(connection: &mut PgConnection) -> Result<(), StoreError> {
    set(connection, true).await
}

/// Removes the limit of a statement until the end of the transaction. The other limits stay.
pub async fn lift_statement_limit(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT set_config('statement_timeout', '0', true)")
        .execute(connection)
        .await?;
    Ok(())
}

async fn set(connection: &mut PgConnection, is_local: bool) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT set_config(name, '0', $1)
         FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name",
    )
    .bind(is_local)
    .execute(connection)
    .await?;
    Ok(())
}
