//! Server-sent events: what the websocket tells, for clients that only read.

use std::convert::Infallible;

use axum::{
    extract::State as Extract,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use bauta_service_common::{Path, Problem, RequestId};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{PROVE, State, jobs::own_job, openapi::ProblemDocument};
use crate::events::Follower;

/// Which ids a client may give its requests.
pub const ID_RULE: &str = "must be 1 to 64 letters, digits, -, _ or .";

/// A server-sent event.
#[derive(Serialize, ToSchema)]
pub struct EventDocument {
    /// `progress` or, last, `result` or `error`.
    event: String,
    /// JSON: of a progress `stage`, `progress` and `eta_ms`; of a job's result the job as `GET /jobs/{id}` shows it, of a request's `state`; of an error
    /// `code` and `detail`.
    data: String,
}

/// `GET /jobs/{id}/events`: `progress` events from the present state on, then one `result`.
#[utoipa::path(
    get,
    path = "/jobs/{id}/events",
    tag = "jobs",
    security((), ("api_key" = ["prove"])),
    params(("id" = Uuid, Path, description = "The job's id")),
    responses(
        (status = 200, description = "Events `progress` and, last, `result`", body = EventDocument, content_type = "text/event-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn of_job(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    let job = own_job(&state, &caller, id).await?;
    let follower = state.0.events.follow_job(job.id, job.owner);
    Ok(told(follower, state.0.shutdown.clone()))
}

/// `GET /requests/{id}/events`: events as of a job, of a request that waits for its answer: by the id that its client gave it (`x-request-id`), before it
/// comes, while it waits or after. Its result is `{"state"}` alone.
#[utoipa::path(
    get,
    path = "/requests/{id}/events",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    params(("id" = String, Path, description = "1 to 64 letters, digits, -, _ or .", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")),
    responses(
        (status = 200, description = "Events `progress` and, last, `result` or `error`", body = EventDocument, content_type = "text/event-stream"),
    )
)]
pub async fn of_request(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    if !RequestId::allows(id.as_bytes()) {
        return Err(Problem::invalid("id", ID_RULE));
    }
    let follower = state.0.events.follow(id, caller.prefix);
    Ok(told(follower, state.0.shutdown.clone()))
}

/// What a follower is told, until the last of it or the service's end. Nothing is asked for before the client has taken what was said.
fn told(
    follower: Follower,
    shutdown: CancellationToken,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        let told = follower.tell().await;
        let event = Event::default().event(told.event).json_data(told.data).ok()?;
        Some((Ok(event), (!told.last).then_some(follower)))
    });
    Sse::new(events.take_until(shutdown.cancelled_owned())).keep_alive(KeepAlive::default())
}
