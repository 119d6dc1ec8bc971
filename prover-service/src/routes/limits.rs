//! How often somebody may ask: an API key, or without one an address.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State as Extract},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bauta_service_common::{AUDIT, Problem, RateLimit, asker};

use super::State;
use crate::settings::Settings;

/// Asked by whoever watches over the service, often.
pub const FREE: &str = "/health";

/// The limits of each who asks; none where the settings have none.
pub struct Limits {
    requests: Option<RateLimit>,
    strangers: Option<RateLimit>,
    proofs: Option<RateLimit>,
}

/// Who asks, in words that limits know.
#[derive(Clone)]
pub struct Asker {
    name: String,
    /// Without an API key, where there are some.
    stranger: bool,
}

impl Limits {
    /// Those of the settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            requests: RateLimit::per_minute(settings.requests_per_minute),
            strangers: RateLimit::per_minute(settings.stranger_requests_per_minute),
            proofs: RateLimit::per_minute(settings.proofs_per_minute),
        }
    }
}

impl State {
    /// Somebody asks for something.
    pub async fn take_request(&self, asker: &Asker) -> Result<(), Problem> {
        let Limits {
            requests, strangers, ..
        } = &self.0.limits;
        let (name, limit) = if asker.stranger {
            ("strangers", strangers)
        } else {
            ("requests", requests)
        };
        self.take(name, limit.as_ref(), asker, NonZeroU32::MIN).await
    }

    /// Somebody asks for so many proofs.
    pub async fn take_proofs(&self, asker: &Asker, proofs: usize) -> Result<(), Problem> {
        let proofs = u32::try_from(proofs).ok().and_then(NonZeroU32::new);
        let limit = self.0.limits.proofs.as_ref();
        self.take("proofs", limit, asker, proofs.unwrap_or(NonZeroU32::MIN))
            .await
    }

    /// Counted in Redis for all instances, or here where there is none.
    async fn take(
        &self,
        name: &str,
        limit: Option<&RateLimit>,
        Asker { name: asker, .. }: &Asker,
        questions: NonZeroU32,
    ) -> Result<(), Problem> {
        let Some(limit) = limit else { return Ok(()) };
        limit.check(questions)?;
        let caches = self.0.prover.caches();
        let wait = caches.wait(name, asker, limit.limit().get(), questions.get());
        match wait.await {
            Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(limit.refusal(wait)),
            None => limit.take(asker, questions),
        }
    }

    fn asker(&self, headers: &HeaderMap, address: IpAddr) -> Asker {
        let keys = self.0.api_keys.as_ref();
        let caller = keys.and_then(|keys| keys.caller(headers));
        Asker {
            stranger: keys.is_some() && caller.is_none(),
            name: caller.map_or_else(|| asker(address), |caller| format!("key {caller}")),
        }
    }
}

/// Around every route.
pub async fn limit(
    Extract(state): Extract<State>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let asker = state.asker(request.headers(), peer.ip());
    if request.uri().path() != FREE
        && let Err(problem) = state.take_request(&asker).await
    {
        tracing::info!(target: AUDIT, event = "rate_limited");
        return problem.into_response();
    }
    request.extensions_mut().insert(asker);
    next.run(request).await
}
