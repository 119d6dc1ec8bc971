//! The rotation of witness keys.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::UNIX_EPOCH};

use bauta_dev_servers::{POSTGRES, Postgres};
use bauta_store::testing::TestDatabase;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde_json::json;

use crate::{
    common::{Running, command, request, text},
    sealed,
    secrets::{assert_absent, encodings, files},
};

/// Returns the environment of a service with a key ring. Its database operations are short, so a
/// replaced key is removed soon.
fn with_ring<'a>(url: &'a str, ring: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut environment = vec![
        ("DATABASE_URL", url),
        ("DATABASE_CONNECTIONS", "8"),
        ("WITNESS_KEY_RING", ring),
        ("STATEMENT_TIMEOUT_MS", "1000"),
        ("SEALING_KEY_GRACE_SECONDS", "0"),
    ];
    environment.extend(more);
    environment
}

fn rotate(environment: &[(&str, &str)]) -> String {
    let output = command(environment).args(["keys", "rotate"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

/// Returns the name and the bytes of each key of a ring.
fn keys(ring: &str) -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(ring).unwrap();
    let keys = text.lines().map(|line| {
        let mut fields = line.split(':');
        let (name, key) = (fields.next().unwrap(), fields.next().unwrap());
        (name.to_owned(), hex::decode(key).unwrap())
    });
    keys.collect()
}

/// Decrypts a sealed witness, independently of the service.
fn decrypt(key: &[u8], job: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, ciphertext) = sealed[1 + usize::from(sealed[0])..].split_at(24);
    let payload = Payload {
        msg: ciphertext,
        aad: job.as_bytes(),
    };
    let cipher = XChaCha20Poly1305::new_from_slice(key).unwrap();
    let nonce: [u8; 24] = nonce.try_into().unwrap();
    cipher.decrypt(&XNonce::from(nonce), payload).ok()
}

/// Returns whether the server's write-ahead log contains a part of the witness. The log has headers
/// in between.
fn log_contains(server: &Postgres, witness: &[u8]) -> bool {
    let segments = files(server.folder()).into_iter();
    let mut segments = segments.filter(|file| file.components().any(|part| part.as_os_str() == "pg_wal"));
    segments.any(|segment| {
        let log = fs::read(segment).unwrap_or_default();
        let is_in_log = |part| memchr::memmem::find(&log, part).is_some();
        witness.chunks_exact(64).any(is_in_log)
    })
}

/// Returns the sealed witness of a job in a dump of the database.
fn witness_in_dump(url: &str, job: &str) -> Vec<u8> {
    // libpq doesn't know the parameters of sqlx.
    let url = url.split('?').next().unwrap();
    let dump = Command::new(
        POSTGRES
            .find()
            .unwrap()
            .canonicalize()
            .unwrap()
            .with_file_name("pg_dump"),
    )
    .args(["--data-only", "--table", "jobs", "--dbname", url])
    .output()
    .unwrap();
    let dump = text(&dump);
    let row = dump.lines().find(|line| line.starts_with(job));
    let row = row.unwrap_or_else(|| panic!("the job is not in the dump:\n{dump}"));
    let digits = row.split("\\\\x").find(|field| field.len() > 2_000);
    let digits = digits.expect("the witness").split('\t').next().unwrap();
    hex::decode(digits).unwrap()
}

#[tokio::test]
async fn after_a_rotation_no_key_is_left_for_the_witnesses_in_a_dump_and_in_the_archived_log() {
    let server = Postgres::start().unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("witness.keys");
    let ring = ring.to_str().unwrap();
    let refused = command(&with_ring(&url, ring, &[])).output().unwrap();
    assert!(text(&refused).contains("keys rotate"), "{}", text(&refused));

    rotate(&with_ring(&url, ring, &[]));
    let old = keys(ring);
    assert_eq!(old.len(), 1);
    let service = Running::start(&with_ring(&url, ring, &[("RUN_JOBS", "false")]));
    let job = service.enqueue(&request(3), None).await;
    let archived = witness_in_dump(&url, &job);
    // The server writes the log of a commit later (`synchronous_commit` is off), but before the end
    // of a checkpoint.
    sqlx::query("CHECKPOINT").execute(database.pool()).await.unwrap();
    assert!(log_contains(&server, &archived), "the log has no witness");

    // The job needs the old key, so it stays.
    let printed = rotate(&with_ring(&url, ring, &[]));
    assert!(printed.contains("added"), "{printed}");
    assert_eq!(keys(ring).len(), 2);
    assert_eq!(keys(ring)[1], old[0]);
    let worker = Running::worker(&with_ring(&url, ring, &[]));
    assert_eq!(service.result(&job).await["state"], "succeeded");

    // The housekeeping removes it soon after the job has ended.
    worker.log_with_any(&[&service], "witness_key_removed").await;
    let left = keys(ring);
    assert_eq!(left.len(), 1);
    assert_ne!(left[0], old[0]);
    assert!(log_contains(&server, &archived), "the log was not kept");
    let opened = decrypt(&old[0].1, &job, &archived).expect("the old key opens the dump");
    assert!(serde_json::from_slice::<serde_json::Value>(&opened).is_ok());
    for (name, key) in left {
        assert!(decrypt(&key, &job, &archived).is_none(), "{name}");
    }
    let old_key: [u8; 32] = old[0].1.clone().try_into().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_absent(&path.display().to_string(), &fs::read(&path).unwrap(), old_key);
    }
    // The server doesn't have the key in any file, whether it is a table or the log.
    assert!(!contains_key(server.folder(), &old_key));

    // New jobs are encrypted with the new key by all instances.
    let job = service.enqueue(&request(4), None).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
}

