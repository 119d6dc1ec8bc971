//! One request to a service: headers, limits and repetitions.

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use bauta_wire::api::{IDEMPOTENCY_KEY, ProblemDocument};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{sleep, timeout};

use crate::{
    ApiKey, EventStream, HttpError, Retries, ServiceProblem,
    retry::{Schedule, retry_after},
};

/// The longest document of a service, in bytes.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// The longest error response that is read, in bytes.
const MAX_PROBLEM_BYTES: usize = 64 << 10;
/// The header with the percentile of the client.
const ROLLOUT: &str = "bauta-rollout";
/// The header with the slot that the database must have reached.
const MIN_SLOT: &str = "bauta-min-slot";
/// The header with the id of the last event that the client has.
const LAST_EVENT_ID: &str = "last-event-id";
/// The longest time of a stream. The caller opens another one.
const MAX_STREAM: Duration = Duration::from_hours(24);

/// How a client calls a service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest time for one request and its response.
    pub timeout: Duration,
    /// How often a request is repeated.
    pub retries: Retries,
    /// The percentile of the client, from 0 to 99. While the operator rolls a feature out, only
    /// clients below a percentage use it. Without it, the client is not a part of the rollout.
    pub rollout: Option<u8>,
    /// The slot that the database of the API must have reached: the slot of a transaction whose
    /// effect the client reads.
    pub min_slot: Option<u64>,
    /// The API key or the access token of a login, for the routes that require one.
    pub key: Option<ApiKey>,
}

impl Default for Settings {
    /// Two minutes for a request, four repetitions, no key.
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(2),
            retries: Retries::default(),
            rollout: None,
            min_slot: None,
            key: None,
        }
    }
}

/// A service and how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    client: Client,
    url: Url,
    settings: Settings,
}

/// A body of a request.
#[derive(Clone)]
enum Body {
    None,
    Json(Vec<u8>),
    Octets(&'static str, Vec<u8>),
}

/// One request.
pub(crate) struct Request<'a> {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Body,
    idempotency_key: Option<&'a str>,
    /// Whether a repetition is harmless, although the first request had an effect.
    repeatable: bool,
    /// The header `Last-Event-ID`.
    last_event: Option<&'a str>,
    /// Whether the key is sent.
    keyed: bool,
    /// Whether the route is a part of rollouts.
    switched: bool,
    limit: usize,
}

/// The response to a request that succeeded.
pub(crate) struct Success {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    host: String,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: Body::None,
            idempotency_key: None,
            repeatable: true,
            last_event: None,
            keyed: false,
            switched: false,
            limit: MAX_DOCUMENT_BYTES,
        }
    }

    /// A request with a body whose repetition is harmless.
    pub(crate) fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self, HttpError> {
        let body = serde_json::to_vec(body).map_err(|_| HttpError::InvalidParameter {
            parameter: "the body",
            rule: "must have a JSON form",
        })?;
        Ok(Self {
            method: Method::POST,
            body: Body::Json(body),
            ..Self::get(path)
        })
    }

    /// A request without a body that changes something. Its repetition is harmless.
    pub(crate) fn empty_post(path: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            ..Self::get(path)
        }
    }

    pub(crate) fn octets(path: impl Into<String>, content_type: &'static str, octets: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            body: Body::Octets(content_type, octets),
            ..Self::get(path)
        }
    }

    pub(crate) fn put(path: impl Into<String>, octets: Vec<u8>) -> Self {
        Self {
            method: Method::PUT,
            ..Self::octets(path, "application/octet-stream", octets)
        }
    }

    pub(crate) fn put_json(path: impl Into<String>, body: &impl Serialize) -> Result<Self, HttpError> {
        Ok(Self {
            method: Method::PUT,
            ..Self::post(path, body)?
        })
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(path)
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(crate) const fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    pub(crate) const fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }

    pub(crate) const fn switched(mut self) -> Self {
        self.switched = true;
        self
    }

    /// Adds the id of the last event of a stream that the client has.
    pub(crate) const fn last_event(mut self, id: Option<&'a str>) -> Self {
        self.last_event = id;
        self
    }

    /// Says that a repetition would have a second effect.
    pub(crate) const fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// Adds a key by which the service recognises repetitions. Without one, the request is sent
    /// once.
    pub(crate) const fn idempotent(mut self, key: Option<&'a str>) -> Self {
        self.idempotency_key = key;
        self.repeatable = key.is_some();
        self
    }
}

