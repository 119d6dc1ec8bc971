//! Tickets, with which web pages open streams.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// A request for a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TicketBody {
    /// The route that the ticket is for: `events` or `ws`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^(events|ws)$"))]
    pub route: String,
    /// The origin of the page that will use the ticket. By default the header `Origin`, which
    /// browsers send.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub origin: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketDocument {
    /// The ticket, for the query parameter `ticket`. It can be used once.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub ticket: Secret,
    /// Seconds until the ticket expires.
    pub expires_in: u32,
}
