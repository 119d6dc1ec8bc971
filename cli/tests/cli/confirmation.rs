//! The confirmation on mainnet, and nodes that answer falsely about transactions.

use std::{io::Write, process::Stdio, sync::Arc};

use crate::{
    proxy::{Fault, in_front_of},
    support::{BAUTA, Home, text_of},
};

const MAINNET: &str = r#""5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d""#;

/// Starts the proxy of a node that reports the genesis hash of mainnet. Returns its URL.
pub fn mainnet_in_front_of(node: &str) -> String {
    in_front_of(node, Fault::Answers("getGenesisHash", MAINNET.to_owned()))
}

#[test]
fn a_transaction_on_mainnet_needs_a_confirmation() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json"];

    // The pinned tag of a node on this machine is that of local chains, which has no genesis hash.
    let error = home.failure(6, &create);
    assert_eq!(error["kind"], "declined");
    let message = text_of(&error["message"]);
    assert!(
        message.contains("this is mainnet") && message.contains(" SOL, rent "),
        "{message}"
    );
    // The question names what is signed.
    let new_admin = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";
    let transfer = ["admin", "transfer", new_admin, "--keypair", "authority.json"];
    let error = home.failure(6, &transfer);
    assert!(text_of(&error["message"]).contains(new_admin), "{error}");
    assert!(text_of(&error["next"]).contains("--yes"), "{error}");
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
    assert_eq!(home.json(&[&create[..], &["--dry-run"]].concat())["sent"], false);
    assert_eq!(home.json(&[&create[..], &["--yes"]].concat())["sent"], true);
}

#[test]
fn development_keys_are_never_allowed_on_mainnet() {
    let (mut home, chain) = Home::with_chain();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let initialize = ["initialize", "--keypair", "authority.json", "--yes"];
    let allow = [&initialize[..], &["--allow-development-keys"]].concat();
    // The genesis hash of the node shows mainnet, and also the pinned tag.
    for tag in [&[][..], &["--cluster-tag", "mainnet"]] {
        let error = home.failure(1, &[&allow[..], tag].concat());
        assert!(text_of(&error["message"]).contains("never allowed"), "{error}");
    }
    let error = home.failure(1, &["admin", "show"]);
    assert!(text_of(&error["message"]).contains("not initialised"), "{error}");
}

#[test]
fn the_tag_that_only_the_node_knows_is_typed_again() {
    let (home, _chain) = Home::with_chain();
    let initialize = [
        "initialize",
        "--keypair",
        "authority.json",
        "--cluster-tag",
        "genesis",
    ];
    let funded = [&initialize[..], &["--airdrop", "10"]].concat();
    let error = home.failure(6, &funded);
    let (message, next) = (text_of(&error["message"]), text_of(&error["next"]));
    assert!(
        message.contains("can't be undone") && message.contains("the admin"),
        "{error}"
    );
    let genesis = next
        .rsplit_once("--genesis-hash ")
        .expect("the option of the hash")
        .1;
    let other = home.failure(
        6,
        &[&initialize[..], &["--genesis-hash", &"1".repeat(32)]].concat(),
    );
    assert!(
        text_of(&other["message"]).contains("typed genesis hash"),
        "{other}"
    );
    let done = home.json(&[&initialize[..], &["--genesis-hash", genesis]].concat());
    assert_eq!(done["sent"], true);
}

