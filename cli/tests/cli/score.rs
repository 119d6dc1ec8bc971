//! Proofs of the statement reputation.

use crate::support::{Home, sealed, text_of};

const SCORE: &str = r#"{"score":750000,"domain":"7","issued_at":1,"expires_at":99999999999,
"salt":"0x0000000000000000000000000000000000000000000000000000000000000005"}"#;

#[test]
fn a_member_proves_that_a_score_is_high_enough_without_showing_it() {
    let (home, _chain) = Home::initialized();
    let register = [
        "circuit",
        "register",
        "--development",
        "--statement",
        "reputation",
    ];
    let circuit = home.by_authority(&register);
    let circuit = text_of(&circuit["circuit"]);
    let create = ["registry", "create", "--kind", "managed", "--leaf-format"];
    let registry = home.by_authority(&[&create[..], &["2"]].concat());
    let registry = text_of(&registry["registry"]);
    home.write("score.json", SCORE);
    let commitment = home.commitment(registry, "7");
    let append = [
        "registry",
        "append",
        registry,
        "--entry",
        "7",
        "--score",
        "score.json",
    ];
    let of = ["--commitment", &commitment];
    // No circuit of this registry could prove a leaf with a track.
    let track = ["registry", "append", registry, "--entry", "7", "--track", "3"];
    let signed = ["--keypair", "authority.json"];
    let error = home.failure(1, &[&track[..], &of, &signed].concat());
    assert!(text_of(&error["message"]).contains("leaf format 2"), "{error}");
    home.write("members", "5,7,3\n");
    let file = ["registry", "append", registry, "--file", "members"];
    let error = home.failure(1, &[&file[..], &signed].concat());
    assert!(text_of(&error["message"]).contains("leaf format 2"), "{error}");
    home.by_authority(&[&append[..], &of].concat());
    let scope = home.by_authority(&["scope", "create", "--registry", registry, "--circuit", circuit]);
    let scope = text_of(&scope["scope"]);

    let prove = [
        "prove",
        scope,
        "--identity",
        "identity",
        "--entry",
        "7",
        "--recipient",
        scope,
    ];
    let error = home.failure(1, &sealed(&[&prove[..], &["--track", "3"]].concat()));
    assert!(text_of(&error["message"]).contains("needs --score"), "{error}");
    let of_score = [&prove[..], &["--score", "score.json"]].concat();
    let too_high = [&of_score[..], &["--at-least", "750001"]].concat();
    let error = home.failure(1, &sealed(&too_high));
    assert!(
        text_of(&error["message"]).contains("lower than --at-least"),
        "{error}"
    );
    let late = [&of_score[..], &["--exact", "--as-of", "99999999999"]].concat();
    let error = home.failure(1, &sealed(&late));
    assert!(
        text_of(&error["message"]).contains("not valid at the time"),
        "{error}"
    );

    let least = [&of_score[..], &["--at-least", "500000"]].concat();
    home.json(&sealed(&least));
    let inspected = home.json(&["inspect", "proof.json"]);
    assert_eq!(inspected["acceptable_now"], true);
    assert_eq!(inspected["score_shown"], 500_000);
    assert_eq!(inspected["score_exact"], false);
    assert!(!inspected.to_string().contains("750000"), "{inspected}");
    assert_eq!(home.by_authority(&["verify", "proof.json"])["verified"], true);
}
