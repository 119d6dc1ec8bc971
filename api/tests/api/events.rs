//! Live events: the stream and the websocket, resume tokens across instances and forks, filters,
//! tickets and limits.

use std::time::Duration;

use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{Event, RegistryKind, ScopeMode, Slot};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::common::{Chain, Running, address};

const WAIT: Duration = Duration::from_mins(1);
const PAGE: &str = "https://app.example.org";

/// Returns a chain with a registry and two scopes.
async fn chain() -> Chain {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Managed);
    chain.append(address("registry"), 1);
    for scope in ["scope", "other"] {
        chain.scope(address(scope), address("registry"), ScopeMode::Live);
    }
    chain.apply().await;
    chain
}

/// Applies a slot with a verification in each of these scopes.
async fn verify(chain: &mut Chain, scopes: &[&str]) {
    for scope in scopes {
        chain.verify(address(scope), address("registry"), 7);
    }
    chain.apply().await;
}

/// Goes back to the end of a slot, as the indexer does after a fork.
async fn fork(chain: &mut Chain, slot: u64) {
    let rolled_back = chain.database.store.roll_back_to(Slot::new(slot)).await;
    assert!(rolled_back.unwrap().is_some());
    chain.slot = slot + 1;
}

/// An event stream.
struct Sse {
    response: Response,
    received: String,
}

/// A message of a stream or a websocket.
#[derive(Clone, Debug, PartialEq)]
struct Received {
    kind: String,
    id: String,
    data: Value,
}

impl Received {
    /// Returns the position of an event.
    fn position(&self) -> String {
        assert_eq!(self.kind, "event", "{self:?}");
        self.data["position"].as_str().unwrap().to_owned()
    }
}

impl Sse {
    async fn open(service: &Running, query: &str, last: Option<&str>) -> Self {
        let mut request = service.request(Method::GET, &format!("/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            received: String::new(),
        }
    }

    /// Waits for the next message. An id alone has no kind.
    async fn any(&mut self) -> Received {
        let complete = async {
            while !self.received.contains("\n\n") {
                let chunk = self
                    .response
                    .chunk()
                    .await
                    .unwrap()
                    .expect("the stream has ended");
                self.received += std::str::from_utf8(&chunk).unwrap();
            }
        };
        tokio::time::timeout(WAIT, complete).await.unwrap();
        let (block, rest) = self.received.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let mut lines = block.lines();
            let line = lines.find_map(|line| line.strip_prefix(name));
            line.map_or("", |line| line.trim_start_matches(": ")).to_owned()
        };
        let received = Received {
            kind: field("event"),
            id: field("id"),
            data: serde_json::from_str(&field("data")).unwrap_or_default(),
        };
        let rest = rest.to_owned();
        self.received = rest;
        received
    }

    /// Waits for the next message with data.
    async fn next(&mut self) -> Received {
        loop {
            let received = self.any().await;
            if !received.kind.is_empty() {
                return received;
            }
        }
    }

    /// Waits for events. Returns their positions.
    async fn positions(&mut self, number: usize) -> Vec<String> {
        let mut positions = Vec::new();
        for _ in 0..number {
            positions.push(self.next().await.position());
        }
        positions
    }
}

/// Returns the status and the problem of a request for a stream.
async fn refused(service: &Running, query: &str) -> (u16, Value) {
    service.get(&format!("/v1/events{query}")).await
}

