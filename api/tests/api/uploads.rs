//! Trees of attested registries, which their authorities upload.

use std::time::Duration;

use bauta_primitives::{FieldElement, Root, tree::Depth};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{
    Batch, Event, EventRecord, Position, RegistryKind, Sequence, Slot,
    event::{MerkleRootUpdated, RegistryCreated, TreeChange, TreeChangeKind},
};
use futures_util::StreamExt as _;
use reqwest::{Method, header};
use serde_json::{Value, json};
use solana_signature::Signature;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use crate::common::{Chain, Running, address, number_bytes, poseidon};

/// A service with an API key for trees.
pub struct Uploads {
    pub service: Running,
    pub key: String,
    /// A key with another permission.
    pub other_key: String,
}

/// Starts a service whose upload connection has the role for uploads, and all others that of the
/// API.
pub fn start(chain: &Chain, environment: &[(&str, &str)]) -> Uploads {
    let new = NewApiKey::random(&["trees"], u64::MAX, Quota::default());
    let other = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let keys = format!("{},{}", new.line, other.line);
    let url = chain.database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let with_role = |role: &str| format!("{url}{separator}options=-c%20role%3D{role}");
    let upload = with_role("bauta_uploads");
    let mut all = vec![
        ("API_KEYS", keys.as_str()),
        ("UPLOAD_DATABASE_URL", upload.as_str()),
    ];
    // An empty value removes a variable.
    all.retain(|(name, _)| !environment.iter().any(|(other, _)| other == name));
    all.extend(environment.iter().filter(|(_, value)| !value.is_empty()));
    Uploads {
        service: Running::start_at(&with_role("bauta_api"), &all),
        key: new.key.to_string(),
        other_key: other.key.to_string(),
    }
}

impl Uploads {
    /// Uploads bytes as the tree of a root. Returns the status and the code of an error.
    pub async fn put(&self, root: &str, body: Vec<u8>) -> (u16, Value) {
        let path = format!("/v1/registries/{}/roots/{root}/leaves", address("registry"));
        let request = self
            .service
            .request(Method::PUT, &path)
            .bearer_auth(&self.key)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

fn leaves(count: u64) -> Vec<[u8; 32]> {
    (1..=count).map(number_bytes).collect()
}

#[tokio::test]
async fn an_uploaded_tree_is_served_if_it_gives_the_published_root_and_else_nothing_is_stored() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(300));
    chain.apply().await;
    let uploads = start(&chain, &[]);
    let root = chain.root(registry).to_string();
    let path = format!("/v1/registries/{registry}/roots/{root}/leaves");
    let bytes = leaves(300).concat();
    let mut changed = bytes.clone();
    changed[32 * 299 + 31] ^= 1;
    let above_modulus = [&bytes[..32], &[0xff; 32]].concat();
    for (body, status, code) in [
        (changed, 422, "other_root"),
        (bytes[..32 * 299].to_vec(), 422, "other_root"),
        (bytes[..=32 * 299].to_vec(), 422, "invalid_leaves"),
        (above_modulus, 422, "invalid_leaves"),
        (Vec::new(), 422, "other_root"),
    ] {
        let (found, problem) = uploads.put(&root, body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        let (found, problem) = uploads.service.get(&path).await;
        assert_eq!((found, &problem["code"]), (404, &json!("tree_not_stored")));
    }
    let (status, stored) = uploads.put(&root, bytes.clone()).await;
    assert_eq!((status, stored), (200, json!({"root": root, "leaves": "300"})));
    assert_eq!(uploads.service.bytes(&path).await, bytes);
    // A path and a tile of the tree.
    let proof = format!("/v1/registries/{registry}/paths/299?root={root}");
    let leaf = format!("0x{}", hex::encode(number_bytes(300)));
    assert_eq!(uploads.service.read(&proof).await["leaf"], leaf);
    uploads.service.bytes(&format!("/v1/tiles/{root}")).await;
    // A repeated upload is answered before its body has arrived, so nothing is hashed again.
    let begun = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes[..64].to_vec())]);
    let request = uploads
        .service
        .request(Method::PUT, &path)
        .bearer_auth(&uploads.key)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(reqwest::Body::wrap_stream(
            begun.chain(futures_util::stream::pending()),
        ));
    let repeated = tokio::time::timeout(Duration::from_mins(1), request.send()).await;
    let repeated: Value = repeated.unwrap().unwrap().json().await.unwrap();
    assert_eq!(repeated, json!({"root": root, "leaves": "300"}));
}

