//! Registries whose authority writes the leaves or publishes the roots.

use crate::support::{Home, sealed, text_of};

#[test]
fn members_of_a_file_are_appended_once_and_a_removed_one_cannot_prove() {
    let (home, _chain) = Home::initialized();
    let circuit = home.by_authority(&["circuit", "register", "--development"]);
    let circuit = text_of(&circuit["circuit"]);
    let registry = home.by_authority(&["registry", "create", "--kind", "managed"]);
    let registry = text_of(&registry["registry"]);

    // A scope of mode live accepts the member at the present root.
    let own = home.commitment(registry, "7");
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
    assert_eq!(home.by_authority(&append)["items"][0]["index"], 0);
    let create = ["scope", "create", "--registry", registry, "--circuit", circuit];
    let live = home.by_authority(&[&create[..], &["--mode", "live"]].concat());
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
    assert_eq!(home.by_authority(&["verify", "proof.json"])["verified"], true);

    // The file has more members than fit into a transaction, and one whom the tree has.
    let others: Vec<String> = (100..130).map(|number| format!("{number},{number},3")).collect();
    let others = others.join("\n");
    home.write(
        "members.csv",
        &format!("commitment,entry,track\n{own},7,3\n{others}"),
    );
    let append = ["registry", "append", registry, "--file", "members.csv"];
    let appended = home.by_authority(&append);
    assert_eq!(appended["leaves"], 30);
    assert_eq!(appended["transactions"], 2);
    assert_eq!(home.by_authority(&append)["leaves"], 0);
    assert_eq!(home.json(&["registry", "show", registry])["leaves"], 31);
    let replace = ["registry", "replace", registry, "--index", "1", "--leaf", "5"];
    assert_eq!(home.by_authority(&replace)["sequence"], 4);

    // A scope of mode snapshot that is created after the removal of the member does not have it.
    home.by_authority(&["registry", "replace", registry, "--index", "0", "--remove"]);
    let later = home.by_authority(&[&create[..], &["--nonce", "1"]].concat());
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

#[test]
fn a_member_of_an_attested_registry_proves_with_the_published_file() {
    let (home, _chain) = Home::initialized();
    let circuit = home.by_authority(&["circuit", "register", "--development"]);
    let circuit = text_of(&circuit["circuit"]);
    let registry = home.by_authority(&["registry", "create", "--kind", "attested"]);
    let registry = text_of(&registry["registry"]);

    let own = home.commitment(registry, "7");
    // The table of another system has other columns, and two wrong fields at first.
    let import = ["registry", "import", "table.csv"];
    home.write(
        "table.csv",
        &format!("Track,Entry,Commitment\n3,one,1\nx,7,{own}\n"),
    );
    let error = home.failure(1, &import);
    let message = text_of(&error["message"]);
    assert!(message.contains("line 2, column 2 (entry)"), "{message}");
    assert!(message.contains("line 3, column 1 (track)"), "{message}");
    assert!(!home.file("members.csv").exists());
    home.write(
        "table.csv",
        &format!("Track,Entry,Commitment\n3,\"1\",1\n3,7,{own}\n"),
    );
    let imported = home.json(&import);
    assert_eq!(imported["members"], 2);
    let error = home.failure(1, &import);
    assert!(text_of(&error["message"]).contains("never replaced"), "{error}");
    home.write("other.csv", &format!("2,1,3\n{own},7,3\n"));
    let published = home.by_authority(&["registry", "publish", registry, "--members", "members.csv"]);
    assert_eq!(published["sequence"], 1);
    assert_eq!(published["root"], imported["root"]);
    let create = ["scope", "create", "--registry", registry, "--circuit", circuit];
    let scope = home.by_authority(&create);
    let scope = text_of(&scope["scope"]);

    let prove = [
        "prove",
        scope,
        "--identity",
        "identity",
        "--entry",
        "7",
        "--track",
        "3",
    ];
    let prove = sealed(&[&prove[..], &["--recipient", scope]].concat());
    let error = home.failure(1, &prove);
    assert!(text_of(&error["next"]).contains("--members"), "{error}");
    let error = home.failure(1, &[&prove[..], &["--members", "other.csv"]].concat());
    assert!(text_of(&error["message"]).contains("not in the tree"), "{error}");
    let proved = home.json(&[&prove[..], &["--members", "members.csv"]].concat());
    assert_eq!(proved["root"], published["root"]);
    assert_eq!(home.by_authority(&["verify", "proof.json"])["verified"], true);
}
