//! One writer at a time: an advisory lock that its holder's session keeps.

use sqlx::{Connection, PgConnection, Row};

use crate::{Store, StoreError};

/// "bauta" and "lead" in ASCII, cut to what fits: the lock's first number; the second is the schema's.
const LOCK: i32 = 0x6261_7574;

/// Being the one that writes. It ends with its database session: when this value is dropped, when the process dies, when
/// the server restarts. What two writers do at once is still right ([`Store::apply_after`]), only wasted.
#[derive(Debug)]
pub struct Leadership {
    connection: PgConnection,
}

impl Store {
    /// Becomes the leader, if nobody is. `None`: somebody else leads.
    pub async fn try_lead(&self) -> Result<Option<Leadership>, StoreError> {
        let mut connection = self.pool.acquire().await?.detach();
        let leads: bool = sqlx::query("SELECT pg_try_advisory_lock($1, hashtext(current_schema()))")
            .bind(LOCK)
            .fetch_one(&mut connection)
            .await?
            .get(0);
        if leads {
            return Ok(Some(Leadership { connection }));
        }
        connection.close().await?;
        Ok(None)
    }
}

impl Leadership {
    /// Fails when the session that holds the lock is gone, and with it the lead.
    pub async fn confirm(&mut self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&mut self.connection).await?;
        Ok(())
    }

    /// Gives the lead up at once.
    pub async fn resign(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await?)
    }
}
