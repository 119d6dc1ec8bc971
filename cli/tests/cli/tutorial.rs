//! Executes the code of `docs/tutorial.md`.

use std::{env, fs, path::Path, process::Output};

use crate::support::{BAUTA, Home, start_chain};

/// Returns the blocks of the page that a shell executes, in order.
fn blocks() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tutorial.md");
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

fn execute(home: &Home, script: &str) -> Output {
    let mut path = vec![Path::new(BAUTA).parent().unwrap().to_owned()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let output = home
        .command("sh")
        .args(["-euc", script])
        .env("PATH", env::join_paths(path).unwrap())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{script}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

#[test]
fn the_code_of_the_tutorial_leads_from_nothing_to_a_verified_proof() {
    let mut home = Home::new();
    let blocks = blocks();
    // The first block creates the keypair with which the page starts the chain.
    let (first, rest) = blocks.split_first().expect("the page has code");
    execute(&home, first);
    let authority = home.text(&["keypair", "authority.json"]);
    let chain = start_chain(authority.trim());
    home.use_node(chain.rpc_url());
    // Variables of a block are used in later blocks, so all are one script.
    let output = execute(&home, &rest.join("\n"));
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    for expected in ["verified yes", "nullifier used yes"] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}
