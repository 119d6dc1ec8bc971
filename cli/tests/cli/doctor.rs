//! What `bauta doctor` finds without services, and that it shows no secret.

use crate::support::{Home, text_of};

#[test]
fn doctor_checks_the_machine_also_without_a_node() {
    let mut home = Home::new();
    home.use_node("http://127.0.0.1:1");
    home.text(&["keypair", "payer.json"]);
    let output = home.run(&["doctor", "--fee-payer", "payer.json", "--json"]);
    assert_eq!(output.status.code(), Some(7));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let items = found["items"].as_array().unwrap();
    let names: Vec<&str> = items.iter().map(|item| text_of(&item["check"])).collect();
    for name in [
        "version",
        "machine",
        "disk",
        "keys",
        "keypair",
        "fee payer",
        "node",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for item in items.iter().filter(|item| item["result"] != "ok") {
        assert_ne!(item["what_to_do"], "", "{item}");
    }
}

#[test]
fn doctor_shows_no_password_of_a_database_and_no_key_of_a_url() {
    let mut home = Home::new();
    home.use_node("http://127.0.0.1:1/?api-key=topsecret");
    let database = "postgres://user:topsecret@127.0.0.1:1/bauta";
    let service = "http://127.0.0.1:1/topsecret";
    let output = home.run(&[
        "doctor",
        "--database",
        database,
        "--api",
        service,
        "--prover",
        service,
    ]);
    assert_eq!(output.status.code(), Some(7));
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8(shown).unwrap();
    assert!(!shown.contains("topsecret"), "{shown}");
    for check in ["database", "api", "prover"] {
        assert!(shown.contains(check), "{shown}");
    }
}
