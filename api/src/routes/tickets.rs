//! Tickets, with which web pages open event streams and websockets for an API key.

use std::sync::Arc;

use axum::{
    http::{HeaderMap, header},
    response::Response,
};
use bauta_service_common::{
    AUDIT, InvalidField, InvalidFields, Json, Origin, Problem, StreamError, StreamGuard, Streams,
    TICKET_SECONDS, TicketError, UnreadBody,
};
use bauta_store::Ticket;
use bauta_wire::Secret;
use bauta_wire::api::{TicketBody, TicketDocument};

use super::{
    parameters::kept,
    problems::{Failure, ProblemDocument},
    respond::uncached,
    state::{AppState, READ, Reads},
};
use crate::limits::key_client;

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 8 << 10;
/// Largest length of an origin in bytes.
const MAX_ORIGIN_LENGTH: usize = 256;
/// The routes that accept tickets.
const ROUTES: [&str; 2] = [EVENTS, WEBSOCKET];
/// The event stream.
pub const EVENTS: &str = "events";
/// The websocket.
pub const WEBSOCKET: &str = "ws";

/// Creates a ticket for a web page.
///
/// Pages can't send an API key with an `EventSource` or a websocket. With a ticket, the stream
/// counts for the key and not for the address. A ticket is valid for 30 seconds, once, for one
/// route, and for pages of one origin. The key needs the permission `read`.
#[utoipa::path(
    post,
    path = "/v1/tickets",
    tag = "events",
    security(("api_key" = ["read"])),
    request_body(
        content = TicketBody,
        example = json!({"route": "events", "origin": "https://app.example.org"})
    ),
    responses(
        (status = 200, body = TicketDocument),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key; origin of the page",
        "keeps": "a hash of the ticket, the key's prefix and the origin, until the ticket is used, and otherwise for at least 30 seconds"
    })))
)]
pub async fn ticket(state: Reads, headers: HeaderMap, body: UnreadBody) -> Result<Response, Failure> {
    let caller = state.authorise(&headers, READ).await?;
    let body: TicketBody = body.json(MAX_BODY_BYTES).await?;
    let mut errors = Vec::new();
    let is_route = ROUTES.contains(&body.route.as_str());
    let route = is_route
        .then_some(body.route)
        .ok_or_else(|| InvalidField::new("route", "must be events or ws"));
    let (route, origin) = (
        kept(route, &mut errors),
        kept(origin(body.origin, &headers), &mut errors),
    );
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors.into());
    }
    let issued = state.tickets.issue(Ticket {
        prefix: caller.prefix,
        owner: caller.owner,
        // They are present, because there is no error.
        subject: route.unwrap_or_default(),
        origin: origin.unwrap_or_default(),
    });
    let ticket = issued.await.map_err(Problem::from)?;
    Ok(uncached(Json(TicketDocument {
        ticket: Secret::new(&ticket),
        expires_in: TICKET_SECONDS,
    })))
}

/// The client of a stream.
pub struct StreamClient {
    /// The name that the stream counts for: the owner of the ticket's key, or the client of the
    /// request if it has no ticket.
    pub name: String,
    /// The prefix of the ticket's key.
    key: Option<String>,
}

impl StreamClient {
    /// Counts the stream, until the guard is dropped.
    pub fn open(&self, streams: &Streams) -> Result<StreamGuard, StreamError> {
        if self.key.is_some() {
            streams.open(&self.name)
        } else {
            streams.open_anonymous(&self.name)
        }
    }

    /// Waits until the stream must end: its key is no longer valid, or the service shuts down.
    pub async fn until_ended(self, state: Arc<AppState>) -> Ended {
        let refused = async {
            match &self.key {
                Some(prefix) => state.api_keys.until_refused(prefix, READ).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = state.shutdown.cancelled() => Ended::Shutdown,
            error = refused => {
                tracing::info!(target: AUDIT, event = "stream_ended", code = error.code());
                Ended::KeyRefused
            }
        }
    }
}

/// Why a stream ends before its time.
pub enum Ended {
    /// The service shuts down.
    Shutdown,
    /// The API key of its ticket is no longer valid.
    KeyRefused,
}

/// Returns the client of a stream, whose ticket is used.
pub async fn client_of_stream(
    state: &Reads,
    headers: &HeaderMap,
    ticket: Option<&str>,
    route: &str,
    client: &str,
) -> Result<StreamClient, Failure> {
    let Some(ticket) = ticket else {
        return Ok(StreamClient {
            name: client.to_owned(),
            key: None,
        });
    };
    let redeemed = state.tickets.redeem(ticket, headers).await;
    let redeemed = redeemed.and_then(|ticket| {
        let is_for_route = ticket.subject == route;
        is_for_route.then_some(ticket).ok_or(TicketError::Invalid)
    });
    if let Err(error) = &redeemed {
        let code = error.code();
        tracing::info!(target: AUDIT, event = "ticket_refused", code);
        state.refused("ticket_refused", code, None);
    }
    let ticket = redeemed.map_err(Problem::from)?;
    let checked = state.api_keys.check_again(&ticket.prefix, READ).await;
    if let Err(error) = &checked {
        let code = error.code();
        tracing::info!(target: AUDIT, event = "ticket_refused", code);
        state.refused("ticket_refused", code, None);
    }
    checked.map_err(Problem::from)?;
    Ok(StreamClient {
        name: key_client(&ticket.owner),
        key: Some(ticket.prefix),
    })
}

/// Returns the origin that a ticket is for: the given one, or the one of the header.
fn origin(given: Option<String>, headers: &HeaderMap) -> Result<String, InvalidField> {
    let sent = headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    let origin = match (given, sent) {
        (Some(given), Some(sent)) if given != sent => {
            return Err(InvalidField::new("origin", "must be equal to the header Origin"));
        }
        (Some(given), _) => given,
        (None, Some(sent)) => sent.to_owned(),
        (None, None) => {
            return Err(InvalidField::new(
                "origin",
                "must be the origin of the page, such as https://app.example.org",
            ));
        }
    };
    if origin.len() > MAX_ORIGIN_LENGTH {
        let rule = format!("must have at most {MAX_ORIGIN_LENGTH} bytes");
        return Err(InvalidField::new("origin", rule));
    }
    match origin.parse::<Origin>() {
        Ok(_) => Ok(origin),
        Err(error) => Err(InvalidField::new("origin", error.to_string())),
    }
}
