//! Tickets for websockets and event streams of browsers.

use sqlx::Row;

use crate::{Store, StoreError};

/// Number of expired tickets that are deleted when one is added.
const EXPIRED_BATCH: i64 = 10;

/// What a ticket is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// The prefix of the API key that it was issued for.
    pub prefix: String,
    /// The owner of that key.
    pub owner: String,
    /// The id of the job or of the request.
    pub subject: String,
    /// The origin of the web page that may use it.
    pub origin: String,
}

impl Store {
    /// Adds a ticket with this hash for a number of seconds. Returns `false` and changes nothing if
    /// the owner has `max_by_owner` tickets already. Tickets that are added at the same time can
    /// exceed the limit by their number.
    pub async fn add_ticket(
        &self,
        hash: &[u8; 32],
        ticket: &Ticket,
        seconds: u32,
        max_by_owner: u32,
    ) -> Result<bool, StoreError> {
        let added = sqlx::query(
            // One transaction at a time deletes, so that transactions don't wait for each other.
            "WITH expired AS (
                 DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires_at <= now() LIMIT $1)
                     AND (SELECT pg_try_advisory_xact_lock(hashtext('bauta_expired_tickets'))))
             INSERT INTO tickets (hash, prefix, owner, subject, origin, expires_at)
             SELECT $2, $3, $4, $5, $6, now() + $7::bigint * interval '1 second'
             WHERE (SELECT count(*) FROM tickets WHERE owner = $4 AND expires_at > now()) < $8",
        )
        .bind(EXPIRED_BATCH)
        .bind(hash.as_slice())
        .bind(&ticket.prefix)
        .bind(&ticket.owner)
        .bind(&ticket.subject)
        .bind(&ticket.origin)
        .bind(i64::from(seconds))
        .bind(i64::from(max_by_owner))
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Deletes a ticket and returns it. `None` if it was used before, has expired or never existed.
    pub async fn use_ticket(&self, hash: &[u8; 32]) -> Result<Option<Ticket>, StoreError> {
        let row = sqlx::query(
            "WITH used AS (DELETE FROM tickets WHERE hash = $1 RETURNING *)
             SELECT prefix, owner, subject, origin FROM used WHERE expires_at > now()",
        )
        .bind(hash.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Ticket {
            prefix: row.get("prefix"),
            owner: row.get("owner"),
            subject: row.get("subject"),
            origin: row.get("origin"),
        }))
    }
}