/// Returns whether a file of a folder contains the key.
fn contains_key(folder: &Path, key: &[u8; 32]) -> bool {
    let encoded = encodings(*key);
    files(folder).into_iter().any(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        encoded
            .iter()
            .any(|encoding| memchr::memmem::find(&bytes, encoding).is_some())
    })
}

#[tokio::test]
async fn keys_are_replaced_on_schedule_and_sighup_does_not_end_the_service() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("witness.keys");
    let ring = ring.to_str().unwrap();
    let settings = [("WITNESS_KEY_ROTATION_SECONDS", "1"), ("RUN_JOBS", "false")];
    let migrated = command(&with_ring(&url, ring, &[]))
        .arg("migrate")
        .output()
        .unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated));
    rotate(&with_ring(&url, ring, &[]));
    let first = keys(ring);
    let service = Running::start(&with_ring(&url, ring, &settings));
    let log = service.log_with("witness_key_removed").await;
    assert!(log.contains("witness_key_added"), "{log}");
    assert_ne!(keys(ring), first);
    let hung_up = Command::new("kill")
        .args(["-HUP", &service.id().to_string()])
        .status()
        .unwrap();
    assert!(hung_up.success());
    service.log_with("hangup").await;
    let job = service.enqueue(&request(3), None).await;
    let worker = Running::worker(&with_ring(&url, ring, &[]));
    assert_eq!(service.result(&job).await["state"], "succeeded");
    drop(worker);
}

fn unix_seconds() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

/// Replaces the file of a ring. A service that reads it sees the old or the new one.
fn replace(ring: &str, text: &str) {
    let new = format!("{ring}.test");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, ring).unwrap();
}

#[tokio::test]
async fn a_replaced_key_opens_what_is_sealed_to_it_until_the_time_that_the_service_has_said() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("witness.keys");
    let ring = ring.to_str().unwrap();
    let settings = [("SEALING_KEY_GRACE_SECONDS", "3600"), ("RUN_JOBS", "false")];
    let settings = with_ring(&url, ring, &settings);
    let migrated = command(&settings).arg("migrate").output().unwrap();
    assert!(migrated.status.success(), "{}", text(&migrated));
    rotate(&settings);
    let service = Running::start(&settings);
    let before = unix_seconds();
    let (_, key) = service.get("/sealing-key").await;
    let valid_until = key["valid_until"].as_i64().unwrap();
    assert!(
        (before + 3_600..=unix_seconds() + 3_600).contains(&valid_until),
        "{key}"
    );
    let sealed = sealed::example(&service).await;

    rotate(&settings);
    // The key was replaced a minute ago. Without sealed inputs, it would be removed now.
    let [new, old] = <[(String, Vec<u8>); 2]>::try_from(keys(ring)).unwrap();
    assert_eq!(json!(old.0), key["key_id"]);
    let lines = fs::read_to_string(ring).unwrap();
    let (head, replaced) = lines.trim_end().rsplit_once(':').unwrap();
    let earlier = replaced.parse::<i64>().unwrap() - 60_000;
    replace(ring, &format!("{head}:{earlier}\n"));
    let printed = rotate(&settings);
    assert!(keys(ring).contains(&old), "{printed}");
    let (status, made) = service.post("/prove", &sealed).await;
    assert_eq!(status, 200, "{made}");

    // An hour after its replacement, the key is destroyed.
    let lines = fs::read_to_string(ring).unwrap();
    let line = lines.lines().find(|line| line.starts_with(&old.0)).unwrap();
    let earlier = format!("{}:{}", line.rsplit_once(':').unwrap().0, earlier - 3_600_000);
    replace(ring, &lines.replace(line, &earlier));
    rotate(&settings);
    let left = keys(ring);
    assert!(!left.contains(&old) && left.contains(&new));
}
