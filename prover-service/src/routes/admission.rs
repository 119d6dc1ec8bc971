//! Counts requests and proofs, and refuses those beyond the rate limits.

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
use bauta_service_common::{Problem, RateLimit, RateLimitError, address_key};

use super::{
    limits::{Limits, PerMinute, RateLimitKey, is_unlimited},
    state::AppState,
};
use crate::prover::client_of_owner;

impl AppState {
    /// Counts a request.
    pub async fn take_request(&self, key: &RateLimitKey) -> Result<(), Problem> {
        let (limit, counter) = (key.limits.requests, &self.limits.requests);
        self.take("requests", limit, counter, key, NonZeroU32::MIN).await
    }

    /// Counts requested proofs.
    pub async fn take_proofs(&self, key: &RateLimitKey, proofs: usize) -> Result<(), Problem> {
        let proofs = u32::try_from(proofs).ok().and_then(NonZeroU32::new);
        let (limit, counter) = (key.limits.proofs, &self.limits.proofs);
        self.take("proofs", limit, counter, key, proofs.unwrap_or(NonZeroU32::MIN))
            .await
    }

    /// Counts in Redis for all instances, or in this process if Redis is unavailable.
    async fn take(
        &self,
        name: &str,
        per_minute: u32,
        counter: &RateLimit,
        RateLimitKey { client, .. }: &RateLimitKey,
        count: NonZeroU32,
    ) -> Result<(), Problem> {
        let Some(per_minute) = NonZeroU32::new(per_minute) else {
            return Ok(());
        };
        RateLimit::check(per_minute, count)?;
        let caches = self.prover.caches();
        let wait = caches.take_rate(name, client, per_minute.get(), count.get());
        match wait.await {
            Some(Duration::ZERO) => Ok(()),
            Some(retry_after) => Err(RateLimitError::Exceeded {
                per_minute,
                retry_after,
            }
            .into()),
            None => Ok(counter.take(client, per_minute, count)?),
        }
    }

    async fn rate_limit_key(&self, headers: &HeaderMap, peer: IpAddr) -> RateLimitKey {
        let Limits {
            by_key, anonymous, ..
        } = self.limits;
        match self.api_keys.caller(headers).await {
            Some(caller) => RateLimitKey {
                client: client_of_owner(&caller.owner),
                owner: caller.owner,
                limits: PerMinute {
                    requests: caller.quota.requests_per_minute.unwrap_or(by_key.requests),
                    proofs: caller.quota.proofs_per_minute.unwrap_or(by_key.proofs),
                },
            },
            None => RateLimitKey {
                client: address_key(self.trusted_proxies.client(peer, headers)),
                owner: String::new(),
                limits: anonymous,
            },
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
    let key = state.rate_limit_key(request.headers(), peer.ip()).await;
    if !is_unlimited(request.uri().path())
        && let Err(problem) = state.take_request(&key).await
    {
        state.refusals.record(key.client(), &key.owner);
        return problem.into_response();
    }
    request.extensions_mut().insert(key);
    next.run(request).await
}
