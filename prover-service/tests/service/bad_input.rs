//! Invalid requests are refused with the field and the rule before a proof starts.

use std::time::Duration;

use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
    contract::contract,
};

/// The modulus r of the scalar field.
const R: &str = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
const R_PLUS_ONE: &str = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000002";

/// Returns a valid request with one field changed or, if the value is null, removed.
fn with(pointer: &str, value: Value) -> Value {
    let mut request = request(3);
    if value != Value::Null
        && let Some(existing) = request.pointer_mut(pointer)
    {
        *existing = value;
        return request;
    }
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value == Value::Null {
        parent.remove(name).unwrap();
    } else {
        parent.insert(name.to_owned(), value);
    }
    request
}

/// Returns invalid requests, each with the field of its error and a part of the rule.
fn cases() -> Vec<(Value, &'static str, &'static str)> {
    let other = request(4);
    vec![
        (with("/statement", json!("nothing")), "statement", "/circuits"),
        (with("/statement", Value::Null), "statement", "missing"),
        (with("/statement", json!(5)), "statement", "invalid type"),
        (with("/public", Value::Null), "public", "missing"),
        (with("/private", Value::Null), "private", "missing"),
        (with("/public/root", Value::Null), "public.root", "missing"),
        (
            with("/public/scope", Value::Null),
            "public",
            "missing field `scope`",
        ),
        (
            with("/public/root", json!(R)),
            "public.root",
            "below the BN254 scalar modulus",
        ),
        (
            with("/public/scope", json!(R_PLUS_ONE)),
            "public.scope",
            "below the BN254 scalar modulus",
        ),
        (
            with("/public/claim", json!("0x12")),
            "public.claim",
            "64 hexadecimal digits",
        ),
        (
            with("/public/context", json!(1)),
            "public.context",
            "invalid type",
        ),
        (
            with("/private/secret", json!(R)),
            "private.secret",
            "below the BN254 scalar modulus",
        ),
        (
            with("/private/secret", json!("0x12")),
            "private.secret",
            "64 hexadecimal digits",
        ),
        (
            with("/private/secret", json!(4711)),
            "private.secret",
            "64 hexadecimal digits",
        ),
        (
            with("/private/entry_id", json!(R)),
            "private.entry_id",
            "below the BN254 scalar modulus",
        ),
        (with("/private/index", json!(-1)), "private.index", "u64"),
        (
            with("/private/index", json!(1_048_576)),
            "private.index",
            "out of range",
        ),
        (with("/private/index", Value::Null), "private.index", "missing"),
        (with("/private/path", Value::Null), "private.path", "missing"),
        (with("/private/path", json!([])), "private.path", "levels"),
        (
            with("/private/path/0", json!(["0x00"])),
            "private.path[0][0]",
            "64 hexadecimal digits",
        ),
        (
            with("/private/path", other["private"]["path"].clone()),
            "private.path",
            "does not lead",
        ),
        (with("/private/index", json!(4)), "private.path", "does not lead"),
        (
            with("/private/secret", other["private"]["secret"].clone()),
            "private.path",
            "does not lead",
        ),
        (
            with("/public/claim", json!(format!("0x{:064x}", 8))),
            "public.claim",
            "attributes",
        ),
        (with("/depth", json!(300)), "depth", "u8"),
        (with("/more", json!(1)), "more", "unknown field"),
        (with("/private/more", json!(1)), "private.more", "unknown field"),
        (with("/tag", json!("x".repeat(129))), "tag", "128"),
        (with("/priority", json!(0)), "priority", "from 1"),
        (
            with("/registry", json!({"address": "x", "index": 3})),
            "private.path",
            "combined with registry",
        ),
    ]
}

