//! Proofs of `reputation` and `address`.

use std::fs;

use bauta_circuits::{Address, AnyKey, Reputation, Statement};
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, Scope,
    statements::{
        Address as Contents, AddressClaim, Gap, Handle, Pattern, Salt, Score, ScoreClaim, parse_pid,
    },
    tree::Depth,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{Running, secret, tree};

const NOW: u64 = 1_700_000_000;

fn element(value: u64) -> FieldElement {
    FieldElement::from_u64(value)
}

/// Starts a service with the development key of a statement.
fn start(statement: &str) -> (TempDir, Running) {
    let key = AnyKey::load_or_setup_development(statement, Depth::Ten)
        .unwrap()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.key");
    fs::write(&file, key.to_bytes().unwrap()).unwrap();
    let service = Running::start(&[("KEY_FILES", file.to_str().unwrap())]);
    (folder, service)
}

/// Returns the request of a registry's only member.
fn request(statement: &str, attributes: Attributes, claim: Claim, own: &Value) -> Value {
    let identity = IdentitySecret::from_bytes(&mut secret(1)).unwrap();
    let entry_id = EntryId::new(element(5));
    let leaf = Leaf::of(identity.commitment(), entry_id, attributes);
    let (root, path) = tree(10, vec![leaf], 0);
    json!({
        "statement": statement,
        "public": {
            "root": root,
            "scope": Scope::new(element(11)),
            "claim": claim,
            "context": Context::new(element(12)),
        },
        "private": {
            "secret": format!("0x{}", hex::encode(secret(1))),
            "entry_id": entry_id,
            "attributes": attributes,
            "index": 0,
            "path": path,
            statement: own,
        },
    })
}

fn reputation() -> Value {
    let salt = Salt::from_bytes(&mut element(9).to_bytes()).unwrap();
    let score = Score::new(750_000, element(7), NOW - 100, NOW + 100, salt).unwrap();
    let claim = ScoreClaim {
        exact: false,
        shown: 500_000,
        domain: element(7),
        as_of: NOW,
    };
    let own = json!({
        "score": 750_000, "domain": element(7), "issued_at": NOW - 100, "expires_at": NOW + 100,
        "salt": element(9), "exact": false, "shown": 500_000, "as_of": NOW,
    });
    request(Reputation::NAME, score.attributes(), claim.claim(), &own)
}

/// Returns the request of an address with the handle 1,000, which the element contains or not.
fn address(key: u128, next: u128) -> Value {
    let handle = Handle::new(1_000).unwrap();
    let address = Contents::new(parse_pid("JP-13-113-01").unwrap(), handle, 392, NOW + 100).unwrap();
    let gap = Gap::new(key, next).unwrap();
    let (root, path) = tree(10, vec![gap.leaf()], 0);
    let claim = AddressClaim::of(Pattern::Prefix(2), &address, NOW);
    let own = json!({
        "pid": "JP-13-113-01", "handle": format!("0x{:030x}", 1_000), "schema": 392,
        "valid_until": NOW + 100, "pattern": "prefix:2", "as_of": NOW,
        "revocations": {
            "key": format!("0x{key:030x}"), "next": format!("0x{next:030x}"),
            "root": root, "index": 0, "path": path,
        },
    });
    let claim = claim.claim(bauta_primitives::Root::new(root));
    request(Address::NAME, address.attributes(), claim, &own)
}

/// Asserts that the service proves the request and verifies the proof with this id.
async fn assert_proves(service: &Running, request: &Value, ids: &[&str]) {
    let (status, answer) = service.post("/prove", request).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["public"]["claim"], request["public"]["claim"]);
    for id in ids {
        let form = json!({"proof": answer["proof"], "circuitId": id});
        let (status, verdict) = service.post("/verify", &form).await;
        assert_eq!(
            (status, &verdict["valid"]),
            (200, &json!(true)),
            "{id}: {verdict}"
        );
    }
}

/// Asserts that the service refuses the request after this change, with the field and the rule.
async fn assert_refused(service: &Running, request: &Value, at: &str, value: Value, expected: (&str, &str)) {
    let mut request = request.clone();
    *request.pointer_mut(at).unwrap() = value;
    let (status, problem) = service.post("/prove", &request).await;
    assert_eq!(
        (status, problem["field"].as_str(), problem["rule"].as_str()),
        (400, Some(expected.0), Some(expected.1)),
        "{problem}"
    );
}

