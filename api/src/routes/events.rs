use std::{convert::Infallible, ops::RangeInclusive, time::Duration};

use axum::{
    Extension,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use bauta_service_common::{Query, StreamGuard};
use bauta_wire::api::EventDocument;
use futures_util::{StreamExt as _, stream};
use rand::{Rng as _, rngs::OsRng};

use super::{
    event_filter::{EventMessage, EventParameters, EventStream},
    problems::{Failure, ProblemDocument},
    state::Reads,
    tickets::{self, client_of_stream},
};
use crate::limits::Client;

/// The time after which a browser reconnects, at random, so that clients that were disconnected
/// together do not come back together.
const RETRY_MS: RangeInclusive<u64> = 1_000..=5_000;
/// The header with the id of the last event that a client has received.
const LAST_EVENT_ID: &str = "last-event-id";

/// Streams events.
///
/// An event `event` has the name, position, scope, registry and time of an event of the program, as
/// JSON. Its id is a resume token, which every instance accepts with the same filter
/// (`Last-Event-ID` or `after`); a token of another filter is refused. A stream without a token
/// begins now. With the commitment `finalized`, no fork undoes an event. With `confirmed`, the
/// stream has `reverted` after a fork: the events after the token `to` are undone, and those of the
/// other fork follow. A stream of final events has `reverted` only if the operator repairs missing
/// transactions. After 15 seconds without an event, the client gets a new id alone. A stream ends
/// after ten minutes, and the client resumes. A stream with a ticket ends within a second after its
/// API key was revoked. A client that reads too slowly gets `slow`, and
/// resumes. A token is refused (410) after 10,000 further events. Clients without a ticket can have
/// three quarters of all streams (503 `busy`).
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    params(
        EventParameters,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event. Browsers send it when they reconnect"),
    ),
    responses(
        (status = 200, description = "Events `event`, `reverted` and `slow`", body = EventDocument, content_type = "text/event-stream"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key with a ticket; **which scope, registry and events**",
        "keeps": "nothing; a refused token or ticket in the audit log, without the address"
    })))
)]
pub async fn events(
    state: Reads,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Query(parameters): Query<EventParameters>,
) -> Result<Response, Failure> {
    let ticket = parameters.ticket.as_deref();
    let client = client_of_stream(&state, &headers, ticket, tickets::EVENTS, &client.name).await?;
    let last = headers
        .get(LAST_EVENT_ID)
        .map(|last| last.to_str().unwrap_or_default());
    // Before the database is read.
    let guard = client.open(&state.event_streams)?;
    let events = EventStream::open(&state, &parameters, last).await?;
    let retry = Duration::from_millis(OsRng.gen_range(RETRY_MS));
    let first = Event::default().id(events.token()).retry(retry);
    let follower = Follower {
        events,
        _guard: guard,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = event(follower.events.next().await?);
        Some((event, follower))
    });
    // The client has a token from the beginning.
    let events = stream::once(async { first })
        .chain(events)
        .map(Ok::<_, Infallible>);
    let events = events.take_until(client.until_ended(state.shared()));
    Ok(Sse::new(events).into_response())
}

struct Follower {
    events: EventStream,
    /// The stream counts for its client.
    _guard: StreamGuard,
}

fn event(message: EventMessage) -> Event {
    let event = Event::default().id(message.id);
    match message.data {
        // An id without data sets the last id of an `EventSource`, and is no event.
        None => event,
        Some(data) => event.event(message.kind).data(data.to_string()),
    }
}
