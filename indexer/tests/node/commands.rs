//! Tests of the commands for operators.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::sync::Arc;

use bauta_indexing::nodes::RpcSource;
use bauta_indexing::{Follower, Settings, request_quarantined};
use bauta_rpc::CommitmentLevel;
use bauta_store::Slot;
use bauta_store::testing::{TestDatabase, rows_of_the_chain};
use solana_signature::Signature;

use crate::support::{Replica, TestCluster};

/// Runs a command of the indexer.
async fn run(cluster: &TestCluster, database: &TestDatabase, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bauta-indexer"));
    command
        .args(arguments)
        .env("DATABASE_URL", database.url().unwrap())
        .env("SOLANA_RPC_URL", cluster.chain.rpc_url())
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0");
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Asserts that a command succeeded and printed a text.
fn assert_succeeds(output: &Output, printed: &str) {
    let text = text(output);
    assert!(output.status.success() && text.contains(printed), "{text}");
}

/// Asserts that a command failed and printed a text.
fn assert_fails(output: &Output, printed: &str) {
    let text = text(output);
    assert!(!output.status.success() && text.contains(printed), "{text}");
}

/// A chain with a registry of two leaves, a database, and a replica that has followed it.
async fn followed() -> (TestCluster, TestDatabase, Replica) {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    cluster.append(2).await;
    let database = TestDatabase::create().await.unwrap();
    let mut replica = cluster.index(&database.store);
    replica
        .until("caught up", |status| status.caught_up_at.is_some())
        .await;
    (cluster, database, replica)
}

/// A chain with a registry of two leaves, a database, and a follower that has read it.
async fn read() -> (TestCluster, TestDatabase, Follower<RpcSource>) {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    cluster.append(2).await;
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::new(bauta::ID);
    let mut follower = Follower::new(Arc::new(cluster.source()), database.store.clone(), settings);
    follower.step().await.unwrap();
    (cluster, database, follower)
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_the_progress_and_undo_moves_the_checkpoint_back() {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::new(bauta::ID);
    let mut follower = Follower::new(Arc::new(cluster.source()), database.store.clone(), settings);
    follower.step().await.unwrap();
    let first = database.store.checkpoint().await.unwrap().unwrap();
    cluster.append(2).await;
    follower.step().await.unwrap();
    let second = database.store.checkpoint().await.unwrap().unwrap();

    let output = run(&cluster, &database, &["status", "--json"]).await;
    assert!(output.status.success(), "{}", text(&output));
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["checkpoint_slot"], second.slot.get());
    assert!(status["head_slot"].as_u64().unwrap() >= second.slot.get());
    assert_eq!(status["journal_batches"], 2);
    assert_eq!(status["journal_first_slot"], first.slot.get());
    let genesis_hash = cluster.rpc.genesis_hash().await.unwrap();
    assert_eq!(status["genesis_hash"], genesis_hash.to_string());
    assert!(status["nodes"][0]["first_slot"].is_u64(), "{status}");
    let output = run(&cluster, &database, &["status"]).await;
    assert!(text(&output).contains(&format!("checkpoint   slot {}", second.slot)));

    let slot = first.slot.to_string();
    let output = run(&cluster, &database, &["undo", "--to", &slot, "--dry-run"]).await;
    assert!(text(&output).contains("would move"), "{}", text(&output));
    assert_eq!(database.store.checkpoint().await.unwrap(), Some(second));
    let output = run(&cluster, &database, &["undo", "--to", &slot]).await;
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(database.store.checkpoint().await.unwrap(), Some(first));
    // The running follower reads the chain again.
    follower.step().await.unwrap();
    let registry = database.store.registry(cluster.registry()).await.unwrap();
    assert_eq!(registry.sequence.get(), 1);
    // Without a journal nothing can be undone.
    let third = database.store.checkpoint().await.unwrap().unwrap();
    database.store.finalize(third.slot).await.unwrap();
    let output = run(&cluster, &database, &["undo", "--to", &slot]).await;
    assert_fails(&output, "can't be rolled back");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_the_accounts_that_differ() {
    let (cluster, database, replica) = followed().await;
    let registry = cluster.registry().to_string();
    for arguments in [vec!["verify"], vec!["verify", "--registry", &registry]] {
        let output = run(&cluster, &database, &arguments).await;
        assert!(
            output.status.success() && text(&output).contains("0 accounts differ"),
            "{}",
            text(&output)
        );
    }
    sqlx::query("UPDATE registries SET next_index = 3")
        .execute(database.pool())
        .await
        .unwrap();
    let output = run(&cluster, &database, &["verify", "--registry", &registry]).await;
    assert!(!output.status.success(), "{}", text(&output));
    assert!(
        text(&output).contains(&format!("registry {registry} differs")),
        "{}",
        text(&output)
    );
    replica.stop().await;
}

/// A follower whose database lacks the events of the last transaction, in a final slot.
async fn incomplete() -> (TestCluster, TestDatabase, Follower<RpcSource>, String) {
    let (cluster, database, follower) = read().await;
    let slot: i64 = sqlx::query_scalar("SELECT max(slot) FROM events")
        .fetch_one(database.pool())
        .await
        .unwrap();
    while cluster.rpc.slot(CommitmentLevel::Finalized).await.unwrap() < slot.unsigned_abs() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    sqlx::query("DELETE FROM events WHERE slot = $1")
        .bind(slot)
        .execute(database.pool())
        .await
        .unwrap();
    let checkpoint = database.store.checkpoint().await.unwrap().unwrap();
    database.store.mark_final(checkpoint.slot).await.unwrap();
    (cluster, database, follower, slot.to_string())
}

async fn events(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(database.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn backfill_adds_what_is_missing_in_final_slots() {
    let (cluster, database, mut follower, slot) = incomplete().await;
    let before = events(&database).await;
    let output = run(&cluster, &database, &["verify", "--slot", &slot]).await;
    assert_fails(&output, "the database does not have");
    let output = run(&cluster, &database, &["backfill", "--from", &slot, "--dry-run"]).await;
    assert_succeeds(&output, "1 are missing");
    assert!(database.store.quarantined().await.unwrap().is_empty());
    let arguments = ["backfill", "--from", &slot];
    let adding = run(&cluster, &database, &arguments);
    tokio::pin!(adding);
    let output = loop {
        tokio::select! {
            output = &mut adding => break output,
            // The leader.
            () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {
                let answers = request_quarantined(&database.store, follower.source()).await.unwrap();
                if let Some(answers) = answers {
                    follower.apply_quarantine_answers(answers).await.unwrap();
                }
                follower.step().await.unwrap();
            }
        }
    };
    assert_succeeds(&output, "1 of 1 are added");
    follower.step().await.unwrap();
    assert_eq!(events(&database).await, before + 2);
    let output = run(&cluster, &database, &["verify", "--slot", &slot]).await;
    assert_succeeds(&output, "0 differences");
}

#[tokio::test(flavor = "multi_thread")]
async fn reconcile_names_the_accounts_that_differ_and_requires_a_mode() {
    let (cluster, database, replica) = followed().await;
    let output = run(&cluster, &database, &["reconcile"]).await;
    assert_fails(&output, "--now");
    let output = run(&cluster, &database, &["reconcile", "--now"]).await;
    assert_succeeds(&output, "0 accounts differ");
    sqlx::query("UPDATE registries SET next_index = 3")
        .execute(database.pool())
        .await
        .unwrap();
    let output = run(&cluster, &database, &["reconcile", "--dry-run"]).await;
    let registry = cluster.registry();
    assert_fails(&output, &format!("registry {registry} differs"));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_one_database_can_be_imported_into_another() {
    let (cluster, database, _follower) = read().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let file = path.to_str().unwrap();
    // An export that fails leaves no file.
    let empty = TestDatabase::create().await.unwrap();
    let output = run(&cluster, &empty, &["snapshot", "export", file]).await;
    assert!(!output.status.success(), "{}", text(&output));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let output = run(&cluster, &database, &["snapshot", "export", file]).await;
    assert!(output.status.success(), "{}", text(&output));
    // Only its owner can read it.
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // It does not replace a file.
    let output = run(&cluster, &database, &["snapshot", "export", file]).await;
    assert!(!output.status.success(), "{}", text(&output));
    let other = TestDatabase::create().await.unwrap();
    let output = run(&cluster, &other, &["snapshot", "import", file, "--dry-run"]).await;
    assert_succeeds(&output, "would be imported");
    assert_eq!(other.store.checkpoint().await.unwrap(), None);
    let output = run(&cluster, &other, &["snapshot", "import", file]).await;
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(
        rows_of_the_chain(other.pool()).await.unwrap(),
        rows_of_the_chain(database.pool()).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_remove_a_transaction_from_the_quarantine() {
    let cluster = TestCluster::start().await;
    let database = TestDatabase::create().await.unwrap();
    let signature = Signature::from([9; 64]);
    let entry = [((Slot::new(7), signature), true)];
    let store = &database.store;
    store
        .quarantine(&entry, "invented by a node", true)
        .await
        .unwrap();
    let name = signature.to_string();
    for (arguments, succeeds, left) in [
        (vec!["quarantine", "release", "other"], false, 1),
        (vec!["quarantine", "release", &name, "--dry-run"], true, 1),
        (vec!["quarantine", "release", &name], true, 0),
    ] {
        let output = run(&cluster, &database, &arguments).await;
        assert_eq!(output.status.success(), succeeds, "{}", text(&output));
        assert_eq!(
            store.quarantined().await.unwrap().len(),
            left,
            "{}",
            text(&output)
        );
    }
}