#[tokio::test]
async fn leaves_that_give_another_root_are_hashed_once_until_their_root_is_published() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(3));
    chain.apply().await;
    let uploads = start(&chain, &[]);
    let root = chain.root(registry).to_string();
    let body = leaves(4).concat();
    let mut problems = Vec::new();
    for outcome in ["refused", "refused_again"] {
        let (status, mut problem) = uploads.put(&root, body.clone()).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("other_root")),
            "{problem}"
        );
        problem.as_object_mut().unwrap().remove("request_id");
        problems.push(problem);
        let counted = format!("bauta_api_uploads_total{{outcome=\"{outcome}\"}} 1");
        let metrics = uploads.service.metrics().await;
        assert!(metrics.contains(&counted), "{metrics}");
    }
    assert_eq!(problems[0], problems[1]);
    chain.publish(registry, leaves(4));
    chain.apply().await;
    let root = chain.root(registry).to_string();
    let (status, stored) = uploads.put(&root, body).await;
    assert_eq!((status, stored), (200, json!({"root": root, "leaves": "4"})));
}

#[tokio::test]
async fn a_tree_with_more_leaves_than_the_limit_is_refused_before_it_is_read() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(3));
    chain.apply().await;
    let uploads = start(&chain, &[("MAX_UPLOADED_LEAVES", "3")]);
    let root = chain.root(registry).to_string();
    let (status, problem) = uploads.put(&root, vec![0; 4 * 32]).await;
    assert_eq!(
        (status, &problem["code"]),
        (413, &json!("body_too_large")),
        "{problem}"
    );
    // Without a length, the body is counted while it arrives, and never read to its end.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 4_096]));
    let path = format!("/v1/registries/{registry}/roots/{root}/leaves");
    let request = uploads
        .service
        .request(Method::PUT, &path)
        .bearer_auth(&uploads.key)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(reqwest::Body::wrap_stream(endless));
    // The service can close the connection before the client has read the response.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(uploads.put(&root, leaves(3).concat()).await.0, 200);
}

#[tokio::test]
async fn only_the_current_root_of_an_attested_registry_is_accepted_and_only_with_the_permission() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(1));
    let old = chain.root(registry).to_string();
    chain.publish(registry, leaves(2));
    chain.create(address("managed"), RegistryKind::Managed);
    chain.apply().await;
    let mut uploads = start(&chain, &[]);
    let (status, problem) = uploads.put(&old, leaves(1).concat()).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("root_not_current")),
        "{problem}"
    );
    let managed = format!("/v1/registries/{}/roots/{old}/leaves", address("managed"));
    let request = uploads.service.request(Method::PUT, &managed);
    let request = request
        .bearer_auth(&uploads.key)
        .header(header::CONTENT_TYPE, "application/octet-stream");
    let problem: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(problem["code"], "not_an_attested_registry", "{problem}");
    let path = format!("/v1/registries/{registry}/roots/{old}/leaves");
    let request = uploads
        .service
        .request(Method::PUT, &path)
        .bearer_auth(&uploads.key);
    let response = request.json(&json!([])).send().await.unwrap();
    assert_eq!(response.status(), 415);
    let without_key = uploads.service.request(Method::PUT, &path).send().await.unwrap();
    assert_eq!(without_key.status(), 401);
    uploads.key.clone_from(&uploads.other_key);
    assert_eq!(uploads.put(&old, Vec::new()).await.0, 403);
    let disabled = start(&chain, &[("UPLOAD_DATABASE_URL", "")]);
    let (status, problem) = disabled.put(&old, Vec::new()).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("feature_disabled")),
        "{problem}"
    );
}

/// The number of leaves that a tree has at most by default.
const DEFAULT_LEAVES: u64 = 1 << 20;

/// Creates a chain with an attested registry of three leaves. Returns the root.
async fn three_leaves() -> (Chain, String) {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(3));
    chain.apply().await;
    let root = chain.root(registry).to_string();
    (chain, root)
}

