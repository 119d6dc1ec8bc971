//! Tickets for websockets and event streams of browsers.
//!
//! A page can't send an API key with a websocket or an `EventSource`, and a key in a URL would be
//! in logs and in the browser's history. So the page, or a server for it, first requests a ticket
//! with the key. The ticket is in the URL. It is valid for [`TICKET_SECONDS`] seconds, once, for
//! one job or request, and for pages of one origin.
//!
//! Tickets are in the database, so that any instance accepts them. Without a database they are in
//! the memory of the instance.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use bauta_store::{Store, StoreError, Ticket};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};

use crate::{api_keys::to_hex, origins::is_from};

/// Seconds for which a ticket is valid.
pub const TICKET_SECONDS: u32 = 30;
/// Largest number of valid tickets of one owner.
const MAX_BY_OWNER: u32 = 256;
/// Largest number of tickets in memory.
const MAX_LOCAL: usize = 10_000;
/// The beginning of every ticket.
const SCHEME: &str = "bauta_ticket_";

/// Why a ticket can't be issued or used.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// The ticket can't be used, or not for this.
    #[error(
        "the ticket is unknown, was used, has expired, or is for another id or origin: request a new one (POST /tickets)"
    )]
    Invalid,
    /// The owner has too many tickets.
    #[error("the limit is {MAX_BY_OWNER} unused tickets of one client; retry after {TICKET_SECONDS} s")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TicketError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid => "invalid_ticket",
            Self::TooMany => "too_many_tickets",
            Self::Store(_) => "database_away",
        }
    }
}

/// The valid tickets.
#[derive(Default)]
pub struct Tickets {
    store: Option<Store>,
    local: Mutex<HashMap<[u8; 32], LocalTicket>>,
}

struct LocalTicket {
    ticket: Ticket,
    expires_at: Instant,
}

impl Tickets {
    /// Stores tickets in this database, or in memory.
    #[must_use]
    pub fn new(store: Option<Store>) -> Self {
        Self {
            store,
            local: Mutex::default(),
        }
    }

    /// Issues a ticket. Returns the text for the URL.
    pub async fn issue(&self, ticket: Ticket) -> Result<String, TicketError> {
        let mut bytes = [0; 32];
        OsRng.fill_bytes(&mut bytes);
        let text = format!("{SCHEME}{}", to_hex(&bytes));
        let hash = hash(&text);
        let is_added = match &self.store {
            Some(store) => {
                let added = store.add_ticket(&hash, &ticket, TICKET_SECONDS, MAX_BY_OWNER);
                added.await?
            }
            None => self.add_local(hash, ticket),
        };
        if is_added {
            Ok(text)
        } else {
            Err(TicketError::TooMany)
        }
    }

    /// Uses a ticket for a request with these headers. A ticket can be used once, even if it is for
    /// another origin. The caller checks that the ticket's API key is still valid.
    pub async fn redeem(&self, text: &str, headers: &HeaderMap) -> Result<Ticket, TicketError> {
        let hash = hash(text);
        let ticket = match &self.store {
            Some(store) => store.use_ticket(&hash).await?,
            None => self
                .local()
                .remove(&hash)
                .filter(|local| local.expires_at > Instant::now())
                .map(|local| local.ticket),
        };
        ticket
            .filter(|ticket| is_from(headers, &ticket.origin))
            .ok_or(TicketError::Invalid)
    }

    fn add_local(&self, hash: [u8; 32], ticket: Ticket) -> bool {
        let (now, mut tickets) = (Instant::now(), self.local());
        tickets.retain(|_, local| local.expires_at > now);
        let same_owner = |local: &&LocalTicket| local.ticket.owner == ticket.owner;
        let of_owner = tickets.values().filter(same_owner).count();
        if of_owner >= MAX_BY_OWNER as usize || tickets.len() >= MAX_LOCAL {
            return false;
        }
        let expires_at = now + Duration::from_secs(TICKET_SECONDS.into());
        tickets.insert(hash, LocalTicket { ticket, expires_at });
        true
    }

    fn local(&self) -> MutexGuard<'_, HashMap<[u8; 32], LocalTicket>> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(ticket: &str) -> [u8; 32] {
    Sha256::digest(ticket.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn from(origin: &str) -> HeaderMap {
        [(header::ORIGIN, origin.parse().unwrap())].into_iter().collect()
    }

    fn ticket(owner: &str) -> Ticket {
        Ticket {
            prefix: "00000001".to_owned(),
            owner: owner.to_owned(),
            subject: "job".to_owned(),
            origin: "https://app.example.org".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_ticket_can_be_used_once_and_only_by_pages_of_its_origin() {
        let tickets = Tickets::default();
        let text = tickets.issue(ticket("owner")).await.unwrap();
        let used = tickets
            .redeem(&text, &from("https://app.example.org"))
            .await
            .unwrap();
        assert_eq!(used, ticket("owner"));
        assert!(
            tickets
                .redeem(&text, &from("https://app.example.org"))
                .await
                .is_err()
        );
        let text = tickets.issue(ticket("owner")).await.unwrap();
        assert!(
            tickets
                .redeem(&text, &from("https://evil.example"))
                .await
                .is_err()
        );
        assert!(
            tickets
                .redeem(&text, &from("https://app.example.org"))
                .await
                .is_err()
        );
        assert!(
            tickets
                .redeem("", &from("https://app.example.org"))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_ticket_expires_and_one_client_can_not_fill_the_memory() {
        let tickets = Tickets::default();
        let text = tickets.issue(ticket("owner")).await.unwrap();
        tickets
            .local()
            .values_mut()
            .for_each(|local| local.expires_at = Instant::now());
        assert!(
            tickets
                .redeem(&text, &from("https://app.example.org"))
                .await
                .is_err()
        );
        for _ in 0..MAX_BY_OWNER {
            tickets.issue(ticket("owner")).await.unwrap();
        }
        let refused = tickets.issue(ticket("owner")).await;
        assert!(matches!(refused, Err(TicketError::TooMany)));
        tickets.issue(ticket("another")).await.unwrap();
    }
}