impl Transport {
    /// Checks the URL. Does not connect.
    pub(crate) fn new(url: &str, settings: Settings) -> Result<Self, HttpError> {
        let mut url = Url::parse(url).map_err(|_| HttpError::InvalidUrl)?;
        if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
            return Err(HttpError::InvalidUrl);
        }
        // A query would be lost when paths are appended.
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let is_local = is_loopback(&url);
        if settings.key.is_some() && url.scheme() != "https" && !is_local {
            let host = url.origin().ascii_serialization();
            return Err(HttpError::UnencryptedKey { host });
        }
        if settings.rollout.is_some_and(|percentile| percentile > 99) {
            return Err(HttpError::InvalidParameter {
                parameter: "rollout",
                rule: "must be from 0 to 99",
            });
        }
        // A redirect would send keys and proofs to another address.
        let mut client = Client::builder()
            .timeout(settings.timeout)
            .redirect(Policy::none());
        if is_local {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().map_err(HttpError::Client)?,
            url,
            settings,
        })
    }

    /// Returns scheme, host and port. The path may contain a key.
    pub(crate) fn host(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Sends a request, and repeats it while it fails for now.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Success, HttpError> {
        let mut schedule = Schedule::new(self.settings.retries);
        loop {
            let error = match self.attempt(request).await {
                Ok(success) => return Ok(success),
                Err(error) => error,
            };
            match schedule.delay(&error, request.repeatable) {
                Some(delay) => sleep(delay).await,
                None => return Err(error),
            }
        }
    }

    /// Sends a request, and decodes the document of the response.
    pub(crate) async fn document<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, HttpError> {
        self.send(request).await?.document()
    }

    fn call(&self, request: &Request<'_>) -> Result<RequestBuilder, HttpError> {
        let mut url = self.url.join(&request.path).map_err(|_| HttpError::InvalidUrl)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut call = self.client.request(request.method.clone(), url);
        call = match request.body.clone() {
            Body::None => call,
            Body::Json(body) => call.header(CONTENT_TYPE, "application/json").body(body),
            Body::Octets(kind, body) => call.header(CONTENT_TYPE, kind).body(body),
        };
        if let Some(key) = request.idempotency_key {
            call = call.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(key) = self.settings.key.as_ref().filter(|_| request.keyed) {
            call = call.header(AUTHORIZATION, key.header()?);
        }
        if let Some(percentile) = self.settings.rollout.filter(|_| request.switched) {
            call = call.header(ROLLOUT, percentile.to_string());
        }
        if let Some(slot) = self.settings.min_slot.filter(|_| request.path.starts_with("v1/")) {
            call = call.header(MIN_SLOT, slot.to_string());
        }
        if let Some(id) = request.last_event {
            call = call.header(LAST_EVENT_ID, id);
        }
        Ok(call)
    }

    /// Opens a stream of events, which is not repeated. `None` if the service has none (204).
    pub(crate) async fn stream(&self, request: &Request<'_>) -> Result<Option<EventStream>, HttpError> {
        let limit = self.settings.timeout;
        // The time limit is for the beginning of the response. The stream has its own.
        let call = self.call(request)?.timeout(MAX_STREAM);
        let sent = timeout(limit, call.send()).await.map_err(|_| HttpError::Silent {
            host: self.host(),
            seconds: limit.as_secs(),
        })?;
        let mut response = sent.map_err(|error| self.unreachable(error))?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(None),
            status if status.is_success() => Ok(Some(EventStream::new(response, self.host(), limit))),
            _ => Err(self.problem(&mut response).await),
        }
    }

    async fn attempt(&self, request: &Request<'_>) -> Result<Success, HttpError> {
        let call = self.call(request)?;
        let mut response = call.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            let body = self.body(&mut response, request.limit).await?;
            let host = self.host();
            return Ok(Success { status, body, host });
        }
        Err(self.problem(&mut response).await)
    }

    /// Reads an error response.
    async fn problem(&self, response: &mut Response) -> HttpError {
        let status = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER);
        let after = after.and_then(|value| retry_after(value.to_str().ok()?));
        // The body of an error only describes it.
        let body = self.body(response, MAX_PROBLEM_BYTES).await.ok();
        let document = body.and_then(|body| serde_json::from_slice::<ProblemDocument>(&body).ok());
        HttpError::Problem(Box::new(ServiceProblem {
            host: self.host(),
            status,
            retry_after: after,
            document,
        }))
    }

    /// Reads a body of at most `limit` bytes. A longer one is not read to its end.
    async fn body(&self, response: &mut Response, limit: usize) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + part.len() > limit {
                let host = self.host();
                return Err(HttpError::TooLong { host, limit });
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    fn unreachable(&self, error: reqwest::Error) -> HttpError {
        HttpError::Unreachable {
            host: self.host(),
            source: error.without_url(),
        }
    }

    pub(crate) fn malformed(&self, reason: impl Into<String>) -> HttpError {
        HttpError::Malformed {
            host: self.host(),
            reason: reason.into(),
        }
    }
}

impl Success {
    pub(crate) fn document<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| HttpError::Malformed {
            host: self.host.clone(),
            reason: error.to_string(),
        })
    }
}

/// Returns `0x` and hexadecimal digits.
pub(crate) fn prefixed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        // A string accepts everything that is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key(url: &str) -> Result<Transport, HttpError> {
        let key = Some(ApiKey::new("key").unwrap());
        Transport::new(
            url,
            Settings {
                key,
                ..Settings::default()
            },
        )
    }

    #[test]
    fn a_key_is_sent_only_with_encryption_or_to_this_machine() {
        for url in [
            "https://a.example",
            "http://127.0.0.1:80",
            "http://[::1]:80",
            "http://localhost",
        ] {
            assert!(with_key(url).is_ok(), "{url}");
        }
        let error = with_key("http://a.example/secret").unwrap_err().to_string();
        assert!(
            error.contains("http://a.example ") && !error.contains("secret"),
            "{error}"
        );
        for url in ["ftp://a.example", "a.example", "", "file:///x"] {
            assert!(matches!(with_key(url), Err(HttpError::InvalidUrl)), "{url}");
        }
    }

    #[test]
    fn a_prefix_of_the_url_is_kept() {
        let transport = with_key("https://a.example/bauta?x=1").unwrap();
        assert_eq!(
            transport.url.join("v1/scopes").unwrap().as_str(),
            "https://a.example/bauta/v1/scopes"
        );
    }
}
