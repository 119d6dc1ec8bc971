//! Identities in files, without a node.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Home, text_of};

/// The vector of `crates/primitives`: a master secret whose bytes are all 2.
const SECRET: &str = "0202020202020202020202020202020202020202020202020202020202020202";
const REGISTRY: &str = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";

fn commitment(home: &Home, file: &str, passphrase: &str) -> String {
    let shown = home.json(&[
        "identity",
        "show",
        file,
        "--registry",
        REGISTRY,
        "--entry",
        "7",
        "--passphrase-file",
        passphrase,
    ]);
    text_of(&shown["commitment"]).to_owned()
}

#[test]
fn an_exported_identity_has_the_same_commitments_under_another_passphrase() {
    let home = Home::new();
    home.write("first", "correct horse\n");
    home.write("second", "battery staple\n");
    home.write("secret", SECRET);
    home.text(&[
        "identity",
        "import",
        "a",
        "--secret-file",
        "secret",
        "--passphrase-file",
        "first",
    ]);
    home.text(&[
        "identity",
        "export",
        "a",
        "--out",
        "b",
        "--passphrase-file",
        "first",
        "--new-passphrase-file",
        "second",
    ]);
    assert_eq!(commitment(&home, "a", "first"), commitment(&home, "b", "second"));
    let error = home.failure(
        1,
        &[
            "identity",
            "import",
            "c",
            "--backup",
            "b",
            "--passphrase-file",
            "first",
        ],
    );
    assert!(text_of(&error["message"]).contains("does not open"), "{error}");
    home.text(&[
        "identity",
        "import",
        "c",
        "--backup",
        "b",
        "--passphrase-file",
        "second",
    ]);
    assert_eq!(commitment(&home, "c", "second"), commitment(&home, "a", "first"));
}

#[test]
fn an_identity_is_private_is_never_replaced_and_is_never_printed() {
    let home = Home::new();
    home.write("passphrase", "correct horse\n");
    home.write("secret", SECRET);
    let import = [
        "identity",
        "import",
        "id",
        "--secret-file",
        "secret",
        "--passphrase-file",
        "passphrase",
    ];
    let output = home.run(&import);
    assert!(output.status.success());
    let mode = fs::metadata(home.file("id")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(home.file("id")).unwrap();
    let error = home.failure(1, &import);
    assert!(text_of(&error["message"]).contains("never replaced"), "{error}");
    let error = home.failure(1, &["identity", "new", "id", "--passphrase-file", "passphrase"]);
    assert!(text_of(&error["message"]).contains("never replaced"), "{error}");
    assert_eq!(fs::read(home.file("id")).unwrap(), before);

    let show = home.run(&[
        "identity",
        "show",
        "id",
        "--registry",
        REGISTRY,
        "--entry",
        "7",
        "--passphrase-file",
        "passphrase",
    ]);
    for printed in [output.stdout, output.stderr, show.stdout, show.stderr] {
        let text = String::from_utf8(printed).unwrap();
        assert!(
            !text.contains(&SECRET[..16]) && !text.contains("correct horse"),
            "{text}"
        );
    }
}

#[test]
fn without_a_terminal_the_passphrase_must_come_from_a_file() {
    let home = Home::new();
    let error = home.failure(1, &["identity", "new", "id"]);
    assert!(text_of(&error["next"]).contains("--passphrase-file"), "{error}");
    assert!(!home.file("id").exists());
    // The digits of a wrong secret are not repeated.
    home.write("passphrase", "correct horse\n");
    home.write("secret", "c0ffee");
    let error = home.failure(
        1,
        &[
            "identity",
            "import",
            "id",
            "--secret-file",
            "secret",
            "--passphrase-file",
            "passphrase",
        ],
    );
    assert!(
        text_of(&error["message"]).contains("64 hexadecimal digits"),
        "{error}"
    );
    assert!(!error.to_string().contains("c0ffee"), "{error}");
}
