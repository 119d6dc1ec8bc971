//! Server-sent events: the events of the websocket, for clients that only read.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension,
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use bauta_service_common::{Caller, Path, Problem, Query, RequestId, StreamGuard};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    jobs::own_job,
    limits::RateLimitKey,
    problems::{self, ProblemDocument},
    state::AppState,
    tickets::TicketParameter,
};
use crate::events::Subscription;

/// A server-sent event.
#[derive(Serialize, ToSchema)]
pub struct EventDocument {
    /// `progress`, and last `result` or `error`.
    event: String,
    /// JSON. A progress has `stage`, `progress` and `eta_ms`. The result of a job is the job, as in
    /// the response of `GET /jobs/{id}`. The result of a request has `state`. An error has `code`
    /// and `detail`.
    data: String,
}

/// Streams the progress of a job.
///
/// Sends the current progress and all later changes as events `progress`, and at the end one event
/// `result`.
#[utoipa::path(
    get,
    path = "/jobs/{id}/events",
    tag = "jobs",
    security((), ("api_key" = ["prove"])),
    params(("id" = Uuid, Path, description = "The job's id"), TicketParameter),
    responses(
        (status = 200, description = "Events `progress`, and last `result`", body = EventDocument, content_type = "text/event-stream"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn job_events(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Query(ticket): Query<TicketParameter>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let stream = state.authorise_stream(&headers, &ticket).await?;
    stream.check(&id.to_string())?;
    let job = own_job(&state, &stream.caller, id).await?;
    let guard = state
        .streams
        .open(key.client())
        .map_err(problems::too_many_streams)?;
    let subscription = state.events.subscribe_to_job(job.id, job.owner);
    let ended = ended(state, stream.caller);
    Ok(event_stream(subscription, guard, ended))
}

/// Streams the progress of a request.
///
/// Follows a request for a proof by the id that the client gave it in the header `x-request-id`.
/// The stream can be opened before the request is sent, while it is in progress, or after its end.
/// The event `result` contains only `state`.
#[utoipa::path(
    get,
    path = "/requests/{id}/events",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    params(("id" = String, Path, description = "1 to 64 letters, digits, -, _ or .", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$"), TicketParameter),
    responses(
        (status = 200, description = "Events `progress`, and last `result` or `error`", body = EventDocument, content_type = "text/event-stream"),
    )
)]
pub async fn request_events(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(ticket): Query<TicketParameter>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let stream = state.authorise_stream(&headers, &ticket).await?;
    if !RequestId::is_valid(id.as_bytes()) {
        return Err(Problem::invalid("id", RequestId::RULE));
    }
    stream.check(&id)?;
    let guard = state
        .streams
        .open(key.client())
        .map_err(problems::too_many_streams)?;
    let subscription = state.events.subscribe(id, stream.caller.owner.clone());
    let ended = ended(state, stream.caller);
    Ok(event_stream(subscription, guard, ended))
}

/// Waits until the streams of a client must end.
async fn ended(state: Arc<AppState>, caller: Caller) {
    state.until_ended(&caller).await;
}

/// Streams the events of a subscription until the last one, or until `ended`. The next event is read
/// only after the client has received the previous one.
fn event_stream(
    subscription: Subscription,
    guard: StreamGuard,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let open = Some((subscription, guard));
    let events = stream::unfold(open, |open| async move {
        let (mut subscription, guard) = open?;
        let next = subscription.next_event().await;
        let event = Event::default().event(next.event).json_data(next.data).ok()?;
        Some((Ok(event), (!next.is_last).then_some((subscription, guard))))
    });
    Sse::new(events.take_until(ended)).keep_alive(KeepAlive::default())
}
