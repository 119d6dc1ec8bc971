//! Valid requests for proofs.

use std::process::Command;

use bauta_circuits::{Ownership, Proof, load_or_setup_development};
use bauta_primitives::{Digest, tree::Depth};
use serde_json::{Value, json};

use crate::common::{Running, request};

fn decode<const N: usize>(text: &Value) -> [u8; N] {
    let digits = text.as_str().unwrap().strip_prefix("0x").unwrap();
    hex::decode(digits).unwrap().try_into().unwrap()
}

#[tokio::test]
async fn a_proof_is_valid_for_arkworks_and_for_the_service() {
    let service = Running::start(&[]);
    let (status, answer) = service.post("/prove", &request(3)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["success"], true);
    let metadata = &answer["proof"]["metadata"];
    assert_eq!(metadata["proof_size"], Proof::LENGTH);

    let key = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
    let proof = Proof::from_bytes(&decode(&answer["proof"]["proof"])).unwrap();
    let digest = Digest::from_bytes(decode(&metadata["input_hash"])).unwrap();
    key.verifying_key().verify(digest, &proof).unwrap();
    let hash = format!("0x{}", hex::encode(key.verifying_key().hash()));
    assert_eq!(metadata["model_hash"], hash.as_str());

    let bytes = &answer["proof"]["proof"];
    let elements = ["root", "nullifier", "scope", "claim", "context"].map(|part| &answer["public"][part]);
    let mut reversed = elements;
    reversed.reverse();
    for (form, valid) in [
        (
            json!({"proof": bytes, "circuitId": "ownership-v1-depth10", "public": answer["public"]}),
            true,
        ),
        (
            json!({"proof": bytes, "circuitId": "ownership-v1", "input_hash": metadata["input_hash"]}),
            true,
        ),
        (
            json!({"proof": bytes, "model_hash": hash, "input_hash": metadata["input_hash"],
                   "expected_output": metadata["output"]}),
            true,
        ),
        (
            json!({"proof": bytes, "circuitId": "ownership-v1", "input_hash": answer["public"]["root"]}),
            false,
        ),
        // The proof's document carries the public inputs.
        (
            json!({"proof": answer["proof"], "circuitId": "ownership-v1"}),
            true,
        ),
        (json!({"proof": answer["proof"]}), true),
        (
            json!({"proof": answer["proof"], "circuitId": "ownership-v1", "input_hash": answer["public"]["root"]}),
            false,
        ),
        (
            json!({"proof": bytes, "circuitId": "ownership-v1", "expected_output": elements}),
            true,
        ),
        (
            json!({"proof": bytes, "circuitId": "ownership-v1", "expected_output": reversed}),
            false,
        ),
        (
            json!({"proof": bytes, "circuitId": "ownership-v1", "input_hash": answer["public"]["root"],
                   "expected_output": metadata["output"]}),
            false,
        ),
    ] {
        let (status, verdict) = service.post("/verify", &form).await;
        assert_eq!(
            (status, &verdict["valid"]),
            (200, &json!(valid)),
            "{form} {verdict}"
        );
    }
    // The proof is bound to each of the five public inputs.
    for part in ["root", "nullifier", "scope", "claim", "context"] {
        let mut public = answer["public"].clone();
        public[part] = json!(format!("0x{:064x}", 99));
        let form = json!({"proof": bytes, "circuitId": "ownership-v1", "public": public});
        let (status, verdict) = service.post("/verify", &form).await;
        assert_eq!((status, &verdict["valid"]), (200, &json!(false)), "{part}");
    }
}

