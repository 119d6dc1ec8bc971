//! Oblivious HTTP: a client reaches the routes through a relay that sees nothing of its requests.

use std::{
    io::Cursor,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    routing::post,
};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{RegistryKind, ScopeMode};
use bhttp::{Message, Mode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{Chain, Running, address, nullifier, number_bytes, ohttp_client::Client, text},
    openapi::{document, routes},
};

const GATEWAY: &str = "/.well-known/ohttp-gateway";
pub const KEY: (&str, &str) = (
    "OHTTP_KEY",
    "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
);

/// A relay between clients and a gateway.
pub struct Relay {
    url: String,
    keys: Vec<u8>,
    http: reqwest::Client,
    passed: Arc<Passed>,
}

/// What passes a relay.
struct Passed {
    gateway: String,
    api_key: Option<String>,
    http: reqwest::Client,
    /// The requests, and the responses.
    bytes: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

/// A response that only the client can read.
#[derive(Debug, PartialEq, Eq)]
pub struct Inner {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Inner {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn code(&self) -> (u16, String) {
        let problem = self.json();
        (
            self.status,
            problem["code"].as_str().unwrap_or_default().to_owned(),
        )
    }
}

async fn pass(State(passed): State<Arc<Passed>>, body: Bytes) -> (StatusCode, Bytes) {
    let mut request = passed
        .http
        .post(&passed.gateway)
        .header(header::CONTENT_TYPE, "message/ohttp-req")
        .body(body.clone());
    if let Some(key) = &passed.api_key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.unwrap();
    let (status, answer) = (response.status(), response.bytes().await.unwrap());
    let both = (body.to_vec(), answer.to_vec());
    passed.bytes.lock().unwrap().push(both);
    (status, answer)
}

impl Relay {
    /// Starts a relay for the gateway of a service, which knows it by an API key or its address.
    pub async fn start(service: &Running, api_key: Option<&str>) -> Self {
        let gateway = service.request(Method::POST, GATEWAY).build().unwrap();
        let keys = service.response(GATEWAY).await;
        assert_eq!(keys.headers()[header::CONTENT_TYPE], "application/ohttp-keys");
        let passed = Arc::new(Passed {
            gateway: gateway.url().to_string(),
            api_key: api_key.map(str::to_owned),
            http: reqwest::Client::new(),
            bytes: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let routes = Router::new().route("/", post(pass)).with_state(passed.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            url,
            keys: keys.bytes().await.unwrap().to_vec(),
            http: reqwest::Client::new(),
            passed,
        }
    }

    /// Sends bytes through the relay. Returns the outer status and the bytes of the response.
    async fn pass(&self, bytes: Vec<u8>) -> (u16, Vec<u8>) {
        let response = self.http.post(&self.url).body(bytes).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.bytes().await.unwrap().to_vec())
    }

    /// Sends a request through the relay. Returns the outer error, or what the client reads.
    pub async fn send(&self, request: &Message) -> Result<Inner, (u16, Value)> {
        let mut bytes = Vec::new();
        request.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
        let (sealed, client) = Client::encapsulate(&self.keys, &bytes);
        let (status, answer) = self.pass(sealed).await;
        if status != 200 {
            return Err((status, serde_json::from_slice(&answer).unwrap()));
        }
        let opened = client.decapsulate(&answer);
        assert!(opened.len().is_power_of_two() && opened.len() >= 1_024);
        let message = Message::read_bhttp(&mut Cursor::new(&opened)).unwrap();
        let content_type = message.header().get(b"content-type").unwrap_or_default();
        Ok(Inner {
            status: message.control().status().unwrap().code(),
            content_type: String::from_utf8(content_type.to_vec()).unwrap(),
            body: message.content().to_vec(),
        })
    }

    async fn get(&self, path: &str) -> Inner {
        self.send(&message("GET", path)).await.unwrap()
    }
}

fn message(method: &str, path: &str) -> Message {
    Message::request(
        method.into(),
        b"https".to_vec(),
        b"api.example".to_vec(),
        path.into(),
    )
}

/// Returns a request with a JSON body.
pub fn json_message(path: &str, body: &Value) -> Message {
    let mut request = message("POST", path);
    request.put_header("content-type", "application/json");
    request.write_content(body.to_string());
    request
}

#[tokio::test]
async fn a_client_reads_through_a_relay_that_sees_nothing_of_it() {
    let mut chain = Chain::new().await;
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("mint"), address("ann"), 7_654_321);
    chain.scope(address("scope"), registry, ScopeMode::Live);
    chain.verify(address("scope"), registry, 7_654_321);
    chain.apply().await;
    let service = Running::start(&chain.database, &[KEY]);
    let relay = Relay::start(&service, None).await;
    let (scope, used) = (address("scope"), nullifier(1));
    let root = chain.root(registry);
    for path in [
        "/v1/registries".to_owned(),
        format!("/v1/registries/{registry}/holdings?prefix=/0"),
        format!("/v1/scopes/{scope}/nullifiers/{used}"),
        format!("/v1/tiles/{root}"),
    ] {
        let direct = service.response(&path).await;
        let (status, body) = (direct.status().as_u16(), direct.bytes().await.unwrap());
        let inner = relay.get(&path).await;
        assert_eq!((inner.status, inner.body), (status, body.to_vec()), "{path}");
        assert_eq!(inner.status, 200, "{path}");
    }
    let body = json!({"proof": format!("0x{}", "7e".repeat(256)), "circuitId": "ownership-v9", "public": {}});
    let refused = relay.send(&json_message("/v1/zkp/verify", &body)).await.unwrap();
    assert_eq!(refused.code(), (400, "invalid_input".to_owned()));
    assert_eq!(refused.content_type, "application/problem+json");

