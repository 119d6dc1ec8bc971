//! Failures: exit codes, messages and next steps; and dry runs.

use crate::support::{Home, text_of};

#[test]
fn failures_have_documented_exit_codes_and_next_steps() {
    let mut home = Home::new();
    assert_eq!(home.run(&["registry"]).status.code(), Some(2));
    assert_eq!(
        home.run(&["registry", "create", "--kind", "club"]).status.code(),
        Some(2)
    );

    let error = home.failure(2, &["registry", "create", "--kind", "club"]);
    assert_eq!(error["kind"], "arguments");
    assert!(text_of(&error["message"]).contains("club"), "{error}");

    // Port 1 of this machine has no node.
    home.use_node("http://127.0.0.1:1");
    let error = home.failure(3, &["registry", "list"]);
    assert_eq!(error["kind"], "node");
    assert!(text_of(&error["next"]).contains("bauta doctor"), "{error}");
    let output = home.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(7));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("start the node"), "{text}");

    let error = home.failure(1, &["registry", "create"]);
    assert!(text_of(&error["message"]).contains("id.json"), "{error}");
    assert!(text_of(&error["next"]).contains("bauta keypair"), "{error}");

    home.use_node("https://node.invalid/?api-key=secret");
    let scope = ["scope", "show", "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2"];
    let error = home.failure(1, &scope);
    assert!(text_of(&error["next"]).contains("--cluster-tag"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = home.failure(1, &[&scope[..], &["--cluster-tag", "genesis"]].concat());
    assert!(
        text_of(&error["message"]).contains("comes from the node"),
        "{error}"
    );
}

#[test]
fn an_api_key_is_read_from_a_file_and_never_sent_without_encryption() {
    let mut home = Home::new();
    // No node is read before the arguments are checked.
    home.use_node("http://127.0.0.1:1");
    home.write("members", "5,7,3\n");
    let registry = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";
    let publish = [
        "registry",
        "publish",
        registry,
        "--members",
        "members",
        "--api-key-file",
        "key",
    ];
    let upload = |url: &'static str| [&publish[..], &["--upload", url]].concat();
    for wrong in ["", "\nbauta_1_secret\n", "two words\n"] {
        home.write("key", wrong);
        let error = home.failure(1, &upload("https://api.invalid"));
        assert!(
            text_of(&error["message"]).contains("is not an API key"),
            "{error}"
        );
    }
    home.write("key", "bauta_1_secret\n");
    let error = home.failure(1, &upload("http://api.invalid"));
    assert!(
        text_of(&error["message"]).contains("without encryption"),
        "{error}"
    );
    assert!(text_of(&error["next"]).contains("https://"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(home.failure(3, &upload("https://api.invalid"))["kind"], "node");
}

#[test]
fn the_help_shows_no_value_of_the_environment() {
    let mut home = Home::new();
    home.use_node("https://node.invalid/?api-key=secret");
    for arguments in [&["--help"][..], &["registry", "create", "--help"]] {
        let help = home.text(arguments);
        assert!(
            help.contains("SOLANA_RPC_URL") && !help.contains("node.invalid"),
            "{help}"
        );
    }
}

#[test]
fn the_configuration_of_solanas_tools_names_the_node_and_the_keypair() {
    let (mut home, chain) = Home::initialized();
    home.forget_node();
    let config = format!(
        "---\njson_rpc_url: {}\nkeypair_path: {}\n",
        chain.rpc_url(),
        home.file("authority.json").display()
    );
    home.write("config.yml", &config);
    let shown = home.json(&["admin", "show", "--config", "config.yml"]);
    assert_eq!(shown["cluster_tag"], "local");
    let paused = home.json(&["admin", "pause", "--config", "config.yml"]);
    assert_eq!(paused["paused"], true);
    let resumed = home.json(&["admin", "resume", "--config", "config.yml"]);
    assert_eq!(resumed["paused"], false);
}

#[test]
fn a_dry_run_sends_nothing_and_shows_the_cost() {
    let (home, _chain) = Home::initialized();
    let create = [
        "registry",
        "create",
        "--keypair",
        "authority.json",
        "--nonce",
        "5",
    ];
    let dry = home.json(&[&create[..], &["--dry-run"]].concat());
    assert_eq!(dry["sent"], false);
    assert!(dry["rent_lamports"].as_u64().unwrap() > 0, "{dry}");
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
    let sent = home.json(&create);
    assert_eq!(sent["sent"], true);
    assert_eq!(sent["rent_lamports"], dry["rent_lamports"]);
    assert_eq!(
        home.json(&["registry", "list"])["items"][0]["registry"],
        sent["registry"]
    );
    let error = home.failure(1, &create);
    assert!(
        text_of(&error["message"]).contains("choose another --nonce"),
        "{error}"
    );

    // A payer without SOL is named before anything is sent.
    home.text(&["keypair", "poor.json"]);
    let error = home.failure(1, &["registry", "create", "--keypair", "poor.json"]);
    assert!(text_of(&error["message"]).contains("has 0 SOL"), "{error}");
    // The program's reason has a name, even in a dry run.
    let paid = [
        "--fee-payer",
        "authority.json",
        "--keypair",
        "poor.json",
        "--dry-run",
    ];
    let error = home.failure(4, &[&["admin", "pause"][..], &paid].concat());
    assert!(text_of(&error["message"]).contains("NotAdmin"), "{error}");
}

#[test]
fn a_higher_price_of_compute_units_raises_the_fee() {
    let (home, _chain) = Home::initialized();
    let create = ["registry", "create", "--keypair", "authority.json"];
    let plain = home.json(&[&create[..], &["--dry-run"]].concat());
    let priced = home.json(&[&create[..], &["--compute-unit-price", "1000000"]].concat());
    let fee = |report: &serde_json::Value| report["fee_lamports"].as_u64().unwrap();
    // One lamport for each compute unit of the limit, which is above what the simulation used.
    let units = plain["compute_units"].as_u64().unwrap();
    assert!(fee(&priced) > fee(&plain) + units, "{plain:#} {priced:#}");
}
