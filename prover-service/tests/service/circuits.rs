//! Services with several circuits.

use std::{fs, path::PathBuf};

use bauta_circuits::{Ownership, load_or_setup_development};
use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Running, request, request_at, with_jobs};

/// Creates a folder with a key file for a depth.
fn key_file(depth: Depth) -> (TempDir, PathBuf) {
    let key = load_or_setup_development(&Ownership::new(depth)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.key");
    fs::write(&file, key.to_bytes().unwrap()).unwrap();
    (folder, file)
}

#[tokio::test]
async fn the_path_selects_the_circuit_and_circuits_are_listed_by_depth() {
    let ((_large, large), (_small, small)) = (key_file(Depth::Sixteen), key_file(Depth::Ten));
    let files = format!("{},{}", large.display(), small.display());
    let service = Running::start(&[("KEY_FILES", &files)]);
    let (_, circuits) = service.get("/circuits").await;
    let ids = [0, 1].map(|at| circuits["circuits"][at]["id"].as_str().unwrap().to_owned());
    assert_eq!(ids, ["ownership-v1-depth10", "ownership-v1-depth16"]);
    for (depth, id) in [(10, &ids[0]), (16, &ids[1])] {
        let (status, answer) = service.post("/prove", &request_at(depth, 3)).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["proof"]["metadata"]["circuit_id"], id.as_str());
        let form = json!({"proof": answer["proof"]["proof"], "circuitId": id, "public": answer["public"]});
        assert_eq!(service.post("/verify", &form).await.1["valid"], true);
        // The id without a depth is that of the document's key.
        let document = json!({"proof": answer["proof"], "circuitId": "ownership-v1"});
        let (_, verdict) = service.post("/verify", &document).await;
        assert_eq!(verdict["valid"], true, "depth {depth}: {verdict}");
        let contradictory = ids.iter().find(|other| *other != id);
        let contradictory = json!({"proof": answer["proof"], "circuitId": contradictory});
        let (status, problem) = service.post("/verify", &contradictory).await;
        assert_eq!(
            (status, &problem["field"]),
            (400, &json!("proof.metadata.model_hash")),
            "{problem}"
        );
    }
    // An explicit depth overrides the depth of the path.
    let mut explicit = request_at(16, 3);
    explicit["depth"] = json!(10);
    let (status, problem) = service.post("/prove", &explicit).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("private.path")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_job_runs_only_on_a_worker_that_has_the_circuits_key() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (_folder, file) = key_file(Depth::Sixteen);
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false")]));
    let other = Running::worker(&with_jobs(&url, &[("KEY_FILES", file.to_str().unwrap())]));
    let id = service.enqueue(&request(3), None).await;
    let _worker = Running::worker(&with_jobs(&url, &[]));
    let job = service.result(&id).await;
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("succeeded"), &json!(1)),
        "{job}"
    );
    assert!(!other.log().contains("proof_generated"));
}
