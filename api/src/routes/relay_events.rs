use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    response::sse::{Event, KeepAlive, Sse},
};
use bauta_service_common::{Path, StreamGuard};
use bauta_store::RandomId;
use futures_util::{Stream, StreamExt as _, stream};

use super::{
    layers::Client,
    problems::{self, Failure, ProblemDocument},
    relay::{RelayStatusDocument, id, relay},
    state::Reads,
};

/// Time between two looks at the state.
const INTERVAL: Duration = Duration::from_millis(500);
/// Looks after which a stream ends: ten minutes. The client opens another one.
const MAX_LOOKS: u32 = 1_200;

/// Streams the states of a relay.
///
/// The stream begins with the present state, has an event `relay` for each change, and ends after
/// the last state. A client has at most 16 open streams. The relay's id is the only key, so there
/// are no tickets.
#[utoipa::path(
    get,
    path = "/v1/relay/{relay}/events",
    tag = "relay",
    params(("relay" = String, Path, description = "The relay's id")),
    responses(
        (status = 200, description = "Events `relay`", body = RelayStatusDocument, content_type = "text/event-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which relay**", "keeps": "nothing"})))
)]
pub async fn relay_events(
    state: Reads,
    Extension(Client(client)): Extension<Client>,
    Path(text): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let id = id(&text)?;
    let first = read(&state, id).await?.ok_or_else(problems::unknown_relay)?;
    let guard = state.streams.open(&client)?;
    let shutdown = state.shutdown.clone();
    let follower = Follower {
        state,
        id,
        next: Some(first),
        last: None,
        looks: 0,
        _guard: guard,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next_event().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events.take_until(shutdown.cancelled_owned())).keep_alive(KeepAlive::default()))
}

/// A stream of one relay.
struct Follower {
    state: Reads,
    id: RandomId,
    /// The state that was read and not sent yet.
    next: Option<RelayStatusDocument>,
    /// The state that was sent last.
    last: Option<RelayStatusDocument>,
    looks: u32,
    _guard: StreamGuard,
}

impl Follower {
    /// Waits for the next change. `None` after the last state, after ten minutes, or if the
    /// database is unavailable: then the client opens another stream.
    async fn next_event(&mut self) -> Option<Event> {
        if self.last.as_ref().is_some_and(RelayStatusDocument::is_last) {
            return None;
        }
        loop {
            if let Some(next) = self.next.take()
                && self.last.as_ref() != Some(&next)
            {
                let event = Event::default().event("relay").json_data(&next).ok()?;
                self.last = Some(next);
                return Some(event);
            }
            if self.looks == MAX_LOOKS {
                return None;
            }
            self.looks += 1;
            tokio::time::sleep(INTERVAL).await;
            self.next = Some(read(&self.state, self.id).await.ok()??);
        }
    }
}

async fn read(state: &Reads, id: RandomId) -> Result<Option<RelayStatusDocument>, Failure> {
    let status = relay(state)?.status(id).await?;
    Ok(status.map(RelayStatusDocument::from))
}
