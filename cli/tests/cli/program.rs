//! The program's bytes and its upgrade authority.

use crate::support::{Home, text_of};

const PROGRAM: &str = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";
/// An address other than the program's.
const OTHER: &str = "11111111111111111111111111111111";

#[test]
fn the_upgrade_authority_is_handed_over_and_then_given_up_for_ever() {
    let (home, _chain) = Home::initialized();
    let address = |file| home.text(&["keypair", file]).trim().to_owned();
    let shown = home.json(&["program", "show"]);
    assert_eq!(shown["upgrade_authority"], address("authority.json"));
    let verified = home.json(&["program", "verify"]);
    assert_eq!(verified["artifact"], "bauta.v3.so");
    assert_eq!(text_of(&verified["elf_sha256"]).len(), 64);

    let next = address("next.json");
    let paid = ["--fee-payer", "authority.json"];
    let by = |file, arguments: &[&'static str]| {
        [&["program", "authority", "--keypair", file][..], arguments, &paid].concat()
    };
    let error = home.failure(4, &by("next.json", &["--give-up-for-ever"]));
    assert!(text_of(&error["message"]).contains("not the signer"), "{error}");
    let of_authority = |arguments: &[&'static str]| by("authority.json", arguments);
    let to = |first: &str, again: &str| {
        let command = ["program", "authority", "--keypair", "authority.json"];
        let new = ["--new", first, "--again", again];
        [&command[..], &new]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let refused = |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        text_of(&home.failure(1, &arguments)["message"]).to_owned()
    };
    let message = refused(to(&next, &address("authority.json")));
    assert!(message.contains("different addresses"), "{message}");
    // An account of a program can't sign.
    let config = bauta_client::addresses::config().address.to_string();
    let message = refused(to(&config, &config));
    assert!(message.contains("can't sign for an upgrade"), "{message}");
    let hand_over = [
        "program",
        "authority",
        "--keypair",
        "authority.json",
        "--new",
        &next,
        "--again",
        &next,
    ];
    let dry = home.json(&[&hand_over[..], &["--dry-run"]].concat());
    assert_eq!(dry["upgrade_authority"], address("authority.json"));
    assert_eq!(home.json(&hand_over)["upgrade_authority"], next);

    // The next authority signs too, so it can be handed back without a second look at an address.
    let back = home.json(&by("next.json", &["--new-keypair", "authority.json"]));
    assert_eq!(back["upgrade_authority"], address("authority.json"));
    let given = home.json(&of_authority(&["--new-keypair", "next.json"]));
    assert_eq!(given["upgrade_authority"], next);

    // The typed address of the program confirms it on every cluster. --yes is not enough.
    for arguments in [&["--give-up-for-ever"][..], &["--give-up-for-ever", "--yes"]] {
        let error = home.failure(6, &by("next.json", arguments));
        assert!(text_of(&error["message"]).contains("can't be undone"), "{error}");
        assert!(text_of(&error["next"]).contains("--program BaXwFR6H"), "{error}");
    }
    let error = home.failure(6, &by("next.json", &["--give-up-for-ever", "--program", OTHER]));
    assert!(
        text_of(&error["message"]).contains("the typed address"),
        "{error}"
    );
    let shown = home.json(&["program", "show"]);
    assert_eq!(shown["upgrade_authority"], next);
    let given_up = home.json(&by("next.json", &["--give-up-for-ever", "--program", PROGRAM]));
    assert_eq!(given_up["upgrade_authority"], serde_json::Value::Null);
    let error = home.failure(4, &by("next.json", &["--give-up-for-ever"]));
    assert!(
        text_of(&error["message"]).contains("nobody can upgrade"),
        "{error}"
    );
    // The bytes are the same as before.
    assert_eq!(home.json(&["program", "verify"])["artifact"], "bauta.v3.so");
}

#[test]
fn without_a_subcommand_the_address_is_printed_without_a_node() {
    let mut home = Home::new();
    home.use_node("http://127.0.0.1:1");
    assert_eq!(home.text(&["program"]).trim(), bauta::ID.to_string());
}