#[tokio::test]
async fn a_subscriber_gets_each_event_once_on_any_instance_also_across_a_fork() {
    let mut chain = chain().await;
    let services = [
        Running::start(&chain.database, &[]),
        Running::start(&chain.database, &[]),
    ];
    let query = format!("?scope={}&commitment=confirmed", address("scope"));
    let mut stream = Sse::open(&services[0], &query, None).await;
    let first = stream.any().await;
    assert!(!first.id.is_empty() && first.kind.is_empty(), "{first:?}");
    verify(&mut chain, &["scope", "other", "scope"]).await;
    verify(&mut chain, &["scope"]).await;
    let event = stream.next().await;
    let expected = json!({
        "type": "OwnershipVerified", "position": "102.0.0.0", "scope": address("scope").to_string(),
        "registry": address("registry").to_string(), "slot": "102", "timestamp": chain.now,
        "commitment": "confirmed",
    });
    assert_eq!(event.data, expected);
    assert_eq!(stream.positions(1).await, ["102.2.0.0"]);
    let undone = stream.next().await;
    assert_eq!(undone.position(), "103.0.0.0");

    // Another instance continues where the first one was.
    let mut resumed = Sse::open(&services[1], &query, Some(&event.id)).await;
    assert_eq!(resumed.positions(2).await, ["102.2.0.0", "103.0.0.0"]);
    let mut from_beginning = Sse::open(&services[1], &format!("{query}&after={}", first.id), None).await;
    assert_eq!(
        from_beginning.positions(3).await,
        ["102.0.0.0", "102.2.0.0", "103.0.0.0"]
    );

    fork(&mut chain, 102).await;
    let mut undone_by = Vec::new();
    for stream in [&mut stream, &mut resumed, &mut from_beginning] {
        let reverted = stream.next().await;
        assert_eq!(reverted.kind, "reverted");
        assert_eq!(reverted.data, json!({"to": reverted.id}));
        undone_by.push(reverted.id);
    }
    // Subscribers that resume between the fork and the next event.
    let mut between = [
        Sse::open(&services[0], &query, Some(&undone_by[0])).await,
        Sse::open(&services[1], &query, Some(&undone_by[0])).await,
    ];
    verify(&mut chain, &["other", "scope"]).await;
    let [first_between, second_between] = &mut between;
    for stream in [
        &mut stream,
        &mut resumed,
        &mut from_beginning,
        first_between,
        second_between,
    ] {
        assert_eq!(stream.positions(1).await, ["103.1.0.0"]);
    }
    // Subscribers that resume after the fork: with an event that it undid, and without one.
    let mut late = Sse::open(&services[0], &query, Some(&undone.id)).await;
    let reverted = late.next().await;
    assert_eq!(reverted.kind, "reverted");
    assert_eq!(late.positions(1).await, ["103.1.0.0"]);
    let mut before = Sse::open(&services[1], &query, Some(&event.id)).await;
    assert_eq!(before.positions(2).await, ["102.2.0.0", "103.1.0.0"]);
    let mut to = Sse::open(&services[1], &query, Some(&reverted.id)).await;
    assert_eq!(to.positions(1).await, ["103.1.0.0"]);
    // An instance that was started after the fork.
    let third = Running::start(&chain.database, &[]);
    let mut restarted = Sse::open(&third, &query, Some(&undone.id)).await;
    assert_eq!(restarted.next().await.kind, "reverted");
    assert_eq!(restarted.positions(1).await, ["103.1.0.0"]);
    verify(&mut chain, &["scope"]).await;
    for stream in [&mut restarted, &mut stream, &mut late, &mut before, &mut to] {
        assert_eq!(stream.positions(1).await, ["104.0.0.0"]);
    }
}

#[tokio::test]
async fn a_subscriber_of_final_events_gets_no_event_that_a_fork_undoes() {
    let mut chain = chain().await;
    let service = Running::start(&chain.database, &[]);
    let query = "?types=OwnershipVerified";
    let mut stream = Sse::open(&service, query, None).await;
    let mut confirmed = Sse::open(&service, "?types=OwnershipVerified&commitment=confirmed", None).await;
    verify(&mut chain, &["scope"]).await;
    verify(&mut chain, &["scope", "other"]).await;
    assert_eq!(
        confirmed.positions(3).await,
        ["102.0.0.0", "103.0.0.0", "103.1.0.0"]
    );
    fork(&mut chain, 102).await;
    verify(&mut chain, &["other"]).await;
    let store = chain.database.store.clone();
    store.mark_final(Slot::new(103)).await.unwrap();
    assert_eq!(stream.positions(1).await, ["102.0.0.0"]);
    let last = stream.next().await;
    assert_eq!(
        (last.position(), &last.data["scope"]),
        ("103.0.0.0".to_owned(), &json!(address("other").to_string()))
    );
    assert_eq!(last.data["commitment"], "finalized");
    // The operator repairs a slot that lacks an event.
    store.roll_back_for_repair(Slot::new(102)).await.unwrap();
    chain.slot = 103;
    verify(&mut chain, &["other", "scope"]).await;
    assert_eq!(stream.next().await.kind, "reverted");
    assert_eq!(stream.positions(2).await, ["103.0.0.0", "103.1.0.0"]);
}

