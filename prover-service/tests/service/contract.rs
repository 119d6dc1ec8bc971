//! Requests in the contract form, which earlier systems use.

use bauta_primitives::IdentitySecret;
use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::common::{Running, TRACK, request, secret, with_jobs};

/// Returns the request of a member in the contract form.
pub fn contract(index: u64) -> Value {
    let request = request(index);
    let commitment = IdentitySecret::from_bytes(&mut secret(index))
        .unwrap()
        .commitment();
    json!({
        "walletHash": commitment,
        "tokenId": request["private"]["entry_id"],
        "trackId": TRACK,
        "merkleProof": {
            "root": request["public"]["root"],
            "index": index,
            "path": request["private"]["path"],
        },
        "secret": request["private"]["secret"],
        "scope": request["public"]["scope"],
        "context": request["public"]["context"],
    })
}

#[tokio::test]
async fn a_request_in_the_contract_form_gets_a_proof_in_the_same_form() {
    let service = Running::start(&[]);
    let (status, answer) = service.post("/prove", &contract(3)).await;
    assert_eq!(status, 200, "{answer}");
    let (_, bauta) = service.post("/prove", &request(3)).await;
    assert_eq!(answer["public"], bauta["public"]);
    let proof = answer["proof"].as_str().unwrap();
    assert_eq!(proof.len(), 2 + 512, "256 bytes in hexadecimal");
    assert_eq!(answer["document"]["proof"], proof);
    let form = json!({"proof": proof, "circuitId": "ownership-v1", "public": answer["public"]});
    let (_, verdict) = service.post("/verify", &form).await;
    assert_eq!(verdict["valid"], true, "{verdict}");
}

#[tokio::test]
async fn a_job_in_the_contract_form_ends_with_the_usual_answer() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("WS_URL", "wss://prover.example/ws")]));
    let mut body = contract(3);
    body["wait"] = json!(false);
    let (status, accepted) = service.post("/prove", &body).await;
    assert_eq!(status, 202, "{accepted}");
    assert_eq!(accepted["websocket_url"], "wss://prover.example/ws");
    let job = service.result(accepted["job_id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert!(job["answer"]["proof"]["proof"].is_string(), "{job}");
}

#[tokio::test]
async fn errors_of_the_contract_form_name_its_fields() {
    let service = Running::start(&[]);
    let original_fields = ["walletHash", "tokenId", "trackId", "merkleProof"];
    let mut original = contract(3);
    original
        .as_object_mut()
        .unwrap()
        .retain(|field, _| original_fields.contains(&field.as_str()));
    let (status, problem) = service.post("/prove", &original).await;
    assert_eq!((status, &problem["field"]), (400, &json!("secret")), "{problem}");
    for field in [
        "walletHash",
        "tokenId",
        "trackId",
        "merkleProof",
        "secret",
        "scope",
        "context",
    ] {
        let mut incomplete = contract(3);
        incomplete.as_object_mut().unwrap().remove(field).unwrap();
        let (status, problem) = service.post("/prove", &incomplete).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
    let other = contract(4);
    let mint = bs58::encode([7; 32]).into_string();
    for (field, value, named) in [
        ("walletHash", other["walletHash"].clone(), "walletHash"),
        ("tokenId", json!("0x12"), "tokenId"),
        ("tokenId", json!("no mint"), "tokenId"),
        // The tree has no leaf of this token.
        ("tokenId", json!(mint), "merkleProof.path"),
        ("trackId", json!(TRACK + 1), "merkleProof.path"),
        ("trackId", json!(-1), "trackId"),
        ("merkleProof", other["merkleProof"].clone(), "merkleProof.path"),
        ("public", request(3)["public"].clone(), "public"),
        ("private", request(3)["private"].clone(), "private"),
    ] {
        let mut changed = contract(3);
        changed[field] = value;
        let (status, problem) = service.post("/prove", &changed).await;
        assert_eq!(
            (status, &problem["field"]),
            (400, &json!(named)),
            "{field}: {problem}"
        );
    }
    // All errors of the form are reported at once.
    let mut several = contract(3);
    several["walletHash"] = other["walletHash"].clone();
    several["tokenId"] = json!("no mint");
    let (_, problem) = service.post("/prove", &several).await;
    let named: Vec<&Value> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(named, ["walletHash", "tokenId"], "{problem}");
    let mut out_of_range = contract(3);
    out_of_range["merkleProof"]["index"] = json!(1_048_576);
    let (_, problem) = service.post("/prove", &out_of_range).await;
    assert_eq!(problem["field"], "merkleProof.index", "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("merkleProof.index"),
        "{problem}"
    );
    assert_eq!(service.get("/health").await.1["proofs_generated"], 0);
}