    let shown = [
        registry.to_string(),
        used.to_string(),
        "/v1/registries".to_owned(),
        "7e".repeat(16),
    ];
    let passed = relay.passed.bytes.lock().unwrap().clone();
    assert_eq!(passed.len(), 5);
    for (request, response) in &passed {
        let both = [request.as_slice(), response].concat();
        let text = String::from_utf8_lossy(&both);
        assert!(!shown.iter().any(|shown| text.contains(shown)), "{text}");
        // The header of the encryption and its tag, and a class.
        assert!((response.len() - 48).is_power_of_two(), "{}", response.len());
    }
    // The direct requests are in the log as patterns, and those of the gateway as the gateway.
    let log = service.log();
    assert!(!shown[..2].iter().any(|shown| log.contains(shown)), "{log}");
    let inner_requests = log.matches("\"/v1/zkp/verify\"").count();
    assert_eq!(inner_requests, 0, "{log}");
}

#[tokio::test]
async fn a_small_tree_is_read_whole_through_the_gateway() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Managed);
    chain.append(registry, 600);
    chain.apply().await;
    let service = Running::start(&chain.database, &[KEY, ("ANONYMOUS_TILES_PER_MINUTE", "5")]);
    let relay = Relay::start(&service, None).await;
    let path = format!("/v1/registries/{registry}/roots/{}/leaves", chain.root(registry));
    // A range is no field that the gateway passes on.
    let mut request = message("GET", &path);
    request.put_header("range", "bytes=0-31");
    let inner = relay.send(&request).await.unwrap();
    assert_eq!((inner.status, inner.body.len()), (200, 600 * 32));
    let expected: Vec<u8> = (1..=600).flat_map(number_bytes).collect();
    assert_eq!(inner.body, expected);
    // Its three tiles, without the one that the request of the gateway counts as, are of the relay.
    let again = relay.get(&path).await;
    assert_eq!(again.status, 200);
    assert_eq!(relay.get(&path).await.code(), (429, "rate_limited".to_owned()));
}

#[tokio::test]
async fn what_the_gateway_does_not_serve_has_an_error_that_only_the_client_reads() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[KEY]);
    let relay = Relay::start(&service, None).await;
    for (method, path) in [
        ("GET", "/v1/account".to_owned()),
        ("GET", "/v1/events".to_owned()),
        ("POST", "/v1/auth/challenge".to_owned()),
        ("GET", "/v1/operator/metrics".to_owned()),
        ("PUT", format!("/v1/registries/{}/roots/a/leaves", address("a"))),
        ("GET", format!("/v1/relay/{}/events", "0a".repeat(16))),
        ("POST", GATEWAY.to_owned()),
        ("GET", "/metrics".to_owned()),
        ("DELETE", "/v1/relay".to_owned()),
    ] {
        let inner = relay.send(&message(method, &path)).await.unwrap();
        assert_eq!(
            inner.code(),
            (403, "not_through_ohttp".to_owned()),
            "{method} {path}"
        );
    }
    let garbage = Client::encapsulate(&relay.keys, b"no request");
    let (status, answer) = relay.pass(garbage.0).await;
    assert_eq!(status, 200);
    let opened = garbage.1.decapsulate(&answer);
    let message = Message::read_bhttp(&mut Cursor::new(&opened)).unwrap();
    assert_eq!(message.control().status().unwrap().code(), 400);
}

#[tokio::test]
async fn a_request_that_is_used_or_for_another_key_or_too_large_is_refused_before_it_is_read() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[KEY]);
    let relay = Relay::start(&service, None).await;
    let mut bytes = Vec::new();
    let request = message("GET", "/v1/config");
    request.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
    let (sealed, client) = Client::encapsulate(&relay.keys, &bytes);
    let (status, answer) = relay.pass(sealed.clone()).await;
    assert_eq!(status, 200);
    client.decapsulate(&answer);
    let mut other_key = sealed.clone();
    other_key[0] ^= 0x40;
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (bytes, status, code) in [
        (sealed, 400, "ohttp_request_used"),
        (other_key, 422, "unknown_ohttp_key"),
        (changed, 400, "invalid_ohttp_request"),
        (Vec::new(), 400, "invalid_ohttp_request"),
        (vec![0; (80 << 10) + 1], 413, "body_too_large"),
    ] {
        let (found, answer) = relay.pass(bytes).await;
        let problem: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((found, &problem["code"]), (status, &json!(code)));
        let registered = "https://iana.org/assignments/http-problem-types#ohttp-key";
        let is_of_key = code == "unknown_ohttp_key";
        assert_eq!(problem["type"] == registered, is_of_key, "{problem}");
    }
    let plain = service.request(Method::POST, GATEWAY).json(&json!({}));
    assert_eq!(plain.send().await.unwrap().status(), 415);
    let without = Running::start(&chain.database, &[]);
    let (status, problem) = without.get(GATEWAY).await;
    assert_eq!((status, &problem["code"]), (503, &json!("feature_disabled")));
}