#[tokio::test]
async fn a_body_that_does_not_arrive_blocks_only_the_uploads_of_its_own_key() {
    let (chain, root) = three_leaves().await;
    let slow = NewApiKey::random(&["trees"], u64::MAX, Quota::default());
    let fast = NewApiKey::random(&["trees"], u64::MAX, Quota::default());
    let keys = format!("{},{}", slow.line, fast.line);
    let mut uploads = start(&chain, &[("API_KEYS", &keys), ("CLIENT_TIMEOUT_MS", "300000")]);
    let head = format!("authorization: Bearer {}\r\nexpect: 100-continue\r\n", *slow.key);
    // The service requests the body when it begins to read it.
    let (line, _waiting) = announce(&uploads, &root, 96, &head).await;
    assert_eq!(line, "HTTP/1.1 100 Continue");
    uploads.key = slow.key.to_string();
    let (status, problem) = uploads.put(&root, leaves(3).concat()).await;
    assert_eq!((status, &problem["code"]), (503, &json!("busy")), "{problem}");
    uploads.key = fast.key.to_string();
    assert_eq!(uploads.put(&root, leaves(3).concat()).await.0, 200);
}

#[tokio::test]
async fn an_upload_counts_until_its_tree_is_stored_also_without_its_client() {
    let (chain, root) = three_leaves().await;
    let uploads = std::sync::Arc::new(start(&chain, &[]));
    let mut blocking = chain.database.pool().begin().await.unwrap();
    sqlx::query(
        "INSERT INTO merkle_leaves (registry_id, index, leaf_hash, created_at)
         SELECT id, 0, decode(repeat('00', 32), 'hex'), now() FROM registries",
    )
    .execute(&mut *blocking)
    .await
    .unwrap();
    let (other, of_root) = (uploads.clone(), root.clone());
    let client = tokio::spawn(async move { other.put(&of_root, leaves(3).concat()).await });
    let waits = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'
                       AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        let pool = chain.database.pool();
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(pool)
            .await
            .unwrap()
            == 0
        {
            assert!(!client.is_finished());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waits).await.unwrap();
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    let (status, problem) = uploads.put(&root, leaves(3).concat()).await;
    assert_eq!((status, &problem["code"]), (503, &json!("busy")), "{problem}");
    blocking.rollback().await.unwrap();
    let path = format!("/v1/registries/{}/roots/{root}/leaves", address("registry"));
    let stored = async {
        while uploads.service.response(&path).await.status() != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), stored)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_uploads_at_most_ten_trees_a_minute() {
    let (chain, root) = three_leaves().await;
    let uploads = start(&chain, &[]);
    // Requests without a content type, which are refused at once, but count.
    let path = format!("/v1/registries/{}/roots/{root}/leaves", address("registry"));
    let mut refused = 0;
    loop {
        let request = uploads.service.request(Method::PUT, &path);
        let status = request.bearer_auth(&uploads.key).send().await.unwrap().status();
        if status == 429 {
            break;
        }
        assert_eq!(status, 415);
        refused += 1;
        assert!(refused < 1_000);
    }
    assert!(refused >= 10, "{refused}");
}

/// Timeouts for a slow machine.
const PATIENT: [(&str, &str); 2] = [("REQUEST_TIMEOUT_MS", "600000"), ("CLIENT_TIMEOUT_MS", "300000")];

