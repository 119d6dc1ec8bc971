use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use bauta_service_common::{Path, StreamGuard};
use bauta_store::RelayStatus;
use bauta_wire::api::RelayStatusDocument;
use futures_util::{StreamExt as _, stream};
use tokio::{sync::watch, time::Instant};

use super::{
    problems::{self, Failure, ProblemDocument},
    relay::{id, relay, status_document},
    state::Reads,
};
use crate::limits::Client;

/// Time after which a stream ends. The client opens another one.
const MAX_AGE: Duration = Duration::from_mins(10);
/// The header with the id of the last event that a client has received.
const LAST_EVENT_ID: &str = "last-event-id";

/// Streams the states of a relay.
///
/// The stream begins with the present state, and has an event `relay` when the service sees another
/// one. It looks twice a second, so a state that lasts for less can be absent. The stream ends
/// after `finalized`, or after another end of a relay that has no transaction. A relay whose
/// transaction `failed` or `expired` is finalized after all if the ledger finds that it was
/// executed, so its stream stays open for the usual ten minutes. Close the `EventSource` after the
/// last state. If it reconnects, the response is 204, which ends it. A client has at most 16 open
/// streams, and a relay four. The relay's id is the only key, so there are no tickets.
#[utoipa::path(
    get,
    path = "/v1/relay/{relay}/events",
    tag = "relay",
    params(
        ("relay" = String, Path, description = "The relay's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event. Browsers send it when they reconnect"),
    ),
    responses(
        (status = 200, description = "Events `relay`", body = RelayStatusDocument, content_type = "text/event-stream"),
        (status = 204, description = "The client has the last state already (Last-Event-ID)"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which relay**", "keeps": "nothing"})))
)]
pub async fn relay_events(
    state: Reads,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Path(text): Path<String>,
) -> Result<Response, Failure> {
    let id = id(&text)?;
    let status = relay(&state)?.status(id).await?;
    let status = status.ok_or_else(problems::unknown_relay)?;
    let known = headers.get(LAST_EVENT_ID);
    let first = status_document(status.clone());
    if first.is_last() && known.is_some_and(|known| known == &*first.state) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let of_relay = state.streams_of_relays.open(&hex::encode(id));
    let guards = [
        state.streams.open(&client.name)?,
        of_relay.map_err(problems::too_many_streams_of_relay)?,
    ];
    let follower = Follower {
        states: state.relay_watch.follow(id, status),
        last: None,
        end: Instant::now() + MAX_AGE,
        _guards: guards,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next_event().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let events = events.take_until(state.shutdown.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// A stream of one relay.
struct Follower {
    states: watch::Receiver<RelayStatus>,
    /// The state that was sent last.
    last: Option<RelayStatusDocument>,
    end: Instant,
    /// The stream counts for its client and for its relay.
    _guards: [StreamGuard; 2],
}

impl Follower {
    /// Waits for the next change. `None` after the last state, after ten minutes, or if the relay
    /// was deleted.
    async fn next_event(&mut self) -> Option<Event> {
        if self.last.as_ref().is_some_and(RelayStatusDocument::is_last) {
            return None;
        }
        if self.last.is_some() {
            let changed = tokio::time::timeout_at(self.end, self.states.changed()).await;
            changed.ok()?.ok()?;
        }
        let status = self.states.borrow_and_update().clone();
        let document = status_document(status);
        let event = Event::default().event("relay").id(&*document.state);
        let event = event.json_data(&document).ok()?;
        self.last = Some(document);
        Some(event)
    }
}