#[tokio::test]
async fn all_invalid_fields_of_a_request_are_reported_at_once() {
    let service = Running::start(&[]);
    let fields = |problem: &Value| -> Vec<String> {
        let errors = problem["errors"].as_array().unwrap().iter();
        errors
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut body = with("/public/scope", json!(R));
    body["private"]["index"] = json!(-1);
    body["priority"] = json!("high");
    let (status, problem) = service.post("/prove", &body).await;
    assert_eq!(status, 400);
    assert_eq!(problem["title"], "Invalid input");
    let mut found = fields(&problem);
    found.sort();
    assert_eq!(found, ["priority", "private.index", "public.scope"], "{problem}");
    // The values have the right types, and are wrong.
    let mut body = with("/private/index", Value::Null);
    body["private"].as_object_mut().unwrap().remove("path");
    body["tag"] = json!("x".repeat(129));
    body["priority"] = json!(11);
    let (_, problem) = service.post("/prove", &body).await;
    let expected = ["tag", "priority", "private.index", "private.path"];
    assert_eq!(fields(&problem), expected, "{problem}");
    assert_eq!(problem["field"], "tag");
    body["requestId"] = json!("no id");
    let (_, _, problem) = service.post_with("/prove", ("idempotency-key", ""), &body).await;
    let expected = [
        "Idempotency-Key",
        "requestId",
        "tag",
        "priority",
        "private.index",
        "private.path",
    ];
    assert_eq!(fields(&problem), expected, "{problem}");
    let mut body = with("/public/root", Value::Null);
    body["private"].as_object_mut().unwrap().remove("path");
    let (_, problem) = service.post("/prove", &body).await;
    assert_eq!(fields(&problem), ["public.root", "private.path"], "{problem}");
    let mut body = with("/private/index", json!(1_048_576));
    body["private"]["path"] = json!([]);
    let (_, problem) = service.post("/prove", &body).await;
    assert_eq!(fields(&problem), ["private.index", "private.path"], "{problem}");
    let body = json!({"requests": [with("/statement", json!("x")), request(3), with("/tag", json!("x".repeat(129)))]});
    let (_, problem) = service.post("/prove/batch", &body).await;
    let expected = ["requests[0].statement", "requests[2].tag"];
    assert_eq!(fields(&problem), expected, "{problem}");
    let (key, line) = api_key("prove,admin");
    let mut service = Running::start(&[("API_KEYS", &line)]);
    service.identify(&key);
    let long = "x".repeat(1000);
    for (path, body, expected) in [
        (
            "/tickets",
            json!({"id": "no id", "origin": "https://app.example.org/path"}),
            vec!["id", "origin"],
        ),
        (
            "/api/workers/register",
            json!({"id": long, "url": long, "maxConcurrency": 1}),
            vec!["id", "url"],
        ),
        (
            "/api/profiling/comprehensive",
            json!({"circuitTypes": [], "networkSizes": [0], "iterations": 0, "warmupIterations": 1000}),
            vec![
                "circuitTypes",
                "networkSizes[0]",
                "iterations",
                "warmupIterations",
            ],
        ),
    ] {
        let (_, problem) = service.post(path, &body).await;
        assert_eq!(fields(&problem), expected, "{path}: {problem}");
    }
    let body = json!({"proof": "0x12", "model_hash": "0x12", "expected_output": ["0x00"]});
    let (_, problem) = service.post("/verify", &body).await;
    let expected = ["proof", "model_hash", "expected_output"];
    assert_eq!(fields(&problem), expected, "{problem}");
    let contract = json!({"walletHash": request(3)["public"]["scope"], "priority": 0});
    let (_, problem) = service.post("/prove", &contract).await;
    let expected = [
        "priority",
        "tokenId",
        "trackId",
        "merkleProof",
        "secret",
        "scope",
        "context",
    ];
    assert_eq!(fields(&problem), expected, "{problem}");
}

#[tokio::test]
async fn invalid_input_is_refused_with_field_and_rule_and_never_queued() {
    let service = Running::start(&[]);
    for (body, field, rule) in cases() {
        let (status, problem) = service.post("/prove", &body).await;
        assert_eq!(status, 400, "{field}: {problem}");
        assert_eq!(problem["code"], "invalid_input", "{problem}");
        assert_eq!(problem["field"], field, "{problem}");
        let found = problem["rule"].as_str().unwrap();
        assert!(found.contains(rule), "{field}: {rule} isn't in: {found}");
        assert!(
            !problem.to_string().contains("4711"),
            "the error contains a secret: {problem}"
        );
    }
    let metrics = service.metrics().await;
    for line in [
        r#"arc_prover_proofs_total{status="success"} 0"#,
        r#"arc_prover_proofs_total{status="error"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line} isn't in: {metrics}");
    }
}

/// The decoder of base58 takes a time that grows with the square of the length. A text of 500,000
/// characters would occupy a processor for minutes.
#[tokio::test]
async fn a_text_that_is_longer_than_an_address_is_refused_without_decoding_it() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("REQUEST_TIMEOUT_MS", "20000")]));
    let long = "z".repeat(500_000);
    let mut contract = contract(3);
    contract["tokenId"] = json!(long);
    let mut registry = with("/private/path", Value::Null);
    registry["private"].as_object_mut().unwrap().remove("index");
    registry["registry"] = json!({"address": long, "index": 3});
    for (request, field) in [
        (contract, "requests[0].tokenId"),
        (registry, "requests[0].registry.address"),
    ] {
        let body = json!({"requests": [request]});
        let answer = tokio::time::timeout(Duration::from_mins(1), service.post("/prove/batch", &body)).await;
        let (status, problem) = answer.expect("the text is not decoded");
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
}