/// Sends the headers of an upload of `length` bytes, and no body. Returns the first line of the
/// response, and the connection.
async fn announce(
    uploads: &Uploads,
    root: &str,
    length: u64,
    headers: &str,
) -> (String, BufReader<TcpStream>) {
    let path = format!("/v1/registries/{}/roots/{root}/leaves", address("registry"));
    let mut stream = TcpStream::connect(uploads.service.address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: application/octet-stream\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    let read = tokio::time::timeout(Duration::from_mins(1), reader.read_line(&mut line));
    read.await
        .expect("the service does not wait for the body")
        .unwrap();
    (line.trim().to_owned(), reader)
}

#[tokio::test]
async fn by_default_a_tree_has_at_most_2_to_the_20_leaves_and_a_client_without_a_key_sends_none() {
    let chain = Chain::new().await;
    let root = attested(&chain, Depth::Sixteen, DEFAULT_LEAVES).await;
    let uploads = start(&chain, &[]);
    let key = format!("authorization: Bearer {}\r\n", uploads.key);
    let other_key = format!("authorization: Bearer {}\r\n", uploads.other_key);
    let length = 32 * (DEFAULT_LEAVES + 1);
    for (authorization, status) in [(key.as_str(), "413"), (&other_key, "403"), ("", "401")] {
        let (line, _) = announce(&uploads, &root, length, authorization).await;
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
    }
}

#[tokio::test]
async fn by_default_2_to_the_20_leaves_are_accepted_and_a_client_has_4_open_responses_with_them() {
    let chain = Chain::new().await;
    let root = attested(&chain, Depth::Ten, DEFAULT_LEAVES - 1).await;
    let uploads = start(&chain, &PATIENT);
    let mut bytes = vec![0; 32 * usize::try_from(DEFAULT_LEAVES - 1).unwrap()];
    bytes.extend(number_bytes(9));
    let (status, stored) = uploads.put(&root, bytes).await;
    assert_eq!((status, &stored["leaves"]), (200, &json!("1048576")), "{stored}");
    // 32 MiB, which no buffer takes, so a response that is not read stays open.
    let path = format!("/v1/registries/{}/roots/{root}/leaves", address("registry"));
    let mut open = Vec::new();
    for _ in 0..4 {
        let response = uploads.service.response(&path).await;
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    let (status, problem) = uploads.service.get(&path).await;
    assert_eq!(
        (status, &problem["code"]),
        (429, &json!("too_many_streams")),
        "{problem}"
    );
    open.pop();
    let again = async {
        while uploads.service.response(&path).await.status() != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), again).await.unwrap();
}

#[tokio::test]
async fn the_operator_can_allow_more_leaves_than_a_body_of_json_has_bytes() {
    // A tree of depth 16 whose last leaf is at 2^20.
    let chain = Chain::new().await;
    let root = attested(&chain, Depth::Sixteen, DEFAULT_LEAVES).await;
    let settings = [&PATIENT[..], &[("MAX_UPLOADED_LEAVES", "1048577")]].concat();
    let uploads = start(&chain, &settings);
    let mut bytes = vec![0; 32 * usize::try_from(DEFAULT_LEAVES).unwrap()];
    bytes.extend(number_bytes(9));
    let (status, stored) = uploads.put(&root, bytes).await;
    assert_eq!((status, &stored["leaves"]), (200, &json!("1048577")), "{stored}");
    let path = format!("/v1/registries/{}/paths/1048576?root={root}", address("registry"));
    let leaf = format!("0x{}", hex::encode(number_bytes(9)));
    assert_eq!(uploads.service.read(&path).await["leaf"], leaf);
}

/// Creates an attested registry, and publishes the root of a tree whose only leaf that is not empty
/// is 9 at `index`. Returns the root, computed with light-poseidon.
async fn attested(chain: &Chain, depth: Depth, index: u64) -> String {
    let registry = address("registry");
    let (mut empty, mut node, mut position) = ([0; 32], number_bytes(9), index);
    for _ in 0..depth as u8 {
        let mut children = [empty; 4];
        children[usize::try_from(position % 4).unwrap()] = node;
        (empty, node, position) = (poseidon(&[empty; 4]), poseidon(&children), position / 4);
    }
    let root = |bytes| Root::new(FieldElement::from_bytes("root", bytes).unwrap());
    let sequence = Sequence::new(1);
    let events = [
        Event::RegistryCreated(RegistryCreated {
            registry,
            authority: address("authority"),
            nonce: 3,
            kind: RegistryKind::Attested,
            depth,
            leaf_format: 1,
            root_ttl_seconds: 86_400,
            root: root(empty),
        }),
        Event::TreeChanged(TreeChange {
            registry,
            sequence,
            kind: TreeChangeKind::RootPublished { root: root(node) },
        }),
        Event::MerkleRootUpdated(MerkleRootUpdated {
            registry,
            sequence,
            root: root(node),
            replaced_root_expires_at: Some(chain.now + 86_400),
        }),
    ];
    let slot = Slot::new(chain.slot);
    let records = (0..).zip(events).map(|(transaction_index, event)| EventRecord {
        position: Position {
            slot,
            transaction_index,
            instruction_index: 0,
            inner_index: 0,
        },
        signature: Signature::from([1; 64]),
        time: chain.now,
        event,
    });
    let batch = Batch {
        records: records.collect(),
        checkpoint: Position::end_of_slot(slot),
    };
    chain.database.store.apply(&batch).await.unwrap();
    root(node).to_string()
}
