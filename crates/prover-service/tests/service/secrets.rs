//! A member's secret is nowhere but in the member's request.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bauta_store::testing::TestDatabase;

use crate::common::{Running, cache, request, secret, with_jobs};

/// The encodings in which a secret could hide.
pub fn encodings(secret: [u8; 32]) -> Vec<Vec<u8>> {
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let decimal = num_bigint::BigUint::from_bytes_be(&secret).to_string();
    let mut encodings = vec![
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
        hex::encode(&reversed).into_bytes(),
        reversed,
        decimal.into_bytes(),
        bs58::encode(secret).into_vec(),
    ];
    let list: Vec<String> = secret.iter().map(u8::to_string).collect();
    encodings.push(list.join(",").into_bytes());
    encodings.push(list.join(", ").into_bytes());
    encodings
}

/// Fails if the text has the secret in any encoding.
pub fn assert_absent(place: &str, text: &[u8], secret: [u8; 32]) {
    for encoding in encodings(secret) {
        let found = text.windows(encoding.len()).any(|window| window == encoding);
        assert!(
            !found,
            "{place} has the secret as {}",
            String::from_utf8_lossy(&encoding)
        );
    }
}

#[tokio::test]
async fn a_secret_is_in_no_answer_log_or_metric() {
    let service = Running::start(&[("RUST_LOG", "trace")]);
    let good = request(3);
    let mut unsatisfying = good.clone();
    unsatisfying["private"]["index"] = 5.into();
    let mut mistyped = good.clone();
    let secret_text = good["private"]["secret"].clone();
    mistyped["private"]["entry_id"] = serde_json::json!([secret_text]);
    for (request, status) in [(&good, 200), (&unsatisfying, 400), (&mistyped, 400)] {
        let (found, answer) = service.post("/prove", request).await;
        assert_eq!(found, status, "{answer}");
        assert_absent("the answer", answer.to_string().as_bytes(), secret(3));
    }
    assert_absent("/metrics", service.metrics().await.as_bytes(), secret(3));
    let log = service.log_with("proof_generated").await;
    assert_absent("the log", log.as_bytes(), secret(3));
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // Postgres removes files while it runs.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
    }
    found
}

/// The first file under a folder that has the secret in any encoding.
fn find(folder: &Path, secret: [u8; 32]) -> Option<PathBuf> {
    let encodings = encodings(secret);
    files(folder).into_iter().find(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        encodings
            .iter()
            .any(|encoding| memchr::memmem::find(&bytes, encoding).is_some())
    })
}

#[tokio::test]
async fn a_jobs_secret_is_on_no_disk_in_no_log_and_no_metric_during_and_after_it() {
    let postgres = bauta_local::Postgres::start().unwrap();
    let database = TestDatabase::on(postgres.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUN_JOBS", "false"), ("RUST_LOG", "trace")]));
    let id = service.enqueue(&request(3), None).await;
    // Tables and write-ahead log, as they lie on the disk. That the search finds what is there is shown by a planted secret.
    sqlx::query("CREATE TABLE planted AS SELECT $1::text AS text")
        .bind(hex::encode(secret(5)))
        .execute(database.pool())
        .await
        .unwrap();
    sqlx::query("CHECKPOINT").execute(database.pool()).await.unwrap();
    assert!(find(postgres.folder(), secret(5)).is_some());
    assert_eq!(find(postgres.folder(), secret(3)), None, "while the job waits");

    let worker = Running::worker(&with_jobs(&url, &[("RUST_LOG", "trace")]));
    let job = service.result(&id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    sqlx::query("CHECKPOINT").execute(database.pool()).await.unwrap();
    assert_eq!(find(postgres.folder(), secret(3)), None, "after the job");
    assert_eq!(find(cache().path(), secret(3)), None, "in CACHE_DIR");
    assert_absent("the job", job.to_string().as_bytes(), secret(3));
    for process in [&service, &worker] {
        assert_absent("the log", process.log().as_bytes(), secret(3));
        assert_absent("/metrics", process.metrics().await.as_bytes(), secret(3));
    }
}