#[tokio::test]
async fn a_filter_selects_scopes_registries_and_names() {
    let mut chain = chain().await;
    let service = Running::start(&chain.database, &[]);
    let (scope, registry) = (address("other"), address("registry"));
    let queries = [
        format!("?commitment=confirmed&scope={scope}"),
        format!("?commitment=confirmed&registry={registry}"),
        format!("?commitment=confirmed&registry={registry}&types=MerkleRootUpdated,ScopeClosed"),
        format!("?commitment=confirmed&registry={}", address("none")),
    ];
    let mut streams = Vec::new();
    for query in &queries {
        streams.push(Sse::open(&service, query, None).await);
    }
    chain.append(registry, 1);
    chain.verify(scope, registry, 7);
    chain.emit(Event::ScopeClosed { scope });
    chain.create(address("none"), RegistryKind::Managed);
    chain.apply().await;
    let expected: [&[&str]; 4] = [
        &["OwnershipVerified", "ScopeClosed"],
        &[
            "LeavesAppended",
            "MerkleRootUpdated",
            "OwnershipVerified",
            "ScopeClosed",
        ],
        &["MerkleRootUpdated", "ScopeClosed"],
        &["RegistryCreated"],
    ];
    for (stream, names) in streams.iter_mut().zip(expected) {
        for name in names {
            assert_eq!(stream.next().await.data["type"], *name);
        }
    }
}

