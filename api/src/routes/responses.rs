//! The responses in memory, and the requests that compute one.
//!
//! ```text
//!   request --> known and new? --yes--> the known response
//!                  no |
//!                     +--> computed now? --yes--> waits for that response, whatever it is
//!                                no |
//!                                   +--> computes it, for all that wait and for a second
//! ```
//!
//! Requests that arrive during a computation have its response, however long it takes. A failure of
//! the service is known for a second as well, so that many clients do not repeat what fails.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bauta_service_common::Problem;

use super::{problems::Failure, respond::SHORT};
use crate::cache::Cache;

/// The longest time for which a response is used. Roots and scopes expire without a change of the
/// database.
pub const MAX_AGE: Duration = Duration::from_secs(1);
/// No page is larger.
const MAX_RESPONSE_BYTES: usize = 4 << 20;
/// Bytes of all responses.
const MAX_BYTES: usize = 16 << 20;
/// Bytes of all failures.
const MAX_FAILURE_BYTES: usize = 1 << 20;
/// Bytes of a response besides its key and its body.
const HEAD_BYTES: usize = 512;

/// The responses that are kept.
pub struct ResponseCache {
    entries: Cache<String, Arc<Entry>>,
    failures: Cache<String, Arc<Entry>>,
    /// The responses that are computed now.
    computed: Mutex<HashMap<String, Arc<Turn>>>,
}

/// Locked while a request computes a response. Then it has the response, and the time of its end.
type Turn = tokio::sync::Mutex<Option<(Instant, Arc<Entry>)>>;

/// A response, and the version of the database before it was computed.
struct Entry {
    headers: HeaderMap,
    body: Bytes,
    /// The problem of an error response.
    problem: Option<Problem>,
    version: u64,
    at: Instant,
}

