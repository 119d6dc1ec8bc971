//! Registries whose authority writes the leaves, and proofs at roots that change.

use crate::support::{Home, sealed, text_of};

/// Creates an identity, and returns its commitment for an entry.
fn commitment(home: &Home, registry: &str, entry: &str) -> String {
    if !home.file("identity").exists() {
        home.write("passphrase", "correct horse battery\n");
        home.json(&sealed(&["identity", "new", "identity"]));
    }
    let show = [
        "identity",
        "show",
        "identity",
        "--registry",
        registry,
        "--entry",
        entry,
    ];
    text_of(&home.json(&sealed(&show))["commitment"]).to_owned()
}

#[test]
fn members_of_a_file_are_appended_once_and_a_removed_one_cannot_prove() {
    let (home, _chain) = Home::initialized();
    let by_authority =
        |arguments: &[&str]| home.json(&[arguments, &["--keypair", "authority.json"]].concat());
    let circuit = by_authority(&["circuit", "register", "--development"]);
    let circuit = text_of(&circuit["circuit"]);
    let registry = by_authority(&["registry", "create", "--kind", "managed"]);
    let registry = text_of(&registry["registry"]);

    // A scope of mode live accepts the member at the present root.
    let own = commitment(&home, registry, "7");
    let append = [
        "registry",
        "append",
        registry,
        "--commitment",
        &own,
        "--entry",
        "7",
        "--track",
        "3",
    ];
    assert_eq!(by_authority(&append)["items"][0]["index"], 0);
    let create = ["scope", "create", "--registry", registry, "--circuit", circuit];
    let live = by_authority(&[&create[..], &["--mode", "live"]].concat());
    let live = text_of(&live["scope"]);
    let prove = [
        "prove",
        live,
        "--identity",
        "identity",
        "--entry",
        "7",
        "--recipient",
        live,
    ];
    home.json(&sealed(
        &[&prove[..], &["--track", "3", "--out", "proof.json"]].concat(),
    ));
    let error = home.failure(
        1,
        &sealed(&[&prove[..], &["--track", "4", "--out", "other.json"]].concat()),
    );
    assert!(text_of(&error["message"]).contains("not in the tree"), "{error}");
    assert_eq!(home.json(&["inspect", "proof.json"])["root_accepted"], true);
    assert_eq!(by_authority(&["verify", "proof.json"])["verified"], true);

    // The file has more members than fit into a transaction, and one whom the tree has.
    let others: Vec<String> = (100..130).map(|number| format!("{number},{number},3")).collect();
    let others = others.join("\n");
    home.write(
        "members.csv",
        &format!("commitment,entry,track\n{own},7,3\n{others}"),
    );
    let append = ["registry", "append", registry, "--file", "members.csv"];
    let appended = by_authority(&append);
    assert_eq!(appended["leaves"], 30);
    assert_eq!(appended["transactions"], 2);
    assert_eq!(by_authority(&append)["leaves"], 0);
    assert_eq!(home.json(&["registry", "show", registry])["leaves"], 31);
    let replace = ["registry", "replace", registry, "--index", "1", "--leaf", "5"];
    assert_eq!(by_authority(&replace)["sequence"], 4);

    // A scope of mode snapshot that is created after the removal of the member does not have it.
    by_authority(&["registry", "replace", registry, "--index", "0", "--remove"]);
    let later = by_authority(&[&create[..], &["--nonce", "1"]].concat());
    let later = text_of(&later["scope"]);
    let prove = [
        "prove",
        later,
        "--identity",
        "identity",
        "--entry",
        "7",
        "--track",
        "3",
    ];
    let error = home.failure(
        1,
        &sealed(&[&prove[..], &["--recipient", live, "--out", "late.json"]].concat()),
    );
    assert!(text_of(&error["message"]).contains("not in the tree"), "{error}");
    assert!(!home.file("late.json").exists());
}
