//! Leadership: an advisory lock that lets one replica write at a time.

use sqlx::{Connection, PgConnection, Row};

use crate::{Store, StoreError};

/// The first number of the advisory lock: "baut" in ASCII. The second number is a hash of the
/// schema.
pub const LOCK: i32 = 0x6261_7574;

/// The advisory lock of the replica that writes. The lock belongs to a database session. It is
/// released when this value is dropped, when the process dies or when the server restarts.
///
/// Two replicas that both write do no harm: see [`Store::apply_after`].
#[derive(Debug)]
pub struct Leadership {
    connection: PgConnection,
}

/// A replica that competes for the lock. It keeps its session between two attempts, so that a
/// standby does not open a connection for each of them.
#[derive(Debug)]
pub struct Candidate {
    store: Store,
    connection: Option<PgConnection>,
}

impl Store {
    /// Returns a candidate for the lock. It connects with its first attempt.
    #[must_use]
    pub fn candidate(&self) -> Candidate {
        Candidate {
            store: self.clone(),
            connection: None,
        }
    }
}

impl Candidate {
    /// Takes the lock, if it is free. `None`: another session holds it. After an error, the next
    /// attempt uses a new session.
    pub async fn try_lead(&mut self) -> Result<Option<Leadership>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.store.pool.acquire().await?.detach(),
        };
        let leads: bool = sqlx::query("SELECT pg_try_advisory_lock($1, hashtext(current_schema()))")
            .bind(LOCK)
            .fetch_one(&mut connection)
            .await?
            .get(0);
        if leads {
            return Ok(Some(Leadership { connection }));
        }
        self.connection = Some(connection);
        Ok(None)
    }
}

impl Leadership {
    /// Fails if the session has ended. The lock is then lost.
    pub async fn confirm(&mut self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&mut self.connection).await?;
        Ok(())
    }

    /// Releases the lock. When it returns, another session can take the lock.
    pub async fn resign(mut self) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_advisory_unlock($1, hashtext(current_schema()))")
            .bind(LOCK)
            .execute(&mut self.connection)
            .await?;
        Ok(self.connection.close().await?)
    }
}
