//! The reference in `docs/cli.md`, the completions and the manual pages.

use std::{env, fs, path::Path};

use crate::support::Home;

/// The line after which the reference begins.
const START: &str = "## Reference\n\n";

#[test]
fn the_reference_in_the_documentation_is_that_of_the_command() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, found) = text
        .split_once(START)
        .expect("docs/cli.md has a section Reference");
    let expected = Home::new().text(&["reference"]);
    if env::var_os("BAUTA_WRITE_DOCS").is_some() {
        fs::write(&page, format!("{before}{START}{expected}")).unwrap();
        return;
    }
    assert_eq!(
        found, expected,
        "write it with BAUTA_WRITE_DOCS=1 cargo test --workspace --test cli reference::"
    );
}

#[test]
fn each_exit_code_of_the_help_is_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let text = fs::read_to_string(page).unwrap();
    let help = Home::new().text(&["--help"]);
    let codes = help.split("Exit codes:").nth(1).unwrap().lines();
    let codes: Vec<&str> = codes.map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(codes.len(), 8);
    for line in codes {
        let (code, meaning) = line.split_once("  ").unwrap();
        assert!(text.contains(&format!("| {code} | {meaning} |")), "{line}");
    }
}

#[test]
fn completions_and_manual_pages_name_each_subcommand() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.text(&["completions", shell]);
        assert!(script.contains("nullifier"), "{shell}");
    }
    home.text(&["man", "--out", "pages"]);
    let page = fs::read_to_string(home.file("pages/bauta-registry-create.1")).unwrap();
    assert!(page.contains("root\\-ttl"), "{page}");
    assert!(home.file("pages/bauta.1").is_file());
}
