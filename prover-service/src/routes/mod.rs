//! HTTP routes.

mod batch;
mod circuits;
mod events;
mod health;
mod jobs;
mod limits;
mod models;
mod openapi;
mod profiling;
mod prove;
mod queue;
mod reputation;
mod snapshot;
mod verify;
mod websocket;
mod workers;

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    middleware::from_fn_with_state,
    routing::get,
};
use bauta_service_common::{ApiKeys, Caller, Problem};
use bauta_store::Store;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::limits::Limits;
use crate::{circuits::Circuits, events::Events, prover::Prover, queue::Queue};

/// May ask for proofs, and see and take back one's own jobs.
pub const PROVE: &str = "prove";
/// May see what concerns all.
pub const ADMIN: &str = "admin";
/// Every scope of an API key.
pub const SCOPES: [&str; 2] = [PROVE, ADMIN];

/// What the routes work with.
#[derive(Clone)]
pub struct State(pub Arc<Parts>);

/// Its parts.
pub struct Parts {
    /// Circuits with their keys.
    pub circuits: Arc<Circuits>,
    /// Makes proofs here.
    pub prover: Arc<Prover>,
    /// Who may do what; none: everybody.
    pub api_keys: Option<ApiKeys>,
    /// Jobs; none without a database.
    pub queue: Option<Queue>,
    /// News of jobs and requests.
    pub events: Events,
    /// How often somebody may ask.
    pub limits: Limits,
    /// Cancelled when the service is to end.
    pub shutdown: CancellationToken,
    /// When the service started.
    pub started: Instant,
    /// Held by the one who measures.
    pub profiling: tokio::sync::Mutex<()>,
    /// Where clients reach the websocket.
    pub websocket_url: String,
}

impl State {
    /// Whose request it is, if it may do this.
    fn authorise(&self, headers: &HeaderMap, scope: &str) -> Result<Caller, Problem> {
        match &self.0.api_keys {
            Some(keys) => keys.authorise(headers, scope),
            None => Ok(Caller {
                prefix: String::new(),
            }),
        }
    }

    /// Jobs, if there is a database.
    fn queue(&self) -> Result<&Queue, Problem> {
        self.0.queue.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_IMPLEMENTED,
                "no_database",
                "this service has no database (DATABASE_URL), so it has no jobs: prove without \"wait\": false",
            )
        })
    }

    /// The database, if there is one.
    fn store(&self) -> Option<&Store> {
        self.0.queue.as_ref().map(Queue::store)
    }
}

/// Every route, and their description at `/openapi.json`.
pub fn all(state: State) -> Router {
    let (described, document) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(circuits::circuits))
        .routes(routes!(models::models))
        .routes(routes!(prove::prove))
        .routes(routes!(batch::batch))
        .routes(routes!(reputation::generate))
        .routes(routes!(verify::verify))
        .routes(routes!(jobs::job, jobs::cancel))
        .routes(routes!(events::of_job))
        .routes(routes!(events::of_request))
        .routes(routes!(queue::stats))
        .routes(routes!(queue::failed))
        .routes(routes!(snapshot::snapshot))
        .routes(routes!(snapshot::export))
        .routes(routes!(profiling::profile))
        .routes(routes!(workers::stats))
        .routes(routes!(workers::register))
        .split_for_parts();
    let document = Arc::new(openapi::complete(document));
    described
        .route("/openapi.json", get(async move || axum::Json(document)))
        // OpenAPI has no words for websockets.
        .route("/", get(websocket::websocket))
        .route("/ws", get(websocket::websocket))
        .layer(from_fn_with_state(state.clone(), limits::limit))
        .with_state(state)
}
