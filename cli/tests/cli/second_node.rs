//! A faulty node that omits members, and the comparison with a second node.

use crate::{
    proxy::{Fault, in_front_of},
    support::{Home, sealed, start_chain, text_of},
};

/// What the commands of a chain use. The addresses are the same on both chains, because they are
/// derived from the same authority.
struct Set {
    registry: String,
    scope: String,
}

/// Creates a registry with these leaves, and a scope.
fn set_up(home: &Home, leaves: &[&str]) -> Set {
    let circuit = home.by_authority(&["circuit", "register", "--development"]);
    let registry = home.by_authority(&["registry", "create", "--kind", "managed"]);
    let registry = text_of(&registry["registry"]).to_owned();
    let leaves: Vec<&str> = leaves.iter().flat_map(|leaf| ["--leaf", leaf]).collect();
    home.by_authority(&[&["registry", "append", &registry][..], &leaves].concat());
    let circuit = text_of(&circuit["circuit"]);
    let create = ["scope", "create", "--registry", &registry, "--circuit", circuit];
    let scope = home.by_authority(&[&create[..], &["--mode", "live"]].concat());
    Set {
        scope: text_of(&scope["scope"]).to_owned(),
        registry,
    }
}

/// Returns the genesis hash of a node as JSON.
fn genesis_of(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let genesis = runtime
        .unwrap()
        .block_on(bauta_rpc::Rpc::new(url).unwrap().genesis_hash());
    format!("\"{}\"", genesis.unwrap())
}

#[test]
fn a_second_node_unmasks_a_false_history_with_only_some_of_the_members() {
    let (mut home, honest) = Home::initialized();
    let honest_url = honest.rpc_url().to_owned();
    home.write("passphrase", "correct horse battery\n");
    home.json(&sealed(&["identity", "new", "identity"]));
    let authority = home.text(&["keypair", "authority.json"]);
    let registry = set_up(&home, &["5"]).registry;
    let of_entry = ["--registry", &registry, "--entry", "7", "--track", "3"];
    let show = [&["identity", "show", "identity"][..], &of_entry[..4]].concat();
    let commitment = home.json(&sealed(&show));
    let member = [
        "--commitment",
        text_of(&commitment["commitment"]),
        "--entry",
        "7",
        "--track",
        "3",
    ];
    let append = |home: &Home| {
        let append = ["registry", "append", &registry, "--keypair", "authority.json"];
        home.json(&[&append[..], &member].concat());
    };
    append(&home);

    // The faulty node has the same registry and scope, with the suspected member alone.
    let false_chain = start_chain(authority.trim());
    home.use_node(false_chain.rpc_url());
    let initialize = ["initialize", "--keypair", "authority.json", "--airdrop", "100"];
    home.json(&[&initialize[..], &["--allow-development-keys"]].concat());
    let set = set_up(&home, &["6"]);
    append(&home);
    assert_eq!(set.registry, registry);
    let genesis = genesis_of(&honest_url);
    let faulty = in_front_of(false_chain.rpc_url(), Fault::Answers("getGenesisHash", genesis));
    home.use_node(&faulty);

    let arguments = |out, more: &[&'static str], node: &str| {
        let prove = ["prove", &set.scope, "--identity", "identity", "--out", out];
        let about = ["--entry", "7", "--track", "3", "--recipient", &set.scope];
        let mut all = sealed(&[&prove[..], &about, more].concat());
        all.extend(["--check-node", node].iter().filter(|_| !node.is_empty()));
        all.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let prove = |home: &Home, out, more: &[&'static str], node: &str| {
        let arguments = arguments(out, more, node);
        home.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let failure = |home: &Home, code, node: &str| {
        let arguments = arguments("proof.json", &[], node);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        text_of(&home.failure(code, &arguments)["message"]).to_owned()
    };

    // One node alone is believed, and the proof shows the node that the member is one of its list.
    prove(&home, "alone.json", &[], "");
    let message = failure(&home, 3, &honest_url);
    assert!(message.contains("different accounts"), "{message}");
    assert!(!home.file("proof.json").exists());

    home.use_node(&honest_url);
    let message = failure(&home, 3, &faulty);
    assert!(message.contains("different accounts"), "{message}");
    let message = failure(&home, 3, false_chain.rpc_url());
    assert!(message.contains("different clusters"), "{message}");
    let message = failure(&home, 1, &honest_url);
    assert!(message.contains("the same as the first"), "{message}");
    let second = in_front_of(&honest_url, Fault::Nothing);
    let proved = prove(&home, "proof.json", &[], &second);
    assert_eq!(proved["warnings"].as_array().map(Vec::len), Some(1), "{proved}");

    // A node on another machine is not trusted like one on this machine.
    home.use_node(&honest_url.replace("127.0.0.1", "0.0.0.0"));
    let alone = prove(&home, "other.json", &["--cluster-tag", "local"], "");
    let warnings = alone["warnings"].to_string();
    assert!(warnings.contains("--check-node"), "{warnings}");
}
