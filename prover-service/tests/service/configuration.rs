//! Configurations that the service refuses at start.

use std::fs;

use bauta_circuits::{Ownership, load_or_setup_development};
use bauta_primitives::tree::Depth;

use crate::common::{Running, command, text};

fn refusal(environment: &[(&str, &str)]) -> String {
    let output = command(environment).output().unwrap();
    assert!(!output.status.success(), "accepted: {environment:?}");
    text(&output)
}

#[test]
fn development_keys_must_be_allowed() {
    let output = refusal(&[("ALLOW_DEVELOPMENT_KEYS", "false")]);
    assert!(output.contains("ALLOW_DEVELOPMENT_KEYS=true"), "{output}");
}

#[test]
fn a_file_that_is_not_a_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.key");
    fs::write(&file, b"not a key").unwrap();
    let output = refusal(&[("KEY_FILES", file.to_str().unwrap())]);
    assert!(
        output.contains("a.key") && output.contains("BAUTAKEY"),
        "{output}"
    );
}

#[test]
fn a_key_file_whose_hashes_do_not_match_its_key_is_refused() {
    let key = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
    let good = key.to_bytes().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.key");
    let hash = key.verifying_key().hash();
    let hash_at = good.windows(32).position(|window| window == hash).unwrap();
    for at in [hash_at, good.len() / 2, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        let output = refusal(&[("KEY_FILES", file.to_str().unwrap())]);
        assert!(output.contains("a.key"), "byte {at}: {output}");
    }
    fs::write(&file, good).unwrap();
    drop(Running::start(&[("KEY_FILES", file.to_str().unwrap())]));
}

#[test]
fn every_setting_of_the_contract_is_documented_with_its_default() {
    let output = command(&[]).arg("--print-config").output().unwrap();
    let printed = text(&output);
    for (variable, key) in [
        ("PORT", "#port = 3001"),
        ("MODELS_DIR", "#models_dir = \"./models\""),
        ("CACHE_DIR", "#cache_dir = \"./cache\""),
        ("RUST_LOG", "#log = \"info\""),
        ("MAX_CONCURRENT_PROOFS", "#max_concurrent_proofs = 4"),
        ("PROOF_TIMEOUT_MS", "#proof_timeout_ms = 30000"),
        ("WS_URL", "#ws_url = \"/ws\""),
        ("METRICS_PORT", "#metrics_port = 9090"),
    ] {
        assert!(
            printed.contains(&format!("`{variable}`")),
            "{variable} isn't in:\n{printed}"
        );
        assert!(printed.contains(key), "{key} isn't in:\n{printed}");
    }
}

#[test]
fn an_unavailable_database_is_reported_at_start_without_its_password() {
    let output = refusal(&[("DATABASE_URL", "postgres://bauta:hunter22@127.0.0.1:1/none")]);
    assert!(output.contains("DATABASE_URL"), "{output}");
    assert!(!output.contains("hunter22"), "{output}");
}

#[test]
fn an_invalid_cache_key_or_redis_url_is_refused_and_the_error_does_not_contain_it() {
    let output = refusal(&[("CACHE_KEY", "hunter22")]);
    assert!(
        output.contains("CACHE_KEY must be 64 hexadecimal digits"),
        "{output}"
    );
    assert!(!output.contains("hunter22"), "{output}");
    let output = refusal(&[("REDIS_URL", "http://a:hunter22@x")]);
    assert!(output.contains("REDIS_URL must be redis://"), "{output}");
    assert!(!output.contains("hunter22"), "{output}");
}
