//! Paths that the service reads from the database of an indexer.

use std::time::{SystemTime, UNIX_EPOCH};

use bauta_circuits::{Ownership, Proof, load_or_setup_development};
use bauta_primitives::{Digest, FieldElement, Leaf, Root, tree::Depth};
use bauta_store::{
    Batch, Event, EventRecord, Position, RegistryKind, Sequence, Slot, Store,
    event::{LeavesAppended, MerkleRootUpdated, RegistryCreated, TreeChange, TreeChangeKind},
    testing::TestDatabase,
};
use serde_json::{Value, json};
use solana_address::Address;
use solana_signature::Signature;

use crate::common::{Running, leaves, request, request_among, tree, with_jobs};

const REGISTRY: Address = Address::new_from_array([9; 32]);
/// Seconds for which a replaced root is accepted.
const TTL: i64 = 1_600;

/// Returns the time `ago` seconds in the past, in Unix seconds.
fn time(ago: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() - ago
}

/// Applies the events of a slot whose time is `ago` seconds in the past.
async fn apply_slot(store: &Store, slot: u64, ago: i64, events: Vec<Event>) {
    let time = time(ago);
    let record = |(number, event)| EventRecord {
        position: Position {
            slot: Slot::new(slot),
            transaction_index: number,
            instruction_index: 0,
            inner_index: 0,
        },
        signature: Signature::from([u8::try_from(slot).unwrap(); 64]),
        time,
        event,
    };
    let batch = Batch {
        records: (0..).zip(events).map(record).collect(),
        checkpoint: Position::end_of_slot(Slot::new(slot)),
    };
    store.apply(&batch).await.unwrap();
}

/// Appends leaves `ago` seconds in the past. The program accepts the replaced root for `ttl`
/// seconds.
async fn append(
    store: &Store,
    sequence: u64,
    (ago, ttl): (i64, i64),
    first_index: u64,
    leaves: Vec<Leaf>,
    root: Value,
) {
    let root: Root = serde_json::from_value(root).unwrap();
    let events = vec![
        Event::TreeChanged(TreeChange {
            registry: REGISTRY,
            sequence: Sequence::new(sequence),
            kind: TreeChangeKind::LeavesAppended(LeavesAppended {
                first_index: Depth::Ten.check_index(first_index).unwrap(),
                leaves,
            }),
        }),
        Event::MerkleRootUpdated(MerkleRootUpdated {
            registry: REGISTRY,
            sequence: Sequence::new(sequence),
            root,
            replaced_root_expires_at: Some(time(ago) + ttl),
        }),
    ];
    apply_slot(store, sequence, ago, events).await;
}

/// Creates a database with a registry. Its first 20 leaves are those of `request`. It got more
/// leaves so long ago that the root of the first 20 has expired.
async fn indexed(depth: Depth) -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let created = Event::RegistryCreated(RegistryCreated {
        registry: REGISTRY,
        authority: Address::from([8; 32]),
        nonce: 0,
        // A registry of depth 16 is always attested.
        kind: match depth {
            Depth::Ten => RegistryKind::Managed,
            Depth::Sixteen => RegistryKind::Attested,
        },
        depth,
        leaf_format: 1,
        root_ttl_seconds: TTL,
        root: depth.empty_root(),
    });
    apply_slot(store, 0, 5 * TTL, vec![created]).await;
    if depth == Depth::Ten {
        let old = request(0)["public"]["root"].clone();
        append(store, 1, (4 * TTL, TTL), 0, leaves(20), old).await;
        let new = json!(tree(10, leaves(24), 0).0);
        append(store, 2, (2 * TTL, TTL), 20, leaves(24).split_off(20), new).await;
    }
    database
}

/// Returns the request of a member whose path the service reads from the database.
fn request_by_reference(index: u64) -> Value {
    request_by_reference_among(24, index)
}

fn request_by_reference_among(members: u64, index: u64) -> Value {
    let mut body = request_among(10, members, index);
    body["public"].as_object_mut().unwrap().remove("root");
    for field in ["index", "path"] {
        body["private"].as_object_mut().unwrap().remove(field);
    }
    body["registry"] = json!({"address": REGISTRY.to_string(), "index": index});
    body
}

