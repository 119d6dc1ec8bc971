//! Tickets, with which web pages open streams.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// A request for a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// The job's id, or the id that the client gives its request.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")
    )]
    pub id: String,
    /// The origin of the page that will use the ticket. By default the header `Origin`, which
    /// browsers send.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "https://app.example.org", max_length = 256)
    )]
    pub origin: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketAnswer {
    /// The ticket, for the query parameter `ticket` of a websocket or an event stream. It can be
    /// used once.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub ticket: Secret,
    /// Seconds until the ticket expires.
    pub expires_in_seconds: u32,
}