#[tokio::test]
async fn the_error_for_a_statement_that_is_not_built_names_it() {
    let service = Running::start(&[]);
    for statement in ["dataset", "policy"] {
        let (status, problem) = service
            .post("/prove", &with("/statement", json!(statement)))
            .await;
        assert_eq!((status, &problem["code"]), (501, &json!("statement_not_built")));
        assert_eq!(problem["statement"], statement);
    }
    for statement in ["address", "reputation"] {
        let (status, problem) = service
            .post("/prove", &with("/statement", json!(statement)))
            .await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_circuit")));
    }
    let body = json!({"attestations": [], "proofType": "exact", "priority": 1});
    let (status, problem) = service.post("/api/proof/generate", &body).await;
    assert_eq!((status, &problem["statement"]), (501, &json!("reputation")));
}

#[tokio::test]
async fn a_model_is_searched_for_only_in_the_folder_of_models() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.onnx"), "a model").unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    std::fs::write(models.join("n.onnx"), "a model").unwrap();
    let models = models.to_str().unwrap();
    let service = Running::start(&[("MODELS_DIR", models)]);
    let body = |id: &str| json!({"model_id": id, "inputs": [1.0], "tag": "t"});
    let (status, problem) = service.post("/prove", &body("n")).await;
    assert_eq!((status, &problem["statement"]), (501, &json!("policy")));
    let (status, problem) = service.post("/prove", &body("m")).await;
    assert_eq!((status, &problem["code"]), (404, &json!("model_not_found")));
    assert_eq!(problem["detail"], format!("Model 'm' not found in {models}"));
    for id in ["../m", "/etc/passwd", "", ".n", "a/b"] {
        let (status, problem) = service.post("/prove", &body(id)).await;
        assert_eq!((status, &problem["field"]), (400, &json!("model_id")), "{id}");
    }
    let (status, problem) = service.post("/prove", &json!({"inputs": [1.0]})).await;
    assert_eq!((status, &problem["field"]), (400, &json!("model_id")));
}

#[tokio::test]
async fn a_circuit_without_a_key_is_unknown() {
    let service = Running::start(&[]);
    for body in [with("/version", json!(2)), with("/depth", json!(16))] {
        let (status, problem) = service.post("/prove", &body).await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("unknown_circuit")),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn verify_names_a_missing_or_invalid_field() {
    let service = Running::start(&[]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    let proof = &answer["proof"]["proof"];
    for (body, field) in [
        (
            json!({"proof": "0x12", "circuitId": "ownership-v1", "public": answer["public"]}),
            "proof",
        ),
        (json!({"proof": proof, "circuitId": "ownership-v1"}), "public"),
        (json!({"proof": proof, "public": answer["public"]}), "circuitId"),
        (
            json!({"proof": proof, "circuitId": "ownership-v1", "input_hash": R}),
            "input_hash",
        ),
        (
            json!({"proof": proof, "circuitId": "ownership-v1", "expected_output": "0x00"}),
            "expected_output",
        ),
    ] {
        let (status, problem) = service.post("/verify", &body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
    // Bytes that aren't curve points are an invalid proof, which is a result and not an error.
    let zeros = format!("0x{}", "00".repeat(256));
    let body = json!({"proof": zeros, "circuitId": "ownership-v1", "public": answer["public"]});
    let (status, verdict) = service.post("/verify", &body).await;
    assert_eq!((status, &verdict["valid"]), (200, &json!(false)));
    assert!(
        verdict["reason"].as_str().unwrap().contains("infinity"),
        "{verdict}"
    );
}

#[tokio::test]
async fn errors_about_the_forms_of_a_proof_to_verify_name_the_field_and_no_type() {
    let service = Running::start(&[]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    let document = &answer["proof"];
    let mut incomplete = document.clone();
    incomplete["metadata"].as_object_mut().unwrap().remove("output");
    let mut of_other_type = document.clone();
    of_other_type["metadata"]["output"] = json!(5);
    let element = format!("0x{}", "00".repeat(32));
    for (field, value, expected, rule) in [
        ("proof", json!(5), "proof", "expected a string"),
        ("proof", incomplete, "proof.metadata", "missing field `output`"),
        (
            "proof",
            of_other_type,
            "proof.metadata.output",
            "expected a string",
        ),
        ("expected_output", json!(5), "expected_output", "a list of five"),
        (
            "expected_output",
            json!([element, 5]),
            "expected_output[1]",
            "expected a string",
        ),
        (
            "expected_output",
            json!(vec![&element; 6]),
            "expected_output",
            "must have at most 5 elements",
        ),
    ] {
        let mut body = json!({"proof": document, "public": answer["public"]});
        body[field] = value;
        let (status, problem) = service.post("/verify", &body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(expected)), "{problem}");
        let text = problem["rule"].as_str().unwrap();
        assert!(text.contains(rule), "{rule} is not in {text}");
        assert!(!problem.to_string().contains("untagged"), "{problem}");
    }
}
