//! The help and the output for people. `INSTA_UPDATE=always` rewrites the snapshots.

use insta::assert_snapshot;

use crate::support::Home;

#[test]
fn the_help_of_prove_says_what_each_source_of_the_path_learns() {
    let help = Home::new().text(&["prove", "--help"]);
    // The reference in docs/cli.md has the options of all commands.
    let own = help.split("Options of all commands").next().unwrap();
    assert_snapshot!(own);
}

#[test]
fn lists_are_tables_and_an_empty_list_is_none() {
    let (home, _chain) = Home::initialized();
    let empty = home.text(&["registry", "list"]);
    home.text(&["registry", "create", "--keypair", "authority.json"]);
    let listed = home.text(&["registry", "list"]);
    // Addresses differ in each run.
    let words = |text: &str| -> String {
        let lines = text.lines().map(|line| {
            let words = line.split_whitespace();
            let words = words.map(|word| if word.len() >= 32 { "ADDRESS" } else { word });
            words.collect::<Vec<_>>().join(" ")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(format!("{}\n---\n{}", words(&empty), words(&listed)));
}

#[test]
fn an_error_has_a_cause_and_a_next_step() {
    let mut home = Home::new();
    home.use_node("http://127.0.0.1:1");
    let output = home.run(&["registry", "list"]);
    assert_eq!(output.status.code(), Some(3));
    // The system's own words differ between systems.
    let lines = String::from_utf8(output.stderr).unwrap();
    let lines = lines
        .lines()
        .map(|line| line.split(": error sending").next().unwrap());
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