#[tokio::test]
async fn the_ids_of_the_address_statement_need_its_key() {
    let service = Running::start(&[]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    for id in ["membership-v1", "structure-v1"] {
        let form = json!({"proof": answer["proof"], "circuitId": id});
        let (status, problem) = service.post("/verify", &form).await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("unknown_circuit")),
            "{id}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_verifier_serves_only_verification_and_needs_no_database_and_no_secret() {
    let service = Running::start(&[]);
    let (_, answer) = service.post("/prove", &request(3)).await;
    // The database doesn't exist, and there are no keys for witnesses.
    let database = ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let verifier = Running::verifier(&[database, ("ALLOW_ANONYMOUS", ""), ("API_KEYS", "")]);
    for path in ["/verify", "/v1/verify"] {
        let form = json!({"proof": answer["proof"], "circuitId": "ownership-v1"});
        let (status, verdict) = verifier.post(path, &form).await;
        assert_eq!((status, &verdict["valid"]), (200, &json!(true)), "{verdict}");
    }
    assert_eq!(verifier.get("/health").await.0, 200);
    assert_eq!(verifier.ready().await.1["status"], "ready");
    for path in ["/prove", "/prove/batch"] {
        let (status, problem) = verifier.post(path, &request(3)).await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("no_such_route")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_batch_is_proved_completely_or_refused_with_the_position_of_the_invalid_request() {
    let service = Running::start(&[]);
    let good: Vec<Value> = (0..5).map(request).collect();
    let (status, answer) = service.post("/prove/batch", &json!({"requests": good})).await;
    assert_eq!(status, 200, "{answer}");
    let nullifiers: std::collections::HashSet<_> = (0..5)
        .map(|index| answer["proofs"][index]["public"]["nullifier"].as_str().unwrap())
        .collect();
    assert_eq!(nullifiers.len(), 5);
    let mut bad = good.clone();
    bad[3]["private"]["index"] = 9.into();
    let (status, problem) = service.post("/prove/batch", &json!({"requests": bad})).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("requests[3].private.path")),
        "{problem}"
    );
    let (_, health) = service.get("/health").await;
    assert_eq!(health["proofs_generated"], 5);
    let (status, _) = service.post("/prove/batch", &json!({"requests": []})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn every_proof_has_new_randomness() {
    let service = Running::start(&[]);
    let (_, first) = service.post("/prove", &request(3)).await;
    let (_, second) = service.post("/prove", &request(3)).await;
    assert_eq!(first["public"], second["public"]);
    assert_ne!(first["proof"]["proof"], second["proof"]["proof"]);
}

#[tokio::test]
async fn more_requests_than_worker_slots_all_succeed() {
    let service = Running::start(&[("MAX_CONCURRENT_PROOFS", "2")]);
    let requests: Vec<Value> = (0..12).map(request).collect();
    let answers = requests.iter().map(|request| service.post("/prove", request));
    for (status, answer) in futures_util::future::join_all(answers).await {
        assert_eq!(status, 200, "{answer}");
    }
    let (_, health) = service.get("/health").await;
    assert_eq!(health["proofs_generated"], 12);
    assert_eq!(health["status"], "healthy");
    assert!(
        health["average_proof_time_ms"].as_f64().unwrap() > 0.0,
        "{health}"
    );
    let (_, snapshot) = service.get("/api/metrics/snapshot").await;
    assert_eq!(snapshot["proofs"]["proofs"], 12, "{snapshot}");
    assert_eq!(snapshot["proofs"]["successRate"], 1.0, "{snapshot}");
    assert!(
        snapshot["proofs"]["p99Ms"].as_f64() >= snapshot["proofs"]["p50Ms"].as_f64(),
        "{snapshot}"
    );
    let metrics = service.metrics().await;
    for line in [
        r#"arc_prover_proofs_total{status="success"} 12"#,
        r#"zkp_proof_generation_total{circuit="ownership-v1-depth10"} 12"#,
        "arc_prover_proof_duration_seconds_count 12",
        r#"proof_generation_duration_seconds_bucket{le="+Inf"} 12"#,
        "arc_prover_queue_depth 0",
        "arc_prover_active_proofs 0",
    ] {
        assert!(metrics.contains(line), "{line} isn't in: {metrics}");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_with_429_and_the_waiting_requests_succeed() {
    let service = Running::start(&[("MAX_CONCURRENT_PROOFS", "1"), ("MAX_WAITING_PROOFS", "1")]);
    let body = request(3);
    let answers = (0..8).map(|_| service.post("/prove", &body));
    let mut statuses = Vec::new();
    for (status, answer) in futures_util::future::join_all(answers).await {
        if status == 429 {
            assert_eq!(answer["code"], "queue_full");
        }
        statuses.push(status);
    }
    statuses.sort_unstable();
    assert!(
        statuses.iter().all(|status| [200, 429].contains(status)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&429) && statuses.contains(&200), "{statuses:?}");
    let (status, _) = service.post("/prove", &body).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn the_error_for_a_timeout_has_the_text_of_the_contract() {
    let service = Running::start(&[("PROOF_TIMEOUT_MS", "1")]);
    let (status, answer) = service.post("/prove", &request(3)).await;
    assert_eq!((status, &answer["code"]), (504, &json!("proof_timeout")));
    assert_eq!(answer["detail"], "Proof generation exceeded timeout (1ms)");
}

#[tokio::test]
async fn circuits_and_models_are_listed() {
    let service = Running::start(&[]);
    let (_, circuits) = service.get("/circuits").await;
    let circuit = &circuits["circuits"][0];
    assert_eq!(circuit["id"], "ownership-v1-depth10");
    assert_eq!(circuit["provenance"], "development");
    assert!(circuit["warning"].as_str().unwrap().contains("ANYBODY CAN FORGE"));
    assert_eq!(service.get("/models").await.1, json!({"models": []}));
}

#[tokio::test]
async fn the_error_for_missing_memory_has_the_text_of_the_contract_and_the_service_continues() {
    let service = Running::start(&[]);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let limit = |bytes: &str| {
        let id = service.id().to_string();
        let set = Command::new("prlimit")
            .args(["--pid", &id, &format!("--as={bytes}")])
            .status();
        assert!(set.unwrap().success());
    };
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let used = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .unwrap();
    let used: u64 = used.trim().trim_end_matches(" kB").parse().unwrap();
    // 16 MB more than the current use: enough for the service to run, but not for a proof.
    limit(&format!("{}:unlimited", 1024 * used + 16_000_000));
    let (status, problem) = service.post("/prove", &request(3)).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("out_of_memory")),
        "{problem}"
    );
    assert_eq!(problem["detail"], "Cannot allocate memory for proof generation");
    limit("unlimited:unlimited");
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
}
