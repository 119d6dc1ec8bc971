//! The HTTP routes. Each file has the routes of one resource.
//!
//! A route checks its parameters, calls the domain code and the store, and converts their errors to
//! responses (`problems`). Each route says in `x-discloses` what a request shows to the service and
//! what the service keeps of it; docs/api-service.md has a table that is made from this.

mod accounts;
mod analytics;
mod audit;
mod auth;
mod circuits;
mod cluster_status;
mod clusters;
mod collections;
mod cors;
mod cursor;
mod dashboard;
mod eligibility;
mod event_filter;
mod events;
mod feature_flags;
mod generate;
mod growth;
mod health;
mod holdings;
mod keys;
mod layers;
mod leaves;
mod ledger;
mod nullifiers;
mod ohttp;
mod openapi;
mod operator_metrics;
mod operator_profile;
mod operator_queue;
mod pages;
mod parameters;
mod paths;
mod problems;
mod proving_keys;
mod registrations;
mod registries;
mod relay;
mod relay_events;
mod respond;
mod response_cache;
mod responses;
mod roots;
mod scopes;
mod sponsorship;
mod state;
mod tickets;
mod tiles;
mod uploads;
mod verifications;
mod verifying_keys;
mod webhooks;
mod websocket;
mod zkp;

use std::sync::Arc;

use axum::{
    Extension, Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use bauta_service_common::{Origin, with_fallbacks};
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::respond::Written;
pub use self::{
    dashboard::{Dashboard, DashboardError},
    responses::{MAX_AGE, ResponseCache},
    state::{AppState, PERMISSIONS, PROVE},
};

/// Returns all routes, including their description at `/openapi.json`, and `operations`, routes
/// that the rate limits also apply to, as they do to the dashboard. Pages of the `origins` may send
/// API keys.
pub fn all(state: &Arc<AppState>, operations: Router, dashboard: &Dashboard, origins: Vec<Origin>) -> Router {
    let (described, document) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(cluster_status::cluster_status))
        .routes(routes!(
            feature_flags::feature_flags,
            feature_flags::set_feature_flags
        ))
        .routes(routes!(ohttp::ohttp_keys, ohttp::ohttp_gateway))
        .routes(routes!(clusters::clusters))
        .routes(routes!(clusters::config))
        .routes(routes!(circuits::circuits))
        .routes(routes!(verifying_keys::verifying_key))
        .routes(routes!(proving_keys::proving_key))
        .routes(routes!(registries::registries))
        .routes(routes!(registries::registry))
        .routes(routes!(collections::collections))
        .routes(routes!(roots::roots))
        .routes(routes!(leaves::leaves, uploads::upload))
        .routes(routes!(tiles::tile))
        .routes(routes!(tiles::tiles))
        .routes(routes!(paths::path))
        .routes(routes!(holdings::holdings))
        .routes(routes!(eligibility::eligibility))
        .routes(routes!(registrations::registrations))
        .routes(routes!(growth::anonymity))
        .routes(routes!(growth::growth))
        .routes(routes!(scopes::scopes))
        .routes(routes!(scopes::scope))
        .routes(routes!(nullifiers::nullifiers))
        .routes(routes!(nullifiers::nullifier))
        .routes(routes!(verifications::verifications))
        .routes(routes!(events::events))
        .routes(routes!(websocket::websocket))
        .routes(routes!(tickets::ticket))
        .routes(routes!(relay::relayers, relay::submit))
        .routes(routes!(relay::relayed))
        .routes(routes!(relay_events::relay_events))
        .routes(routes!(zkp::verify))
        .routes(routes!(generate::generate))
        .routes(routes!(generate::proof_job))
        .routes(routes!(zkp::sealing_key))
        .routes(routes!(auth::challenge))
        .routes(routes!(auth::token))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::web_keys))
        .routes(routes!(accounts::account))
        .routes(routes!(accounts::accounts))
        .routes(routes!(accounts::set_roles))
        .routes(routes!(audit::audit_log))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::seals))
        .routes(routes!(ledger::ledger))
        .routes(routes!(ledger::ledger_entries))
        .routes(routes!(operator_queue::operator_queue))
        .routes(routes!(operator_queue::operator_jobs))
        .routes(routes!(operator_queue::operator_workers))
        .routes(routes!(operator_metrics::operator_metrics))
        .routes(routes!(operator_profile::operator_profile))
        .routes(routes!(sponsorship::sponsorship, sponsorship::set_sponsorship))
        .routes(routes!(keys::keys, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(webhooks::webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::delete_webhook))
        .routes(routes!(webhooks::rotate_webhook))
        .routes(routes!(webhooks::enable_webhook))
        .routes(routes!(webhooks::webhook_deliveries))
        .routes(routes!(webhooks::replay_webhook))
        .routes(routes!(analytics::scope_analytics))
        .routes(routes!(analytics::track_analytics))
        .split_for_parts();
    let pages = Arc::new(cors::Pages::new(state.clone(), origins, &document));
    let document = Written::new(&openapi::complete(document)).expect("the document is JSON");
    let described = described
        .route("/openapi.json", get(async move || document))
        .with_state(state.clone());
    // Before the layers, so that the preflights of browsers reach `cors::cors`.
    let inner = with_fallbacks(described)
        .layer(from_fn_with_state(state.clone(), layers::freshness))
        .layer(layers::compression())
        .layer(from_fn_with_state(state.clone(), response_cache::cached))
        .layer(from_fn(layers::conditional))
        .layer(from_fn_with_state(state.clone(), feature_flags::enforce))
        .layer(from_fn_with_state(state.clone(), layers::refuse_wallets));
    // The gateway calls the routes as the client that has sent the encapsulated request.
    inner
        .clone()
        .layer(Extension(ohttp::Routes(inner)))
        .merge(operations)
        .merge(dashboard::routes(dashboard))
        .layer(from_fn_with_state(state.clone(), layers::limit))
        .layer(from_fn(layers::problems))
        .layer(from_fn_with_state(pages, cors::cors))
}
