//! Tickets, with which web pages open websockets and event streams.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use bauta_service_common::{
    Caller, InvalidField, InvalidFields, Json, Origin, Problem, RequestId, TICKET_SECONDS, UnreadBody,
};
use bauta_store::Ticket;
use bauta_wire::Secret;
use bauta_wire::prover::{TicketAnswer, TicketRequest};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    problems::ProblemDocument,
    state::{AppState, MAX_OPERATION_BYTES, PROVE},
};
use crate::audit;

/// Largest length of an origin in bytes.
const MAX_ORIGIN_LENGTH: usize = 256;

/// The query parameter that contains a ticket.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TicketParameter {
    /// A ticket, instead of an API key.
    pub ticket: Option<String>,
}

/// Creates a ticket.
///
/// Web pages can't send an API key with a websocket or an `EventSource`. They use a ticket instead.
/// It is valid for 30 seconds, once, for one job or request, and for pages of one origin.
#[utoipa::path(
    post,
    path = "/tickets",
    tag = "jobs",
    security(("api_key" = ["prove"])),
    request_body = TicketRequest,
    responses(
        (status = 200, body = TicketAnswer),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn ticket(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Json<TicketAnswer>, Problem> {
    let caller = state.identify(&headers, PROVE).await?;
    let request: TicketRequest = body.json(MAX_OPERATION_BYTES).await?;
    let id = RequestId::is_valid(request.id.as_bytes());
    let invalid_id = (!id).then(|| InvalidField::new("id", RequestId::RULE));
    let origin = match checked_origin(request.origin, origin(&headers)) {
        Ok(origin) if id => origin,
        origin => {
            let invalid = invalid_id.into_iter().chain(origin.err());
            return Err(InvalidFields::of(invalid).expect("a field is invalid").into());
        }
    };
    let ticket = Ticket {
        prefix: caller.prefix,
        owner: caller.owner,
        subject: subject(&request.id),
        origin,
    };
    Ok(Json(TicketAnswer {
        ticket: Secret::new(&state.tickets.issue(ticket).await?),
        expires_in_seconds: TICKET_SECONDS,
    }))
}

/// A client that may open a websocket or an event stream.
pub struct StreamCaller {
    /// The client.
    pub caller: Caller,
    /// The id that its ticket is for. `None` with an API key, which is for all ids.
    subject: Option<String>,
}

impl StreamCaller {
    /// Fails if the client's ticket is for another id.
    pub fn check(&self, id: &str) -> Result<(), Problem> {
        match &self.subject {
            Some(allowed) if *allowed != subject(id) => Err(Problem::invalid(
                "requestId",
                "must be the id that the ticket is for",
            )),
            _ => Ok(()),
        }
    }
}

impl AppState {
    /// Returns the client of a websocket or an event stream, by its ticket or its API key.
    pub async fn authorise_stream(
        &self,
        headers: &HeaderMap,
        parameter: &TicketParameter,
    ) -> Result<StreamCaller, Problem> {
        let Some(text) = &parameter.ticket else {
            let caller = self.authorise(headers, PROVE).await?;
            return Ok(StreamCaller {
                caller,
                subject: None,
            });
        };
        let ticket = self.tickets.redeem(text, headers).await;
        let ticket = ticket.inspect_err(|error| audit::ticket_refused(error.code()))?;
        let caller = Caller {
            prefix: ticket.prefix,
            owner: ticket.owner,
            ..Caller::default()
        };
        self.check_again(&caller).await?;
        Ok(StreamCaller {
            caller,
            subject: Some(ticket.subject),
        })
    }
}

/// Returns the origin that a ticket is for: the given one, or the one of the header.
fn checked_origin(given: Option<String>, sent: &str) -> Result<String, InvalidField> {
    let refuse = |rule: String| Err(InvalidField::new("origin", rule));
    let origin = match given {
        Some(given) if !sent.is_empty() && given != sent => {
            return refuse("must be equal to the header Origin".to_owned());
        }
        Some(given) => given,
        None => sent.to_owned(),
    };
    if origin.len() > MAX_ORIGIN_LENGTH {
        return refuse(format!("must have at most {MAX_ORIGIN_LENGTH} bytes"));
    }
    match origin.parse::<Origin>() {
        Ok(_) => Ok(origin),
        Err(error) => refuse(error.to_string()),
    }
}

fn origin(headers: &HeaderMap) -> &str {
    headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .unwrap_or_default()
}

/// Returns an id in the form in which ids are compared: a UUID as the database writes it.
fn subject(id: &str) -> String {
    Uuid::parse_str(id).map_or_else(|_| id.to_owned(), |id| id.to_string())
}