#[tokio::test]
async fn the_path_of_a_registrys_leaf_is_read_and_the_newest_root_is_proved() {
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let (root, _) = tree(10, leaves(24), 3);
    let (status, answer) = service.post("/prove", &request_by_reference(3)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["public"]["root"], json!(root));
    assert_valid(&answer);

    // The same root, given explicitly. And a job, for which the worker reads the path.
    let mut with_root = request_by_reference(22);
    with_root["public"]["root"] = json!(root);
    let (status, answer) = service.post("/prove", &with_root).await;
    assert_eq!(status, 200, "{answer}");
    assert_valid(&answer);
    let id = service.enqueue(&request_by_reference(5), None).await;
    let job = service.result(&id).await;
    assert_eq!(job["answer"]["public"]["root"], json!(root), "{job}");
    assert_valid(&job["answer"]);
}

/// The program's long ring has kept a root shortly before, so it would not keep a root with the new
/// leaf for the whole time. The service must not choose an older root, which has no such leaf.
#[tokio::test]
async fn a_member_who_has_just_registered_proves_at_once() {
    let database = indexed(Depth::Ten).await;
    for (sequence, members, ago, ttl) in [(3, 25, 50, TTL), (4, 26, 0, 64)] {
        let new = leaves(members).split_off(usize::try_from(members).unwrap() - 1);
        let root = json!(tree(10, leaves(members), 0).0);
        append(&database.store, sequence, (ago, ttl), members - 1, new, root).await;
    }
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let body = request_by_reference_among(26, 25);
    let (status, answer) = service.post("/prove", &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["public"]["root"], json!(tree(10, leaves(26), 25).0));
    assert_valid(&answer);
    // An earlier member proves at the root that is accepted longest.
    let body = request_by_reference_among(24, 3);
    let (status, answer) = service.post("/prove", &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["public"]["root"], json!(tree(10, leaves(24), 3).0));
}

fn assert_valid(answer: &Value) {
    let bytes = |text: &Value| hex::decode(text.as_str().unwrap().trim_start_matches("0x")).unwrap();
    let proof = bytes(&answer["proof"]["proof"]).try_into().unwrap();
    let digest = bytes(&answer["proof"]["metadata"]["input_hash"])
        .try_into()
        .unwrap();
    let key = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
    let verified = key.verifying_key().verify(
        Digest::from_bytes(digest).unwrap(),
        &Proof::from_bytes(&proof).unwrap(),
    );
    verified.unwrap();
}

#[tokio::test]
async fn an_expired_root_is_refused_before_proving_and_never_queued() {
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let mut stale = request_by_reference(3);
    stale["public"]["root"] = request(3)["public"]["root"].clone();
    for wait in [true, false] {
        stale["wait"] = wait.into();
        let (status, problem) = service.post("/prove", &stale).await;
        assert_eq!(status, 400, "{problem}");
        assert_eq!(problem["code"], "invalid_input");
        assert_eq!(problem["field"], "public.root", "{problem}");
        let rule = problem["rule"].as_str().unwrap();
        assert!(rule.contains("no longer valid"), "{rule}");
    }
    let mut invented = request_by_reference(3);
    invented["public"]["root"] = json!(FieldElement::from_u64(4711));
    let (status, problem) = service.post("/prove", &invented).await;
    assert_eq!((status, &problem["field"]), (400, &json!("public.root")));
    assert!(
        problem["rule"].as_str().unwrap().contains("is unknown"),
        "{problem}"
    );

    let (_, health) = service.get("/health").await;
    assert_eq!(health["proofs_generated"], 0, "{health}");
    let (_, stats) = service.get("/api/queue/stats").await;
    assert_eq!(
        (&stats["totalQueued"], &stats["totalFailed"]),
        (&json!(0), &json!(0)),
        "{stats}"
    );
}

#[tokio::test]
async fn an_invalid_reference_is_refused_with_its_field() {
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let changed = |address: &str, index: u64| {
        let mut body = request_by_reference(3);
        body["registry"] = json!({"address": address, "index": index});
        body
    };
    let (known, unknown) = (REGISTRY.to_string(), Address::from([7; 32]).to_string());
    for (body, field, rule) in [
        (changed("0OIl", 3), "registry.address", "base58"),
        (changed(&known[1..10], 3), "registry.address", "base58"),
        (changed(&unknown, 3), "registry.address", "indexed"),
        (
            changed(&known, 24),
            "registry.index",
            "must be the index of a leaf",
        ),
        (changed(&known, 1 << 20), "registry.index", "index"),
        // The leaf of another member.
        (changed(&known, 4), "private.path", "does not lead"),
    ] {
        let (status, problem) = service.post("/prove", &body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
        let found = problem["rule"].as_str().unwrap();
        assert!(found.contains(rule), "{rule} isn't in: {found}");
    }
}

#[tokio::test]
async fn a_registry_of_another_depth_is_refused() {
    let database = indexed(Depth::Sixteen).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    // The registry determines the circuit, and this service has no key for it.
    let (status, problem) = service.post("/prove", &request_by_reference(3)).await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("unknown_circuit")),
        "{problem}"
    );
    let mut shallow = request_by_reference(3);
    shallow["depth"] = json!(10);
    let (status, problem) = service.post("/prove", &shallow).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("registry.address")),
        "{problem}"
    );
}

