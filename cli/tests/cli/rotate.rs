//! The replacement of a member's secret.

use std::fs;

use bauta_dev_servers::Chain;
use bauta_rpc::Rpc;
use serde_json::{Value, json};

use crate::support::{Home, sealed, text_of};
use crate::token::Token;

/// Moves the clock of the chain forward by more than the time between two registrations.
async fn wait_for_the_next_registration(rpc: &Rpc, home: &Home, registry: &str, asset: &str) {
    let status = home.json(&["holder", "status", registry, "--asset", asset]);
    let time = status["last_change"].as_i64().unwrap() + 3_600;
    let params = json!([{ "absoluteTimestamp": time * 1_000 }]);
    let _: Value = rpc.call("surfnet_timeTravel", &params).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_registers_the_asset_again_and_keeps_the_old_identity() {
    let (home, chain): (Home, Chain) = Home::initialized();
    let rpc = Rpc::new(chain.rpc_url()).unwrap();
    let created = home.by_authority(&["registry", "create"]);
    let registry = text_of(&created["registry"]);
    let token = Token::mint(&rpc, &home, "owner.json").await;
    let asset = token.mint.to_string();
    let add = ["collection", "add", registry, "--key", &asset];
    home.by_authority(&[&add[..], &["--kind", "asset", "--track", "3"]].concat());
    home.write("passphrase", "correct horse battery\n");
    home.write("second", "another long passphrase\n");
    for identity in ["old", "unused"] {
        home.json(&sealed(&["identity", "new", identity]));
    }
    let register = ["holder", "register", registry, "--asset", &asset];
    let with = ["--identity", "old", "--keypair", "owner.json"];
    home.json(&sealed(&[&register[..], &with].concat()));
    let commitment = || {
        let status = home.json(&["holder", "status", registry, "--asset", &asset]);
        text_of(&status["commitment"]).to_owned()
    };
    let (before, old) = (commitment(), fs::read(home.file("old")).unwrap());

    let rotate = |from: &'static str, rest: &[&'static str]| {
        let command = ["identity", "rotate", from, "--out", "new", "--registry", registry];
        let of = [
            "--asset",
            &asset,
            "--new-passphrase-file",
            "second",
            "--keypair",
            "owner.json",
        ];
        let all = [&command[..], &of, rest].concat();
        sealed(&all).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let json = |arguments: Vec<String>| home.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    wait_for_the_next_registration(&rpc, &home, registry, &asset).await;
    let dry = json(rotate("old", &["--dry-run"]));
    assert_eq!(dry["items"][0]["result"], "dry run");
    assert_eq!(commitment(), before);

    assert!(!home.file("new").exists(), "a dry run creates no file");

    let rotated = json(rotate("old", &[]));
    assert_eq!(rotated["new_identity_created"], true);
    assert_eq!(rotated["registered"], 1);
    let after = commitment();
    assert_eq!(rotated["items"][0]["commitment"], after);
    assert_ne!(after, before);
    assert_eq!(fs::read(home.file("old")).unwrap(), old);
    let warnings = rotated["warnings"].to_string();
    assert!(
        warnings.contains("snapshot") && warnings.contains("nullifier"),
        "{warnings}"
    );
    let show = [
        "identity",
        "show",
        "new",
        "--registry",
        registry,
        "--asset",
        &asset,
    ];
    let shown = home.json(&[&show[..], &["--passphrase-file", "second"]].concat());
    assert_eq!(shown["commitment"], after);

    let again = json(rotate("old", &[]));
    assert_eq!(again["items"][0]["result"], "registered before");

    // An identity that did not register the asset does not replace it.
    let wrong = rotate("unused", &[]);
    let mut wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    wrong[4] = "third";
    let error = home.failure(1, &wrong);
    assert!(
        text_of(&error["message"]).contains("is not registered with"),
        "{error}"
    );
    assert_eq!(commitment(), after);
}