#[tokio::test]
async fn a_threshold_of_a_score_is_proved_and_what_breaks_a_rule_is_refused() {
    let (_folder, service) = start(Reputation::NAME);
    let request = reputation();
    assert_proves(&service, &request, &["reputation-v1-depth10"]).await;
    let cases = [
        (
            "/private/reputation/score",
            json!(1 << 20),
            "private.reputation.score",
            "must be below 2^20",
        ),
        (
            "/private/reputation/shown",
            json!(1 << 20),
            "private.reputation.shown",
            "must be below 2^20",
        ),
        (
            "/private/reputation/shown",
            json!(750_001),
            "private.reputation.shown",
            "must not be greater than the score",
        ),
        (
            "/private/reputation/exact",
            json!(true),
            "private.reputation.shown",
            "must be the score if exact is true",
        ),
        (
            "/private/reputation/as_of",
            json!(NOW + 100),
            "private.reputation.as_of",
            "must be earlier than expires_at: the score has expired",
        ),
        (
            "/private/reputation/issued_at",
            json!(1_u64 << 40),
            "private.reputation.issued_at",
            "must be Unix seconds below 2^40",
        ),
        (
            "/private/reputation/score",
            json!(750_002),
            "private.attributes",
            "attributes must be the hash of the leaf's contents",
        ),
        (
            "/private/reputation",
            Value::Null,
            "private.reputation",
            "is missing",
        ),
    ];
    for (at, value, field, rule) in cases {
        assert_refused(&service, &request, at, value, (field, rule)).await;
    }
    let (_, circuits) = service.get("/circuits").await;
    let circuit = &circuits["circuits"][0];
    assert_eq!(
        (&circuit["statement"], &circuit["leaf_format"]),
        (&json!("reputation"), &json!(2))
    );
    // The private fields of another statement are not ignored.
    let mut both = request.clone();
    both["private"]["address"] = address(0, 5_000)["private"]["address"].clone();
    let (status, problem) = service.post("/prove", &both).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("private.address")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_prefix_of_an_address_is_proved_and_a_revoked_one_is_refused_as_revoked() {
    let (_folder, service) = start(Address::NAME);
    let request = address(0, 5_000);
    // Both ids of the earlier system mean this statement.
    let ids = ["address-v1-depth10", "membership-v1", "structure-v1"];
    assert_proves(&service, &request, &ids).await;
    for (key, next) in [(1_000, 5_000), (0, 1_000)] {
        let (status, problem) = service.post("/prove", &address(key, next)).await;
        assert_eq!((status, &problem["code"]), (400, &json!("revoked")), "{problem}");
    }
    let cases = [
        (
            "/private/address/pattern",
            json!("prefix:9"),
            "private.address.pattern",
            "must be membership, structure or prefix:n, with n from 0 to 8",
        ),
        (
            "/private/address/pid",
            json!("jp"),
            "private.address.pid",
            "must have components, which must each have 1 to 15 characters of 0-9 and A-Z",
        ),
        (
            "/private/address/as_of",
            json!(NOW + 101),
            "private.address.as_of",
            "must not be later than valid_until: the address has expired",
        ),
        (
            "/private/address/revocations/key",
            json!(format!("0x{:030x}", 5_000)),
            "private.address.revocations.key",
            "must be less than next",
        ),
    ];
    for (at, value, field, rule) in cases {
        assert_refused(&service, &request, at, value, (field, rule)).await;
    }
    // The path leads to another root.
    let mut other = request.clone();
    other["private"]["address"]["revocations"]["root"] = json!(element(3));
    let (status, problem) = service.post("/prove", &other).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("private.address.revocations.path")),
        "{problem}"
    );
    // No error contains the address or the handle.
    for handle in [json!(1_000), json!("0x12"), json!(1_000.5)] {
        let mut wrong = request.clone();
        wrong["private"]["address"]["handle"] = handle;
        let (status, problem) = service.post("/prove", &wrong).await;
        assert_eq!(status, 400);
        let rule = "must be 0x followed by exactly 30 hexadecimal digits";
        assert!(problem["detail"].as_str().unwrap().contains(rule), "{problem}");
        assert!(!problem.to_string().contains("1000"), "{problem}");
    }
    assert!(!service.log().contains("JP-13"));
}
