//! Proofs of the statement address, with a list of revocations.

use bauta_client::RevocationList;
use bauta_primitives::statements::{Gap, Handle};

use crate::support::{Home, sealed, text_of};

const ADDRESS: &str = r#"{"pid":"JP-13-113-01","handle":"0x0000000000000000000000000000ab","schema":3,
"valid_until":99999999999}"#;

#[test]
fn a_member_proves_a_prefix_of_an_address_until_it_is_revoked() {
    let (home, _chain) = Home::initialized();
    let register = ["circuit", "register", "--development", "--statement", "address"];
    let circuit = home.by_authority(&register);
    let circuit = text_of(&circuit["circuit"]);
    let create = |format: &str, nonce: &str| {
        let create = ["registry", "create", "--kind", "managed", "--leaf-format", format];
        let created = home.by_authority(&[&create[..], &["--nonce", nonce]].concat());
        text_of(&created["registry"]).to_owned()
    };
    let (registry, list) = (create("3", "0"), create("129", "1"));
    let leaf = |gap: Gap| gap.leaf().to_string();
    home.by_authority(&["registry", "append", &list, "--leaf", &leaf(Gap::ALL)]);
    home.write("address.json", ADDRESS);
    let commitment = home.commitment(&registry, "7");
    let append = ["registry", "append", &registry, "--entry", "7", "--address"];
    let of = ["address.json", "--commitment", &commitment];
    home.by_authority(&[&append[..], &of].concat());
    let scope = ["scope", "create", "--registry", &registry, "--circuit", circuit];
    let scope = home.by_authority(&[&scope[..], &["--auxiliary-registry", &list]].concat());
    let scope = text_of(&scope["scope"]);

    let prove = ["prove", scope, "--identity", "identity", "--entry", "7"];
    let prove = sealed(&[&prove[..], &["--recipient", scope]].concat());
    let error = home.failure(1, &[&prove[..], &["--track", "3"]].concat());
    assert!(text_of(&error["message"]).contains("needs --address"), "{error}");
    let of_address = [&prove[..], &["--address", "address.json"]].concat();
    for (wrong, expected) in [
        (["--pattern", "prefix:9"], "pattern"),
        (["--min-components", "5"], "min_components"),
        (["--as-of", "100000000000"], "expired"),
    ] {
        let error = home.failure(1, &[&of_address[..], &wrong].concat());
        assert!(text_of(&error["message"]).contains(expected), "{error}");
    }

    home.json(&[&of_address[..], &["--pattern", "prefix:2"]].concat());
    let inspected = home.json(&["inspect", "proof.json"]);
    assert_eq!(inspected["acceptable_now"], true, "{inspected:#}");
    assert_eq!(inspected["address_shown"], "JP-13");
    assert_eq!(inspected["address_schema"], 3);
    assert_eq!(inspected["auxiliary_root_accepted"], true);
    for private in ["113", "000000ab"] {
        let proof = std::fs::read_to_string(home.file("proof.json")).unwrap();
        let fields: serde_json::Value = serde_json::from_str(&proof).unwrap();
        assert!(!fields["address"].to_string().contains(private), "{proof}");
    }
    assert_eq!(home.by_authority(&["verify", "proof.json"])["verified"], true);

    let mut revocations = RevocationList::default();
    let revoked = revocations.revoke(&Handle::new(0xab).unwrap()).unwrap();
    home.by_authority(&["registry", "append", &list, "--leaf", &leaf(revoked.appended)]);
    let index = revoked.index.to_string();
    let replace = ["registry", "replace", &list, "--index", &index, "--leaf"];
    home.by_authority(&[&replace[..], &[&leaf(revoked.new)]].concat());
    let error = home.failure(4, &[&of_address[..], &["--out", "second.json"]].concat());
    assert!(text_of(&error["message"]).contains("was revoked"), "{error}");
}
