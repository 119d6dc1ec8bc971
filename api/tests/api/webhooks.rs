//! Webhooks: signed messages of final events, retries, dead letters, replay, rotation, and the
//! protection of internal addresses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bauta_store::{RegistryKind, ScopeMode, Slot};
use hmac::{Hmac, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use solana_keypair::Keypair;
use tokio::sync::mpsc;

use crate::common::{
    Chain, Running, address, command, text,
    wallets::{access_token, grant, send, with_accounts},
};

const WAIT: Duration = Duration::from_mins(1);
const SETTINGS: [(&str, &str); 2] = [
    (
        "WEBHOOK_KEY",
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    ),
    ("WEBHOOK_NETWORKS", "127.0.0.1"),
];

/// Stands for a receiver that does not answer.
const NO_ANSWER: u16 = 0;

/// A message that the receiver got.
#[derive(Debug)]
struct Message {
    headers: HeaderMap,
    body: String,
}

impl Message {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Returns whether a secret has signed the message.
    fn is_signed_by(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        mac.update(format!("{id}.{timestamp}.{}", self.body).as_bytes());
        let expected = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
        let mut signatures = self.header("webhook-signature").split(' ');
        signatures.any(|signature| signature == expected)
    }
}

/// The server of a client.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    messages: mpsc::UnboundedReceiver<Message>,
}

impl Receiver {
    async fn start() -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        let status = Arc::new(AtomicU16::new(200));
        let receive = |State((sender, status)): State<(mpsc::UnboundedSender<Message>, Arc<AtomicU16>)>,
                       headers: HeaderMap,
                       body: String| async move {
            sender.send(Message { headers, body }).unwrap();
            if status.load(Ordering::SeqCst) == NO_ANSWER {
                std::future::pending::<()>().await;
            }
            StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap()
        };
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state((sender, status.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            status,
            messages,
        }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(WAIT, self.messages.recv())
            .await
            .unwrap()
            .unwrap()
    }
}

/// A chain, a service with webhooks, and a developer.
struct Setting {
    chain: Chain,
    service: Running,
    token: String,
    receiver: Receiver,
}

impl Setting {
    async fn start() -> Self {
        let mut chain = Chain::new().await;
        chain.create(address("registry"), RegistryKind::Managed);
        chain.append(address("registry"), 1);
        for scope in ["scope", "other"] {
            chain.scope(address(scope), address("registry"), ScopeMode::Live);
        }
        chain.apply().await;
        chain.database.store.mark_final(Slot::new(101)).await.unwrap();
        let service = Running::start(&chain.database, &with_accounts(&SETTINGS));
        let wallet = Keypair::new();
        grant(&chain.database.url().unwrap(), &wallet, "developer");
        Self {
            token: access_token(&service, &wallet).await,
            chain,
            service,
            receiver: Receiver::start().await,
        }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.service.request(method, path).bearer_auth(&self.token);
        send(request, body).await
    }

