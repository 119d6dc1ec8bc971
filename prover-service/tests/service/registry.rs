//! Paths that the service reads from Postgres, where an indexer puts them.

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
/// For so many seconds a replaced root is accepted.
const TTL: i64 = 1_600;

/// Writes what happened in the slot of this number, some seconds ago.
async fn happened(store: &Store, slot: u64, ago: i64, events: Vec<Event>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = i64::try_from(now).unwrap() - ago;
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

async fn append(store: &Store, sequence: u64, ago: i64, first_index: u64, leaves: Vec<Leaf>, root: Value) {
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
            replaced_root_kept: true,
        }),
    ];
    happened(store, sequence, ago, events).await;
}

/// A registry whose first 20 leaves are those of `request`, and which has had more for longer than a root lives.
async fn indexed(depth: Depth) -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let created = Event::RegistryCreated(RegistryCreated {
        registry: REGISTRY,
        authority: Address::from([8; 32]),
        nonce: 0,
        // One as deep is attested always.
        kind: match depth {
            Depth::Ten => RegistryKind::Managed,
            Depth::Sixteen => RegistryKind::Attested,
        },
        depth,
        leaf_format: 1,
        root_ttl_seconds: TTL,
        root: depth.empty_root(),
    });
    happened(store, 0, 5 * TTL, vec![created]).await;
    if depth == Depth::Ten {
        let old = request(0)["public"]["root"].clone();
        append(store, 1, 4 * TTL, 0, leaves(20), old).await;
        let new = json!(tree(10, leaves(24), 0).0);
        append(store, 2, 2 * TTL, 20, leaves(24).split_off(20), new).await;
    }
    database
}

/// The request of a member who leaves the path to the service.
fn referring(index: u64) -> Value {
    let mut body = request_among(10, 24, index);
    body["public"].as_object_mut().unwrap().remove("root");
    for field in ["index", "path"] {
        body["private"].as_object_mut().unwrap().remove(field);
    }
    body["registry"] = json!({"address": REGISTRY.to_string(), "index": index});
    body
}

#[tokio::test]
async fn a_path_is_read_by_registry_and_leaf_and_the_newest_root_is_proved() {
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let (root, _) = tree(10, leaves(24), 3);
    let (status, answer) = service.post("/prove", &referring(3)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["public"]["root"], json!(root));
    holds(&answer);

    // The same, named; and as a job, for which the worker reads the path.
    let mut named = referring(22);
    named["public"]["root"] = json!(root);
    let (status, answer) = service.post("/prove", &named).await;
    assert_eq!(status, 200, "{answer}");
    holds(&answer);
    let id = service.enqueue(&referring(5), None).await;
    let job = service.result(&id).await;
    assert_eq!(job["answer"]["public"]["root"], json!(root), "{job}");
    holds(&job["answer"]);
}

fn holds(answer: &Value) {
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
async fn a_root_no_longer_valid_is_said_before_proving_and_never_queued() {
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let mut stale = referring(3);
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
    let mut invented = referring(3);
    invented["public"]["root"] = json!(FieldElement::from_u64(4711));
    let (status, problem) = service.post("/prove", &invented).await;
    assert_eq!((status, &problem["field"]), (400, &json!("public.root")));
    assert!(problem["rule"].as_str().unwrap().contains("never"), "{problem}");

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
async fn a_reference_that_leads_nowhere_is_refused_by_its_field() {
    let database = indexed(Depth::Ten).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    let changed = |address: &str, index: u64| {
        let mut body = referring(3);
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
            "must be the position of a leaf",
        ),
        (changed(&known, 1 << 20), "registry.index", "index"),
        // Another's leaf.
        (changed(&known, 4), "private.path", "doesn't lead"),
    ] {
        let (status, problem) = service.post("/prove", &body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
        let said = problem["rule"].as_str().unwrap();
        assert!(said.contains(rule), "{rule} isn't in: {said}");
    }
}

#[tokio::test]
async fn a_registry_of_another_depth_is_refused() {
    let database = indexed(Depth::Sixteen).await;
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    // The registry says which circuit is meant, and this service has no key for that.
    let (status, problem) = service.post("/prove", &referring(3)).await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("unknown_circuit")),
        "{problem}"
    );
    let mut shallow = referring(3);
    shallow["depth"] = json!(10);
    let (status, problem) = service.post("/prove", &shallow).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("registry.address")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_reference_without_a_database_is_said_to_need_one() {
    let service = Running::start(&[]);
    let (status, problem) = service.post("/prove", &referring(3)).await;
    assert_eq!(
        (status, &problem["code"]),
        (501, &json!("no_database")),
        "{problem}"
    );
}