#[tokio::test]
async fn without_a_database_a_reference_is_refused_with_no_database() {
    let service = Running::start(&[]);
    let (status, problem) = service.post("/prove", &request_by_reference(3)).await;
    assert_eq!(
        (status, &problem["code"]),
        (501, &json!("no_database")),
        "{problem}"
    );
}

/// Returns the statements in the log that read registries, roots or tiles.
fn reads_of_trees(service: &Running) -> Vec<String> {
    let log = service.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let statements = lines.filter(|line| line["target"] == "sqlx::query").map(|line| {
        let text = [&line["summary"], &line["db.statement"]].map(|text| text.as_str().unwrap_or_default());
        text.concat()
    });
    let is_read = |text: &String| {
        ["FROM registries", "roots", "tiles"]
            .iter()
            .any(|table| text.contains(table))
    };
    statements.filter(is_read).collect()
}

#[tokio::test]
async fn a_batch_reads_its_registry_and_paths_with_few_statements() {
    const REQUESTS: u64 = 12;
    const AT_MOST: usize = 3;
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let logged = ("RUST_LOG", "info,sqlx::query=debug");
    let service = Running::start(&with_jobs(&url, &[logged]));
    let root = json!(tree(10, leaves(24), 0).0);
    let mut requests: Vec<Value> = (0..REQUESTS).map(request_by_reference).collect();
    // The same leaf twice, and the root given explicitly.
    requests[5] = request_by_reference(4);
    requests[6]["public"]["root"] = root.clone();
    let before = reads_of_trees(&service).len();
    let (status, answer) = service
        .post("/prove/batch", &json!({ "requests": requests }))
        .await;
    assert_eq!(status, 200, "{answer}");
    for answer in answer["proofs"].as_array().unwrap() {
        assert_eq!(answer["public"]["root"], root, "{answer}");
        assert_valid(answer);
    }
    // The audit record follows the statements.
    service.lines("audit", "proof_requested", 1).await;
    let reads = reads_of_trees(&service).split_off(before);
    assert!((1..=AT_MOST).contains(&reads.len()), "{reads:#?}");

    // One more statement says which of the roots that are not valid were valid before.
    let before = reads_of_trees(&service).len();
    let mut unknown = request_by_reference(3);
    unknown["registry"]["address"] = json!(Address::from([7; 32]).to_string());
    let mut expired = request_by_reference(3);
    expired["public"]["root"] = request(3)["public"]["root"].clone();
    let mut invented = request_by_reference(3);
    invented["public"]["root"] = json!(FieldElement::from_u64(4711));
    let mut without_leaf = request_by_reference(3);
    without_leaf["registry"]["index"] = json!(24);
    let mut out_of_range = request_by_reference(3);
    out_of_range["registry"]["index"] = json!(1_u64 << 20);
    let invalid = [&unknown, &expired, &invented, &without_leaf, &out_of_range];
    let (status, problem) = service
        .post("/prove/batch", &json!({ "requests": invalid }))
        .await;
    assert_eq!(status, 400, "{problem}");
    let mut alone = Vec::new();
    for (number, request) in invalid.into_iter().enumerate() {
        let (_, problem) = service.post("/prove", request).await;
        let field = format!("requests[{number}].{}", problem["field"].as_str().unwrap());
        alone.push((field, problem["rule"].clone()));
    }
    let in_batch = problem["errors"].as_array().unwrap().iter();
    let in_batch = in_batch.map(|error| (error["field"].as_str().unwrap().to_owned(), error["rule"].clone()));
    assert_eq!(in_batch.collect::<Vec<_>>(), alone);
    service.lines("audit", "proof_requested", 2).await;
    let reads = reads_of_trees(&service).split_off(before);
    let of_the_batch = reads
        .iter()
        .filter(|text| text.contains("unnest") || text.contains("ANY"));
    assert!(of_the_batch.count() <= AT_MOST + 1, "{reads:#?}");
}
