//! Private inputs that are sealed to the service.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::common::{Running, request, secret, with_jobs};

fn bytes(text: &Value) -> Vec<u8> {
    hex::decode(text.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Seals a message with an implementation of HPKE that shares no code with the service.
fn run_sealer(message: &Value) -> Value {
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "service", "seal.mjs"]
        .iter()
        .collect();
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(message.to_string().as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Replaces `private` in a request by `sealed`, as a client does.
fn seal(mut request: Value, key: &Value) -> Value {
    let private = request.as_object_mut().unwrap().remove("private").unwrap();
    let public = &request["public"];
    let statement = request["statement"].as_str().unwrap();
    let associated = [
        bytes(&public["scope"]),
        bytes(&public["claim"]),
        bytes(&public["context"]),
        statement.as_bytes().to_vec(),
    ];
    let message = json!({
        "public_key": key["public_key"].as_str().unwrap().trim_start_matches("0x"),
        "info": hex::encode(key["info"].as_str().unwrap()),
        "aad": hex::encode(associated.concat()),
        "plaintext": hex::encode(private.to_string()),
    });
    let sealed = run_sealer(&message);
    let field = |name: &str| format!("0x{}", sealed[name].as_str().unwrap());
    request["sealed"] = json!({
        "key_id": key["key_id"],
        "encapsulated_key": field("encapsulated_key"),
        "ciphertext": field("ciphertext"),
    });
    request
}

/// Returns an example whose key is derived from the keys for witnesses of the tests.
pub async fn example(service: &Running) -> Value {
    let (_, key) = service.get("/sealing-key").await;
    seal(request(3), &key)
}

#[tokio::test]
async fn sealed_inputs_give_the_proof_of_the_same_inputs_in_the_clear() {
    let service = Running::start(&[]);
    let (status, key) = service.get("/sealing-key").await;
    assert_eq!(status, 200, "{key}");
    assert_eq!(key["kem"], "DHKEM(X25519, HKDF-SHA256)");
    assert_eq!(
        (&key["kdf"], &key["aead"]),
        (&json!("HKDF-SHA256"), &json!("ChaCha20Poly1305"))
    );
    // The keys of the configuration are not replaced while the service runs.
    assert_eq!(key["valid_until"], Value::Null);
    let (status, made) = service.post("/prove", &seal(request(3), &key)).await;
    assert_eq!(status, 200, "{made}");
    let (_, in_the_clear) = service.post("/prove", &request(3)).await;
    assert_eq!(made["public"], in_the_clear["public"]);
    let verify = json!({
        "proof": made["proof"]["proof"], "circuitId": "ownership-v1", "public": made["public"],
    });
    assert_eq!(service.post("/verify", &verify).await.1["valid"], true);
    assert!(!service.log().contains(&hex::encode(secret(3))));
}

#[tokio::test]
async fn a_service_in_between_can_not_use_sealed_inputs_for_other_values() {
    let service = Running::start(&[]);
    let (_, key) = service.get("/sealing-key").await;
    let sealed = seal(request(3), &key);
    for field in ["scope", "claim", "context"] {
        let mut changed = sealed.clone();
        changed["public"][field] = hex(&[[0; 31].as_slice(), &[9]].concat()).into();
        let (status, problem) = service.post("/prove", &changed).await;
        assert_eq!(
            (status, &problem["field"]),
            (400, &json!("sealed.ciphertext")),
            "{problem}"
        );
    }
    let mut flipped = bytes(&sealed["sealed"]["ciphertext"]);
    flipped[0] ^= 1;
    let key_of_low_order = hex(&[0; 32]);
    for (field, value, expected) in [
        ("ciphertext", json!(hex(&flipped)), 400),
        ("ciphertext", json!("0x"), 400),
        ("ciphertext", json!("0xzz"), 400),
        ("encapsulated_key", json!(key_of_low_order), 400),
        ("encapsulated_key", json!("0x00"), 400),
        ("key_id", json!("another"), 409),
        ("more", json!(1), 400),
    ] {
        let mut changed = sealed.clone();
        changed["sealed"][field] = value;
        let (status, problem) = service.post("/prove", &changed).await;
        assert_eq!(status, expected, "{field}: {problem}");
        if expected == 409 {
            assert_eq!(problem["code"], "unknown_sealing_key");
        }
    }
    let mut both = sealed.clone();
    both["private"] = request(3)["private"].clone();
    assert_eq!(service.post("/prove", &both).await.1["field"], "private");
    let batch = json!({"requests": [sealed]});
    let (status, problem) = service.post("/prove/batch", &batch).await;
    assert_eq!(status, 400, "{problem}");
}

#[tokio::test]
async fn what_is_sealed_is_read_as_strictly_as_private_and_an_error_repeats_nothing_of_it() {
    let service = Running::start(&[]);
    let (_, key) = service.get("/sealing-key").await;
    let digits = hex::encode(secret(3));
    let with_prefix = format!("0x{digits}");
    for (field, value, named) in [
        ("more", json!(with_prefix), "private"),
        (with_prefix.as_str(), json!(1), "private"),
        ("secret", json!([with_prefix]), "private.secret"),
        ("entry_id", json!({"a": with_prefix}), "private.entry_id"),
        ("attributes", json!(digits), "private.attributes"),
        ("index", json!(with_prefix), "private.index"),
        ("path", json!(with_prefix), "private.path"),
        ("path", json!([[with_prefix]]), "private.path"),
        ("path", json!({with_prefix.as_str(): 1}), "private.path"),
    ] {
        let mut changed = request(3);
        changed["private"][field] = value;
        let (status, problem) = service.post("/prove", &seal(changed, &key)).await;
        assert_eq!(
            (status, &problem["field"]),
            (400, &json!(named)),
            "{field}: {problem}"
        );
        assert!(!problem.to_string().contains(&digits), "{field}: {problem}");
    }
    let mut missing = request(3);
    missing["private"].as_object_mut().unwrap().remove("secret");
    let (_, problem) = service.post("/prove", &seal(missing, &key)).await;
    assert_eq!(
        (&problem["field"], &problem["rule"]),
        (&json!("private.secret"), &json!("is missing")),
        "{problem}"
    );
    assert!(!service.log().contains(&digits));
}

#[tokio::test]
async fn instances_with_the_same_keys_open_each_others_requests_also_as_jobs() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (first, second) = (
        Running::start(&with_jobs(&url, &[])),
        Running::start(&with_jobs(&url, &[])),
    );
    let (_, key) = first.get("/sealing-key").await;
    assert_eq!(second.get("/sealing-key").await.1, key);
    let mut sealed = seal(request(3), &key);
    sealed["wait"] = false.into();
    let job = second.enqueue(&sealed, None).await;
    let result = second.result(&job).await;
    assert_eq!(
        result["answer"]["public"]["scope"],
        request(3)["public"]["scope"],
        "{result}"
    );
}
