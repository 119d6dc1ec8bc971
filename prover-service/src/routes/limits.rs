//! Rate limits of API keys and, for requests without a key, of addresses.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::{AUDIT, Problem, RateLimit, address_key};

use super::state::AppState;
use crate::settings::Settings;

/// The path without a limit. Monitoring requests it often.
pub const UNLIMITED_PATH: &str = "/health";

/// The rate limits. `None` means that there is no limit.
pub struct Limits {
    requests: Option<RateLimit>,
    anonymous_requests: Option<RateLimit>,
    proofs: Option<RateLimit>,
}

/// The client that a request counts for.
#[derive(Clone)]
pub struct RateLimitKey {
    client: String,
    /// The request has no API key, and the service has API keys.
    is_anonymous: bool,
}

impl Limits {
    /// Creates the limits of the settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            requests: RateLimit::per_minute(settings.requests_per_minute),
            anonymous_requests: RateLimit::per_minute(settings.anonymous_requests_per_minute),
            proofs: RateLimit::per_minute(settings.proofs_per_minute),
        }
    }
}

impl AppState {
    /// Counts a request.
    pub async fn take_request(&self, key: &RateLimitKey) -> Result<(), Problem> {
        let Limits {
            requests,
            anonymous_requests,
            ..
        } = &self.limits;
        let (name, limit) = if key.is_anonymous {
            ("anonymous", anonymous_requests)
        } else {
            ("requests", requests)
        };
        self.take(name, limit.as_ref(), key, NonZeroU32::MIN).await
    }

    /// Counts requested proofs.
    pub async fn take_proofs(&self, key: &RateLimitKey, proofs: usize) -> Result<(), Problem> {
        let proofs = u32::try_from(proofs).ok().and_then(NonZeroU32::new);
        let limit = self.limits.proofs.as_ref();
        self.take("proofs", limit, key, proofs.unwrap_or(NonZeroU32::MIN))
            .await
    }

    /// Counts in Redis for all instances, or in this process if Redis is unavailable.
    async fn take(
        &self,
        name: &str,
        limit: Option<&RateLimit>,
        RateLimitKey { client, .. }: &RateLimitKey,
        count: NonZeroU32,
    ) -> Result<(), Problem> {
        let Some(limit) = limit else { return Ok(()) };
        limit.check(count)?;
        let caches = self.prover.caches();
        let wait = caches.take_rate(name, client, limit.limit().get(), count.get());
        match wait.await {
            Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(limit.exceeded(wait).into()),
            None => Ok(limit.take(client, count)?),
        }
    }

    fn rate_limit_key(&self, headers: &HeaderMap, address: IpAddr) -> RateLimitKey {
        let keys = self.api_keys.as_ref();
        let caller = keys.and_then(|keys| keys.caller(headers));
        RateLimitKey {
            is_anonymous: keys.is_some() && caller.is_none(),
            client: caller.map_or_else(|| address_key(address), |caller| format!("key {caller}")),
        }
    }
}

/// Middleware of every route: counts the request, and refuses it if the limit is exceeded.
pub async fn limit(
    State(state): State<Arc<AppState>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let key = state.rate_limit_key(request.headers(), peer.ip());
    if request.uri().path() != UNLIMITED_PATH
        && let Err(problem) = state.take_request(&key).await
    {
        tracing::info!(target: AUDIT, event = "rate_limited");
        return problem.into_response();
    }
    request.extensions_mut().insert(key);
    next.run(request).await
}