/// Runs `bauta` on a pseudo-terminal on which the user types a line. Returns its exit code.
fn on_a_terminal(home: &Home, arguments: &[&str], typed: &str) -> Option<i32> {
    let command = format!("'{BAUTA}' {}", arguments.join(" "));
    let mut script = home
        .command("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The input stays open until the command ends. Its end would be a second answer.
    let mut input = script.stdin.take().unwrap();
    writeln!(input, "{typed}").unwrap();
    script.wait_with_output().unwrap().status.code()
}

#[test]
fn on_a_terminal_only_the_answer_yes_confirms() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json"];
    assert_eq!(on_a_terminal(&home, &create, "no"), Some(6));
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
    assert_eq!(on_a_terminal(&home, &create, "yes"), Some(0));
    let listed = home.json(&["registry", "list"]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_series_of_transactions_has_one_confirmation_with_the_sum() {
    let (mut home, chain) = Home::initialized();
    let create = ["registry", "create", "--kind", "managed"];
    let registry = home.json(&[&create[..], &["--keypair", "authority.json"]].concat());
    let registry = text_of(&registry["registry"]).to_owned();
    let members: Vec<String> = (1..=30).map(|member| format!("{member},{member},3\n")).collect();
    home.write("members", &members.concat());
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let append = ["registry", "append", &registry, "--file", "members"];
    let append = [&append[..], &["--keypair", "authority.json"]].concat();
    let error = home.failure(6, &append);
    let message = text_of(&error["message"]);
    // Two fees of 5,000 lamports.
    assert!(
        message.contains("30 leaves in 2 transactions") && message.contains("0.00001 SOL"),
        "{message}"
    );
    // The answer is typed once. A second question would read the end of the input.
    assert_eq!(on_a_terminal(&home, &append, "yes"), Some(0));
    assert_eq!(home.json(&["registry", "show", &registry])["leaves"], 30);
}

#[test]
fn a_node_of_a_cluster_other_than_the_named_one_is_refused() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json", "--yes"];
    let error = home.failure(3, &[&create[..], &["--cluster-tag", "devnet"]].concat());
    assert!(
        text_of(&error["message"]).contains("serves a cluster other than devnet"),
        "{error}"
    );
    // Members of a multisig rely on commands that only read.
    for command in [
        ["program", "verify"],
        ["program", "show"],
        ["admin", "show"],
        ["circuit", "list"],
        ["registry", "list"],
    ] {
        let error = home.failure(3, &[&command[..], &["--cluster-tag", "devnet"]].concat());
        assert!(
            text_of(&error["message"]).contains("other than devnet"),
            "{error}"
        );
    }
    assert_eq!(home.json(&["program", "verify"])["cluster_tag"], "local");
}

#[test]
fn a_node_that_reports_a_false_rent_takes_no_lamports() {
    let (mut home, chain) = Home::initialized();
    // 100 SOL.
    let fault = Fault::Answers("getMinimumBalanceForRentExemption", "100000000000".to_owned());
    home.use_node(&in_front_of(chain.rpc_url(), fault));
    let create = ["registry", "create", "--keypair", "authority.json"];
    let error = home.failure(3, &create);
    assert!(
        text_of(&error["message"]).contains("no cluster takes more"),
        "{error}"
    );
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
}

#[test]
fn a_transaction_whose_answer_is_lost_is_reported_as_unknown_with_its_signature() {
    let (mut home, chain) = Home::initialized();
    let fault = Fault::LosesAnswer("sendTransaction");
    home.use_node(&in_front_of(chain.rpc_url(), fault));
    let create = ["registry", "create", "--keypair", "authority.json"];
    let error = home.failure(5, &create);
    assert_eq!(error["kind"], "unknown", "{error}");
    assert!(
        text_of(&error["next"]).contains("look the transaction"),
        "{error}"
    );
}

#[test]
fn an_executed_transaction_is_reported_although_the_node_does_not_show_its_result() {
    let (mut home, chain) = Home::initialized();
    let by_authority = ["--keypair", "authority.json"];
    let create = ["registry", "create", "--kind", "managed"];
    let created = home.json(&[&create[..], &by_authority].concat());
    let registry = text_of(&created["registry"]);
    let append = [
        "registry",
        "append",
        registry,
        "--leaf",
        "5",
        "--keypair",
        "authority.json",
    ];
    let refuses = |method| Fault::RefusesAfter("sendTransaction", method, Arc::default());
    home.use_node(&in_front_of(chain.rpc_url(), refuses("getSignaturesForAddress")));
    let appended = home.json(&append);
    assert_eq!(appended["sent"], true, "{appended}");
    assert!(appended["signature"].is_string(), "{appended}");
    assert!(
        appended["warnings"].to_string().contains("was executed"),
        "{appended}"
    );

    home.use_node(&in_front_of(chain.rpc_url(), refuses("getAccountInfo")));
    let paused = home.json(&[&["admin", "pause"][..], &by_authority].concat());
    assert_eq!(paused["sent"], true, "{paused}");
    assert!(
        paused["warnings"].to_string().contains("was executed"),
        "{paused}"
    );

    // The repetition does not append the same leaf again.
    home.use_node(chain.rpc_url());
    let error = home.failure(1, &append);
    assert!(text_of(&error["message"]).contains("already"), "{error}");
    assert_eq!(home.json(&["registry", "show", registry])["leaves"], 1);
    let twice = ["--leaf", "6", "--leaf", "6"];
    let error = home.failure(1, &[&append[..3], &twice, &by_authority].concat());
    assert!(text_of(&error["message"]).contains("given twice"), "{error}");
}

/// The address 0.0.0.0 connects to this machine, but does not name it.
fn on_another_machine(url: &str) -> String {
    url.replace("127.0.0.1", "0.0.0.0")
}

#[test]
fn a_node_on_another_machine_gets_no_transaction_without_a_pinned_tag() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&on_another_machine(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json"];
    for tag in [&[][..], &["--cluster-tag", "genesis"]] {
        let error = home.failure(1, &[&create[..], tag].concat());
        assert!(text_of(&error["next"]).contains("--cluster-tag"), "{error}");
    }
    assert_eq!(home.json(&[&create[..], &["--dry-run"]].concat())["sent"], false);
    let pinned = [&create[..], &["--cluster-tag", "local"]].concat();
    assert_eq!(home.json(&pinned)["sent"], true);
}

#[test]
fn a_priority_fee_that_can_only_be_a_mistake_is_refused() {
    let (home, _chain) = Home::initialized();
    let create = ["registry", "create", "--keypair", "authority.json"];
    let error = home.failure(
        1,
        &[&create[..], &["--compute-unit-price", "100000000000"]].concat(),
    );
    assert!(text_of(&error["message"]).contains("priority fee"), "{error}");
    let priced = home.json(&[&create[..], &["--compute-unit-price", "1000"]].concat());
    assert!(priced["fee_lamports"].as_u64().unwrap() > 10_000, "{priced}");
}
