//! Starts that are refused.

use std::fs;

use crate::common::{command, text};

fn refusal(environment: &[(&str, &str)]) -> String {
    let output = command(environment).output().unwrap();
    assert!(!output.status.success(), "accepted: {environment:?}");
    text(&output)
}

#[test]
fn development_keys_need_to_be_allowed() {
    let said = refusal(&[("ALLOW_DEVELOPMENT_KEYS", "false")]);
    assert!(said.contains("ALLOW_DEVELOPMENT_KEYS=true"), "{said}");
}

#[test]
fn a_key_file_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.key");
    fs::write(&file, b"not a key").unwrap();
    let said = refusal(&[("KEY_FILES", file.to_str().unwrap())]);
    assert!(said.contains("a.key") && said.contains("BAUTAKEY"), "{said}");
}

#[test]
fn a_database_that_is_away_is_said_at_start_without_its_password() {
    let said = refusal(&[("DATABASE_URL", "postgres://bauta:hunter22@127.0.0.1:1/none")]);
    assert!(said.contains("DATABASE_URL"), "{said}");
    assert!(!said.contains("hunter22"), "{said}");
}

#[test]
fn a_cache_key_or_redis_url_that_is_none_is_refused_without_repeating_it() {
    let said = refusal(&[("CACHE_KEY", "hunter22")]);
    assert!(said.contains("CACHE_KEY must be 64 hexadecimal digits"), "{said}");
    assert!(!said.contains("hunter22"), "{said}");
    let said = refusal(&[("REDIS_URL", "http://a:hunter22@x")]);
    assert!(said.contains("REDIS_URL must be redis://"), "{said}");
    assert!(!said.contains("hunter22"), "{said}");
}