#[tokio::test]
async fn a_resume_token_that_is_of_another_stream_or_expired_is_refused_with_its_own_code() {
    let mut chain = chain().await;
    verify(&mut chain, &["scope"]).await;
    let before = Running::start(&chain.database, &[]);
    let query = format!("?scope={}&commitment=confirmed", address("scope"));
    let token = Sse::open(&before, &query, None).await.any().await.id;
    for other in [
        format!("?scope={}&commitment=confirmed", address("other")),
        format!("?scope={}", address("scope")),
        format!("?registry={}&commitment=confirmed", address("scope")),
        "?commitment=confirmed".to_owned(),
    ] {
        let separated = format!("{other}&after={token}");
        let (status, problem) = refused(&before, &separated).await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("other_stream")),
            "{other}"
        );
        before
            .wait_for_line(|line| {
                line["target"] == "audit"
                    && line["code"] == "other_stream"
                    && line["request_id"] == problem["request_id"]
            })
            .await;
    }
    let stored = async {
        loop {
            let records = chain.database.store.audit_log(0, 10).await.unwrap();
            if records.len() == 4 {
                return records;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    for stored in tokio::time::timeout(WAIT, stored).await.unwrap() {
        assert_eq!(stored.record.event, "resume_refused");
        assert_eq!(stored.record.code.as_deref(), Some("other_stream"));
    }
    let (status, problem) = refused(&before, "?scope=x&registry=y&types=z&commitment=w&after=v").await;
    let fields: Vec<&Value> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(status, 400);
    assert_eq!(fields, ["scope", "registry", "commitment", "types", "after"]);
    // An instance that does not know all rollbacks since the token.
    sqlx::query(
        "INSERT INTO rewinds (slot, transaction_index, instruction_index, inner_index)
         SELECT 101, 0, 0, 0 FROM generate_series(1, 1001)",
    )
    .execute(chain.database.pool())
    .await
    .unwrap();
    let after = Running::start(&chain.database, &[]);
    let (status, problem) = refused(&after, &format!("{query}&after={token}")).await;
    assert_eq!((status, &problem["code"]), (410, &json!("resume_expired")));
}

#[tokio::test]
async fn a_client_has_a_bounded_number_of_streams_and_all_clients_have_one() {
    let chain = chain().await;
    let settings = [
        ("EVENT_STREAMS_PER_CLIENT", "2"),
        ("EVENT_STREAMS", "3"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "0"),
    ];
    let service = Running::start(&chain.database, &settings);
    let open = async |address: &str| {
        let response = service.get_with("/v1/events", "x-forwarded-for", address).await;
        (response.status().as_u16(), response)
    };
    let streams = [open("192.0.2.1").await, open("192.0.2.1").await];
    assert!(streams.iter().all(|(status, _)| *status == 200));
    let (status, response) = open("192.0.2.1").await;
    let problem: Value = response.json().await.unwrap();
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_streams")));
    let (status, third) = open("192.0.2.2").await;
    assert_eq!(status, 200);
    let (status, response) = open("192.0.2.3").await;
    let problem: Value = response.json().await.unwrap();
    assert_eq!((status, &problem["code"]), (503, &json!("busy")));
    drop((streams, third));
    let free = async {
        while open("192.0.2.1").await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT, free).await.unwrap();
}

/// A websocket.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a websocket from a page. `None` if it is refused.
    async fn try_open(service: &Running, query: &str) -> Option<Self> {
        let url = format!("ws://{}/v1/ws{query}", service.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", PAGE.parse().unwrap());
        connect_async(request).await.ok().map(|(socket, _)| Self(socket))
    }

    async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Waits for the next message that is no heartbeat.
    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(WAIT, self.0.next()).await.unwrap();
            let message = message.unwrap().unwrap();
            let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if message["type"] != "heartbeat" {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn a_websocket_has_the_events_of_its_subscription_and_resumes_with_the_tokens_of_streams() {
    let mut chain = chain().await;
    let service = Running::start(&chain.database, &[]);
    let mut socket = Socket::try_open(&service, "").await.unwrap();
    let subscription =
        json!({"type": "subscribe", "scope": address("scope").to_string(), "commitment": "confirmed"});
    // A socket without a subscription is closed after some time, so it comes first.
    socket.send(&subscription).await;
    let subscribed = socket.next().await;
    assert_eq!(subscribed["type"], "subscribed", "{subscribed}");
    for (message, code) in [
        (json!({"type": "subscribe", "scope": "x"}), "invalid_input"),
        (json!({"type": "other"}), "invalid_input"),
        (json!({"type": "subscribe", "more": 1}), "invalid_input"),
    ] {
        socket.send(&message).await;
        let error = socket.next().await;
        assert_eq!(
            (&error["type"], &error["data"]["code"]),
            (&json!("error"), &json!(code)),
            "{error}"
        );
        assert_eq!(
            error["data"]["errors"][0]["rule"], error["data"]["rule"],
            "{error}"
        );
        assert!(error["data"]["rule"].is_string(), "{error}");
    }
    verify(&mut chain, &["scope", "other"]).await;
    let event = socket.next().await;
    assert_eq!(
        (&event["type"], &event["data"]["position"]),
        (&json!("event"), &json!("102.0.0.0"))
    );
    fork(&mut chain, 101).await;
    verify(&mut chain, &["other", "scope"]).await;
    let reverted = socket.next().await;
    assert_eq!(
        (&reverted["type"], &reverted["data"]["to"]),
        (&json!("reverted"), &reverted["id"])
    );
    assert_eq!(socket.next().await["data"]["position"], "102.1.0.0");
    // The token of the websocket is one of the stream, and the other way round.
    let query = format!("?scope={}&commitment=confirmed", address("scope"));
    let mut stream = Sse::open(&service, &query, event["id"].as_str()).await;
    assert_eq!(stream.next().await.kind, "reverted");
    let last = stream.next().await;
    let mut resumed = subscription.clone();
    resumed["after"] = json!(last.id);
    socket.send(&resumed).await;
    assert_eq!(socket.next().await, json!({"type": "subscribed", "id": last.id}));
    let mut other = subscription;
    other["scope"] = json!(address("other").to_string());
    other["after"] = json!(last.id);
    socket.send(&other).await;
    assert_eq!(socket.next().await["data"]["code"], "other_stream");
    // The subscription before remains.
    verify(&mut chain, &["scope"]).await;
    assert_eq!(socket.next().await["data"]["position"], "103.0.0.0");
    // A client that sends only what is refused is disconnected.
    for _ in 0..16 {
        socket.send(&json!({"type": "other"})).await;
        assert_eq!(socket.next().await["type"], "error");
    }
    let closed = tokio::time::timeout(WAIT, socket.0.next()).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = closed else {
        panic!("{closed:?}");
    };
    assert_eq!(frame.reason.as_str(), "too many messages were refused");
}

#[tokio::test]
async fn a_ticket_opens_one_stream_of_its_route_from_a_page_of_its_origin_while_its_key_is_valid() {
    let chain = chain().await;
    let key = NewApiKey::for_pages(&["read"], 4_000_000_000, &[PAGE.parse().unwrap()]);
    assert!(chain.database.store.add_api_key(&key.row).await.unwrap());
    let server = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let settings = [
        ("EVENT_STREAMS_PER_CLIENT", "1"),
        ("API_KEYS", server.line.as_str()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "0"),
        ("REQUESTS_PER_MINUTE", "0"),
    ];
    let service = Running::start(&chain.database, &settings);
    let issue = async |key: &str, body: Value| {
        let request = service
            .request(Method::POST, "/v1/tickets")
            .header("origin", PAGE);
        let response = request.bearer_auth(key).json(&body).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let ticket = async |route: &str| {
        let (status, body) = issue(&key.key, json!({"route": route})).await;
        assert_eq!((status, &body["expires_in"]), (200, &json!(30)), "{body}");
        body["ticket"].as_str().unwrap().to_owned()
    };
    let (status, problem) = issue(&key.key, json!({"route": "x", "origin": "https://other.example"})).await;
    let fields: Vec<&Value> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(
        (status, &fields[..]),
        (400, &[&json!("route"), &json!("origin")][..])
    );
    let (status, problem) = issue(&server.key, json!({"route": "events"})).await;
    assert_eq!((status, &problem["code"]), (403, &json!("missing_permission")));

    let open = async |ticket: &str, origin: &str| {
        let path = format!("/v1/events?ticket={ticket}");
        service.get_with(&path, "origin", origin).await
    };
    let text = ticket("events").await;
    let stream = open(&text, PAGE).await;
    assert_eq!(stream.status(), 200);
    // The stream counts for the owner of the key, and not for the address.
    let anonymous = service.response("/v1/events").await;
    assert_eq!(anonymous.status(), 200);
    let second = open(&ticket("events").await, PAGE).await;
    assert_eq!(second.status(), 429);
    let (used, of_websocket, elsewhere) = (text, ticket("ws").await, ticket("events").await);
    for (ticket, origin) in [
        (&used, PAGE),
        (&of_websocket, PAGE),
        (&elsewhere, "https://other.example"),
    ] {
        let response = open(ticket, origin).await;
        assert_eq!(response.status(), 401);
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], "invalid_ticket");
        service
            .wait_for_line(|line| line["target"] == "audit" && line["request_id"] == problem["request_id"])
            .await;
    }
    drop(stream);
    let text = ticket("ws").await;
    let opened = async {
        loop {
            let query = format!("?ticket={}", ticket("ws").await);
            if let Some(socket) = Socket::try_open(&service, &query).await {
                return socket;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let socket = tokio::time::timeout(WAIT, opened).await.unwrap();
    drop(socket);
    // A revoked key's tickets.
    assert!(
        chain
            .database
            .store
            .revoke_api_key(&key.row.prefix)
            .await
            .unwrap()
    );
    let refused = async {
        loop {
            let response = issue(&key.key, json!({"route": "ws"})).await;
            if response.0 == 401 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT, refused).await.unwrap();
    let query = format!("?ticket={text}");
    assert!(Socket::try_open(&service, &query).await.is_none());
}

/// Clients that were disconnected together must not come back together.
#[tokio::test]
async fn the_streams_of_an_instance_have_different_times_to_reconnect() {
    let chain = chain().await;
    let service = Running::start(&chain.database, &[]);
    let mut times = std::collections::BTreeSet::new();
    for _ in 0..12 {
        let mut response = service.response("/v1/events").await;
        let mut received = String::new();
        let first = async {
            while !received.contains("\n\n") {
                let chunk = response.chunk().await.unwrap().unwrap();
                received += std::str::from_utf8(&chunk).unwrap();
            }
        };
        tokio::time::timeout(WAIT, first).await.unwrap();
        let retry = received.lines().find_map(|line| line.strip_prefix("retry:"));
        let milliseconds: u64 = retry.unwrap().trim().parse().unwrap();
        assert!((1_000..=5_000).contains(&milliseconds), "{received}");
        times.insert(milliseconds);
    }
    // Twelve equal numbers of 4,001 do not happen.
    assert!(times.len() > 1, "{times:?}");
}