impl Entry {
    fn response(&self) -> Response {
        let Some(problem) = &self.problem else {
            return (self.headers.clone(), Body::from(self.body.clone())).into_response();
        };
        let mut response = problem.clone().into_response();
        for (name, value) in &self.headers {
            if !response.headers().contains_key(name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

impl Default for ResponseCache {
    fn default() -> Self {
        Self {
            entries: Cache::new(MAX_BYTES),
            failures: Cache::new(MAX_FAILURE_BYTES),
            computed: Mutex::default(),
        }
    }
}

impl ResponseCache {
    /// Drops the responses that are too old. Call it once in [`MAX_AGE`].
    pub fn age(&self) {
        self.entries.age();
        self.failures.age();
    }

    /// Returns the response with a key, and whether another request has computed it. `version` is
    /// that of the database.
    pub async fn once(
        &self,
        key: String,
        version: impl Fn() -> u64,
        compute: impl Future<Output = Response>,
    ) -> (Response, bool) {
        if let Some(known) = self.fresh(&key, version()) {
            return (known, true);
        }
        let arrived = Instant::now();
        let computation = self.compute(&key);
        let mut turn = computation.turn.lock().await;
        if let Some((ended, entry)) = &*turn
            && *ended >= arrived
        {
            return (entry.response(), true);
        }
        let version = version();
        if let Some(known) = self.fresh(&key, version) {
            return (known, true);
        }
        let at = Instant::now();
        let response = compute.await;
        *turn = None;
        let entry = match shared(response, version, at).await {
            Ok(entry) => Arc::new(entry),
            Err(response) => return (*response, false),
        };
        *turn = Some((Instant::now(), entry.clone()));
        let response = entry.response();
        self.insert(key, entry);
        (response, false)
    }

    /// Returns a response that is as good as new, or a failure of less than a second before.
    fn fresh(&self, key: &String, version: u64) -> Option<Response> {
        let kept = self.entries.get(key).filter(|entry| entry.version == version);
        let entry = kept.or_else(|| self.failures.get(key))?;
        (entry.at.elapsed() < MAX_AGE).then(|| entry.response())
    }

    fn insert(&self, key: String, entry: Arc<Entry>) {
        let bytes = key.len() + entry.body.len() + HEAD_BYTES;
        match &entry.problem {
            None => self.entries.insert(key, entry, bytes),
            Some(problem) if problem.status().is_server_error() => {
                let bytes = bytes + problem.detail().len();
                // From its end on, because a failure can take long.
                let at = Instant::now();
                self.failures.insert(key, Arc::new(entry.ended(at)), bytes);
            }
            Some(_) => {}
        }
    }

    /// Counts this request among those that compute a response.
    fn compute(&self, key: &str) -> Computation<'_> {
        let turn = self.computed().entry(key.to_owned()).or_default().clone();
        Computation {
            cache: self,
            key: key.to_owned(),
            turn,
        }
    }

    fn computed(&self) -> MutexGuard<'_, HashMap<String, Arc<Turn>>> {
        self.computed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn ended(&self, at: Instant) -> Self {
        Self {
            headers: self.headers.clone(),
            body: self.body.clone(),
            problem: self.problem.clone(),
            version: self.version,
            at,
        }
    }
}

/// A request that computes a response, or waits for another one that does.
struct Computation<'a> {
    cache: &'a ResponseCache,
    key: String,
    turn: Arc<Turn>,
}

impl Drop for Computation<'_> {
    fn drop(&mut self) {
        let mut computed = self.cache.computed();
        // Its own and that of the map.
        if Arc::strong_count(&self.turn) <= 2 {
            computed.remove(&self.key);
        }
    }
}

/// Reads a response that other clients may have. Returns any other one as it is.
async fn shared(response: Response, version: u64, at: Instant) -> Result<Entry, Box<Response>> {
    let problem = response.extensions().get::<Problem>().cloned();
    let is_shared = match &problem {
        None => may_be_kept(&response),
        Some(problem) => is_for_all(problem.status()),
    };
    if !is_shared {
        return Err(Box::new(response));
    }
    let (parts, body) = response.into_parts();
    let body = match &problem {
        Some(_) => Bytes::new(),
        None => match to_bytes(body, MAX_RESPONSE_BYTES).await {
            Ok(body) => body,
            Err(error) => {
                let failed = Failure::from(Problem::internal(&error));
                return Err(Box::new(failed.into_response()));
            }
        },
    };
    Ok(Entry {
        headers: parts.headers,
        body,
        problem,
        version,
        at,
    })
}

/// Returns whether a response is a document that caches may keep for a second.
fn may_be_kept(response: &Response) -> bool {
    let has = |name: HeaderName, value: HeaderValue| response.headers().get(name) == Some(&value);
    let is_json = has(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.status() == StatusCode::OK && is_json && has(header::CACHE_CONTROL, SHORT)
}

/// Returns whether every client has an error with this status. The others depend on credentials and
/// limits of the client.
fn is_for_all(status: StatusCode) -> bool {
    status.is_server_error()
        || [
            StatusCode::BAD_REQUEST,
            StatusCode::NOT_FOUND,
            StatusCode::CONFLICT,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]
        .contains(&status)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Json;
    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::{
        super::respond::{Document, immutable, uncached},
        *,
    };

    #[test]
    fn a_response_is_kept_only_if_it_is_a_document_that_caches_may_keep() {
        assert!(may_be_kept(&Document(1).into_response()));
        // A route that says nothing about caches can be a private one.
        assert!(!may_be_kept(&Json(1).into_response()));
        assert!(!may_be_kept(&uncached(Json(1))));
        assert!(!may_be_kept(&uncached(Document(1))));
        assert!(!may_be_kept(&immutable("{}", "name")));
        let missing = (StatusCode::NOT_FOUND, Document(1)).into_response();
        assert!(!may_be_kept(&missing));
    }

    fn failed(status: StatusCode) -> Response {
        Problem::new(status, "failed", "it failed").into_response()
    }

    /// Sends `count` requests at once, whose computation ends when the test says so. Returns the
    /// number of computations and the statuses.
    async fn at_once(cache: &ResponseCache, count: usize, response: fn() -> Response) -> (u32, Vec<u16>) {
        let (computed, end) = (AtomicU32::new(0), Notify::new());
        let requests = (0..count).map(|_| {
            let compute = async {
                computed.fetch_add(1, Ordering::Relaxed);
                end.notified().await;
                response()
            };
            async {
                let (response, _) = cache.once("key".to_owned(), || 1, compute).await;
                response.status().as_u16()
            }
        });
        let finish = async {
            // All wait meanwhile. It is longer than a response is used.
            tokio::time::sleep(MAX_AGE + Duration::from_millis(50)).await;
            loop {
                end.notify_one();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let statuses = tokio::select! {
            statuses = join_all(requests) => statuses,
            () = finish => Vec::new(),
        };
        (computed.load(Ordering::Relaxed), statuses)
    }

    #[tokio::test]
    async fn a_computation_that_takes_longer_than_a_second_is_that_of_all_who_wait() {
        let cache = ResponseCache::default();
        let (computed, statuses) = at_once(&cache, 20, || Document(1).into_response()).await;
        assert_eq!((computed, statuses), (1, vec![200; 20]));
    }

    #[tokio::test]
    async fn a_failure_is_that_of_all_who_wait_and_of_those_who_come_within_a_second() {
        let cache = ResponseCache::default();
        let failure: fn() -> Response = || failed(StatusCode::SERVICE_UNAVAILABLE);
        let (computed, statuses) = at_once(&cache, 20, failure).await;
        assert_eq!((computed, statuses), (1, vec![503; 20]));
        let again = cache.once("key".to_owned(), || 2, async { failed(StatusCode::NOT_FOUND) });
        let (response, is_known) = again.await;
        assert_eq!((response.status().as_u16(), is_known), (503, true));
        assert!(response.extensions().get::<Problem>().is_some());
        cache.age();
        cache.age();
        let (response, is_known) = cache
            .once("key".to_owned(), || 2, async { Document(1).into_response() })
            .await;
        assert_eq!((response.status().as_u16(), is_known), (200, false));
    }

    #[tokio::test]
    async fn what_is_missing_is_computed_once_for_those_who_wait_and_again_afterwards() {
        let cache = ResponseCache::default();
        let (computed, statuses) = at_once(&cache, 20, || failed(StatusCode::NOT_FOUND)).await;
        assert_eq!((computed, statuses), (1, vec![404; 20]));
        let created = cache.once("key".to_owned(), || 1, async { Document(1).into_response() });
        assert_eq!(created.await.0.status(), 200);
    }

    #[tokio::test]
    async fn a_response_that_depends_on_the_client_is_shared_with_no_other() {
        for response in [
            (|| failed(StatusCode::FORBIDDEN)) as fn() -> Response,
            || failed(StatusCode::TOO_MANY_REQUESTS),
            || Json(1).into_response(),
        ] {
            let (computed, _) = at_once(&ResponseCache::default(), 3, response).await;
            assert_eq!(computed, 3);
        }
    }

    #[tokio::test]
    async fn a_request_whose_client_disconnects_leaves_the_computation_to_the_next_one() {
        let cache = ResponseCache::default();
        let first = cache.once("key".to_owned(), || 1, std::future::pending());
        let mut first = Box::pin(first);
        let second = cache.once("key".to_owned(), || 1, async { Document(1).into_response() });
        let mut second = Box::pin(second);
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        let (response, is_known) = second.await;
        assert_eq!((response.status().as_u16(), is_known), (200, false));
        assert!(cache.computed().is_empty());
    }
}