#[tokio::test]
async fn requests_count_for_the_relay_by_its_key_or_its_address() {
    let chain = Chain::new().await;
    let quota = Quota {
        requests_per_minute: Some(20),
        proofs_per_minute: None,
    };
    let key = NewApiKey::random(&["read"], u64::MAX, quota);
    let settings = [
        KEY,
        ("API_KEYS", key.line.as_str()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "4"),
    ];
    let service = Running::start(&chain.database, &settings);
    let (known, unknown) = (
        // Each reads the keys first.
        Relay::start(&service, Some(&key.key)).await,
        Relay::start(&service, None).await,
    );
    let config = message("GET", "/v1/config");
    let refused = async |relay: &Relay, most: usize| {
        for count in 0..most {
            if let Err((status, problem)) = relay.send(&config).await {
                assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
                return count;
            }
        }
        most
    };
    // Counters begin anew during a minute, so a few more requests can pass.
    let of_address = refused(&unknown, 12).await;
    assert!(of_address < 12, "{of_address}");
    assert!(refused(&known, 12).await == 12, "the key has its own limit");
    assert!(refused(&known, 60).await < 60);
}

/// The client of the crate `ohttp`, which is a program of another workspace.
pub struct OtherClient {
    program: String,
    keys: String,
    host: String,
}

impl OtherClient {
    /// Returns a client that sends its requests through a relay.
    pub fn of(relay: &Relay) -> Self {
        let host = relay.url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            program: std::env::var("BAUTA_OHTTP_CLIENT").unwrap(),
            keys: hex::encode(&relay.keys),
            host: host.to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.run(&["GET", path], None).await
    }

    /// Posts JSON, with an API key in the encapsulated request.
    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        self.run(&["POST", path, &body.to_string()], key).await
    }

    async fn run(&self, arguments: &[&str], key: Option<&str>) -> (u16, Value) {
        let mut client = std::process::Command::new(&self.program);
        client.args([&self.keys, &self.host]).args(arguments);
        if let Some(key) = key {
            client.env("API_KEY", key);
        }
        // The relay can run in this thread.
        let output = tokio::task::spawn_blocking(move || client.output().unwrap());
        let output = output.await.unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let printed = String::from_utf8(output.stdout).unwrap();
        let (status, body) = printed.split_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap())
    }
}

#[tokio::test]
#[ignore = "needs a program of another workspace: cargo xtask drill ohttp"]
async fn the_client_of_another_implementation_reads_through_a_relay() {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Holders);
    chain.apply().await;
    let service = Running::start(&chain.database, &[KEY]);
    let relay = Relay::start(&service, None).await;
    let client = OtherClient::of(&relay);
    for path in [
        "/v1/registries",
        "/v1/scopes",
        "/v1/registries/11111111111111111111111111111111",
    ] {
        let (status, mut direct) = service.get(path).await;
        let (inner_status, mut inner) = client.get(path).await;
        for answer in [&mut inner, &mut direct] {
            if let Some(document) = answer.as_object_mut() {
                document.remove("request_id");
            }
        }
        assert_eq!((inner_status, inner), (status, direct), "{path}");
    }
    let (status, problem) = client.post("/v1/zkp/verify", None, &json!({})).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_input")));
    assert_eq!(relay.passed.bytes.lock().unwrap().len(), 4);
}

#[test]
fn the_gateway_serves_routes_that_exist() {
    let described: Vec<String> = routes(&document()).map(|(route, _)| route).collect();
    let served = include_str!("../../src/routes/ohttp/mod.rs");
    let (_, list) = served.split_once("const ROUTES").unwrap();
    let (list, _) = list.split_once("];").unwrap();
    let entries: Vec<(&str, &str)> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(Method::"))
        .map(|line| {
            let (method, rest) = line.split_once(", \"").unwrap();
            (method, rest.trim_end_matches("\"),"))
        })
        .collect();
    assert!(entries.len() > 30);
    for (method, pattern) in entries {
        let method = if method == "HEAD" { "GET" } else { method };
        let is_it = |route: &String| {
            let (its_method, path) = route.split_once(' ').unwrap();
            let (mut path, mut pattern) = (path.split('/'), pattern.split('/'));
            its_method == method
                && path
                    .by_ref()
                    .zip(pattern.by_ref())
                    .all(|(segment, wanted)| segment == wanted || wanted == "*" && segment.starts_with('{'))
                && path.next().is_none()
                && pattern.next().is_none()
        };
        assert!(described.iter().any(is_it), "{method} {pattern}");
    }
}