    /// Creates a webhook for events of the scope. Returns its id and its secret.
    async fn create(&self) -> (String, String) {
        let body = json!({
            "url": self.receiver.url, "scope": address("scope").to_string(), "types": ["OwnershipVerified"],
        });
        let (status, new) = self.send(Method::POST, "/v1/webhooks", &body).await;
        assert_eq!(status, 201, "{new}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&new["webhook"]["id"]), text(&new["secret"]))
    }

    async fn verify(&mut self, scopes: &[&str]) {
        for scope in scopes {
            self.chain.verify(address(scope), address("registry"), 7);
        }
        self.chain.apply().await;
    }

    async fn mark_final(&self, slot: u64) {
        let store = &self.chain.database.store;
        store.mark_final(Slot::new(slot)).await.unwrap();
    }

    /// Makes the next attempts due now.
    async fn hurry(&self) {
        sqlx::query("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE state = 'pending'")
            .execute(self.chain.database.pool())
            .await
            .unwrap();
    }

    /// Waits until the only delivery fulfils a condition.
    async fn wait_for(&self, id: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let path = format!("/v1/webhooks/{id}/deliveries");
                let (status, list) = self.send(Method::GET, &path, &json!({})).await;
                assert_eq!(status, 200, "{list}");
                if condition(&list["data"][0]) {
                    return list["data"][0].clone();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(WAIT, found).await.unwrap()
    }

    async fn webhook(&self) -> Value {
        let (status, list) = self.send(Method::GET, "/v1/webhooks", &json!({})).await;
        assert_eq!(status, 200, "{list}");
        list["data"][0].clone()
    }
}

#[tokio::test]
async fn a_final_event_that_a_webhook_wants_is_sent_signed_and_with_a_stable_id() {
    let mut setting = Setting::start().await;
    let (id, secret) = setting.create().await;
    setting.verify(&["other", "scope"]).await;
    setting.verify(&["scope"]).await;
    setting.mark_final(102).await;
    let message = setting.receiver.next().await;
    assert_eq!(message.header("webhook-id"), "102-1-0-0");
    assert_eq!(message.header("content-type"), "application/json");
    assert!(message.is_signed_by(&secret));
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let expected = json!({
        "position": "102.1.0.0", "scope": address("scope").to_string(),
        "registry": address("registry").to_string(), "slot": "102", "timestamp": setting.chain.now,
        "commitment": "finalized",
    });
    assert_eq!(
        (&body["type"], &body["data"]),
        (&json!("OwnershipVerified"), &expected)
    );
    let delivered = setting
        .wait_for(&id, |delivery| delivery["state"] == "delivered")
        .await;
    assert_eq!(
        (
            &delivered["id"],
            &delivered["attempts"],
            &delivered["last_status"]
        ),
        (&json!("102-1-0-0"), &json!(1), &json!(200))
    );
    // The other event of the scope is not final yet.
    setting.mark_final(103).await;
    assert_eq!(setting.receiver.next().await.header("webhook-id"), "103-0-0-0");
    let log = setting.service.log_of_all_requests().await;
    let stored: String = sqlx::query_scalar("SELECT string_agg(w::text, ' ') FROM webhooks w")
        .fetch_one(setting.chain.database.pool())
        .await
        .unwrap();
    let bytes = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    for text in [&secret, &hex::encode(bytes)] {
        assert!(!log.contains(text) && !stored.contains(text));
    }
    assert!(!log.contains(&setting.receiver.url));
}

/// Returns the resume token of the first block of a stream.
fn first_id(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap()
}

#[tokio::test]
async fn a_message_is_sent_again_until_it_is_delivered_or_dead_and_a_replay_sends_it_again() {
    let mut setting = Setting::start().await;
    let filter = format!("?scope={}&types=OwnershipVerified", address("scope"));
    let response = setting.service.response(&format!("/v1/events{filter}")).await;
    let (mut stream, mut text) = (response, String::new());
    while !text.contains("\n\n") {
        text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
    }
    let token = first_id(&text).to_owned();
    let (id, secret) = setting.create().await;
    setting.receiver.answer(500);
    setting.verify(&["scope"]).await;
    setting.mark_final(102).await;
    let first = setting.receiver.next().await;
    let failed = setting
        .wait_for(&id, |delivery| delivery["last_status"] == 500)
        .await;
    assert_eq!(
        (&failed["state"], &failed["last_code"]),
        (&json!("pending"), &json!("refused"))
    );
    // A redirect is not followed.
    setting.receiver.answer(302);
    setting.hurry().await;
    let second = setting.receiver.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    setting
        .wait_for(&id, |delivery| delivery["last_code"] == "redirect")
        .await;
    // The last attempt.
    sqlx::query("UPDATE webhook_deliveries SET attempts = 8, next_attempt_at = now()")
        .execute(setting.chain.database.pool())
        .await
        .unwrap();
    setting.receiver.next().await;
    let dead = setting
        .wait_for(&id, |delivery| delivery["state"] == "dead")
        .await;
    assert_eq!(
        (&dead["attempts"], &dead["next_attempt_at"]),
        (&json!(9), &Value::Null)
    );

    setting.receiver.answer(204);
    let path = format!("/v1/webhooks/{id}/replay");
    let (status, problem) = setting.send(Method::POST, &path, &json!({"from": token})).await;
    assert_eq!(status, 202, "{problem}");
    let third = setting.receiver.next().await;
    assert_eq!(first.header("webhook-id"), third.header("webhook-id"));
    assert!(third.is_signed_by(&secret));
    setting
        .wait_for(&id, |delivery| delivery["state"] == "delivered")
        .await;
    // A token of a stream with another filter.
    let other = setting.service.response("/v1/events").await;
    let (mut stream, mut text) = (other, String::new());
    while !text.contains("\n\n") {
        text += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
    }
    let token = first_id(&text);
    let (status, problem) = setting.send(Method::POST, &path, &json!({"from": token})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("other_stream")));
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_one_before_and_410_disables_a_webhook() {
    let mut setting = Setting::start().await;
    let (id, old) = setting.create().await;
    let path = format!("/v1/webhooks/{id}/rotate");
    let (status, rotated) = setting.send(Method::POST, &path, &json!({})).await;
    assert_eq!(status, 200, "{rotated}");
    let new = rotated["secret"].as_str().unwrap();
    setting.verify(&["scope"]).await;
    setting.mark_final(102).await;
    let message = setting.receiver.next().await;
    assert!(message.is_signed_by(&old) && message.is_signed_by(new));
    sqlx::query("UPDATE webhooks SET previous_until = now()")
        .execute(setting.chain.database.pool())
        .await
        .unwrap();
    setting.receiver.answer(410);
    setting.verify(&["scope"]).await;
    setting.mark_final(103).await;
    let message = setting.receiver.next().await;
    assert!(!message.is_signed_by(&old) && message.is_signed_by(new));
    setting
        .wait_for(&id, |delivery| delivery["state"] == "dead")
        .await;
    assert_eq!(setting.webhook().await["disabled"], "gone");
    setting.receiver.answer(200);
    setting.verify(&["scope"]).await;
    setting.mark_final(104).await;
    let path = format!("/v1/webhooks/{id}/enable");
    let (status, enabled) = setting.send(Method::POST, &path, &json!({})).await;
    assert_eq!((status, &enabled["disabled"]), (200, &Value::Null));
    assert_eq!(setting.receiver.next().await.header("webhook-id"), "104-0-0-0");
    let path = format!("/v1/webhooks/{id}");
    assert_eq!(setting.send(Method::DELETE, &path, &json!({})).await.0, 204);
    let (status, problem) = setting.send(Method::DELETE, &path, &json!({})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_webhook")));
}

#[tokio::test]
async fn a_webhook_at_an_internal_address_is_refused_and_recorded_and_nothing_is_stored() {
    let setting = Setting::start().await;
    for url in [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://2130706434/",
    ] {
        let body = json!({"url": url});
        let (status, problem) = setting.send(Method::POST, "/v1/webhooks", &body).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("private_address")),
            "{url}: {problem}"
        );
        setting
            .service
            .wait_for_line(|line| {
                line["target"] == "audit"
                    && line["code"] == "private_address"
                    && line["request_id"] == problem["request_id"]
            })
            .await;
    }
    let body = json!({"url": "http://example.org/", "scope": "x", "types": ["y"]});
    let (status, problem) = setting.send(Method::POST, "/v1/webhooks", &body).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_input")));
    assert_eq!(setting.webhook().await, Value::Null);
    let stored = async {
        let store = &setting.chain.database.store;
        while !store.audit_log(0, 100).await.unwrap().iter().any(|stored| {
            stored.record.event == "webhook_refused"
                && stored.record.code.as_deref() == Some("private_address")
        }) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT, stored).await.unwrap();
}

#[tokio::test]
async fn another_instance_sends_what_a_killed_one_had_begun_with_the_same_id() {
    let mut setting = Setting::start().await;
    let (id, secret) = setting.create().await;
    setting.receiver.answer(NO_ANSWER);
    setting.verify(&["scope"]).await;
    setting.mark_final(102).await;
    let first = setting.receiver.next().await;
    let begun = setting.wait_for(&id, |delivery| delivery["attempts"] != 0).await;
    assert_eq!(
        (&begun["state"], &begun["last_status"]),
        (&json!("pending"), &Value::Null)
    );
    // The instance is killed during the attempt, and its lease ends.
    let second = Running::start(&setting.chain.database, &with_accounts(&SETTINGS));
    let Setting {
        chain,
        service,
        mut receiver,
        ..
    } = setting;
    drop(service);
    receiver.answer(200);
    sqlx::query("UPDATE webhook_deliveries SET next_attempt_at = now()")
        .execute(chain.database.pool())
        .await
        .unwrap();
    let message = receiver.next().await;
    assert_eq!(message.header("webhook-id"), first.header("webhook-id"));
    assert!(message.is_signed_by(&secret));
    drop(second);
}

/// Number of killed instances without the variable of the drill.
const FEW_KILLS: usize = 2;
/// Number of events before each kill.
const EVENTS_EACH: usize = 3;

/// `cargo xtask drill kills` runs the test with more instances.
#[tokio::test]
async fn instances_that_are_killed_while_webhooks_and_seals_are_written_lose_and_repeat_nothing() {
    let kills = std::env::var("BAUTA_DRILL_KILLS").map_or(FEW_KILLS, |kills| kills.parse().unwrap());
    let mut setting = Setting::start().await;
    let (_, secret) = setting.create().await;
    let url = setting.chain.database.url().unwrap();
    let mut received = Vec::new();
    for _ in 0..kills {
        let next = Running::start(&setting.chain.database, &with_accounts(&SETTINGS));
        setting.verify(&["scope"; EVENTS_EACH]).await;
        setting.mark_final(setting.chain.slot - 1).await;
        grant(&url, &Keypair::new(), "auditor");
        // Both instances send and seal now.
        let first = setting.receiver.next().await;
        assert!(first.is_signed_by(&secret));
        allow_a_seal(&setting).await;
        drop(std::mem::replace(&mut setting.service, next));
        received.push(first);
        // The leases of the killed instance end.
        setting.hurry().await;
    }
    let pool = setting.chain.database.pool().clone();
    let all = kills * EVENTS_EACH;
    let delivered = async {
        loop {
            let delivered: i64 =
                sqlx::query_scalar("SELECT count(*) FROM webhook_deliveries WHERE state = 'delivered'")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
            if usize::try_from(delivered).unwrap() == all {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(WAIT, delivered).await.unwrap();
    while let Ok(message) = setting.receiver.messages.try_recv() {
        received.push(message);
    }
    // A message that was sent again has the id and the body of the first one.
    let mut bodies = std::collections::BTreeMap::new();
    for message in &received {
        let id = message.header("webhook-id").to_owned();
        let known = bodies.entry(id).or_insert(&message.body);
        assert_eq!(*known, &message.body);
        assert!(message.is_signed_by(&secret));
    }
    assert_eq!(bodies.len(), all);

    let sealed = async {
        loop {
            allow_a_seal(&setting).await;
            let is_sealed: bool = sqlx::query_scalar(
                "SELECT coalesce((SELECT max(records) FROM audit_seals) = (SELECT records FROM audit_head), false)",
            )
            .fetch_one(&pool)
            .await
            .unwrap();
            if is_sealed {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(WAIT, sealed).await.unwrap();
    let checked = command(&url, &with_accounts(&[]))
        .arg("check-audit")
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", text(&checked));
}

/// Moves the seals to earlier minutes, so that this minute can have one.
async fn allow_a_seal(setting: &Setting) {
    sqlx::query("UPDATE audit_seals SET minute = records WHERE minute > 1000000")
        .execute(setting.chain.database.pool())
        .await
        .unwrap();
}
