//! Tests that the documentation agrees with the repository: links, tasks, alerts, settings, code
//! examples, names of tests, and the words that the glossary excludes.

mod test_names;
mod words;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use clap::CommandFactory as _;

use crate::{Cli, workspace};

/// Returns the paths of the repository's files, relative to its root. Includes new files that are
/// not committed yet.
fn files() -> Vec<String> {
    let list = workspace::output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(workspace::root().unwrap()),
    );
    let root = workspace::root().unwrap();
    let list = list.expect("the repository is a git checkout");
    list.lines()
        .filter(|file| root.join(file).is_file())
        .map(str::to_owned)
        .collect()
}

/// Reads a file of the repository.
fn read(file: &str) -> String {
    let path = workspace::root().unwrap().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()))
}

/// Returns the path and the text of every Markdown page.
fn pages() -> Vec<(String, String)> {
    let pages = files().into_iter().filter(|file| {
        Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "md")
    });
    pages
        .map(|file| {
            let text = read(&file);
            (file, text)
        })
        .collect()
}

/// Returns the anchors of a page's headings, by GitHub's rule.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text
                .chars()
                .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
            kept.map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}

/// Returns the spans of a text that are between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_relative_link_of_a_page_has_a_target() {
    let root = workspace::root().unwrap();
    let mut broken = Vec::new();
    for (name, text) in pages() {
        let folder = Path::new(&name).parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root.join(&name)
            } else {
                root.join(folder).join(file)
            };
            let found = match (target.exists(), anchor) {
                (exists, "") => exists,
                (exists, anchor) => exists && anchors(&fs::read_to_string(&target).unwrap()).contains(anchor),
            };
            if !found {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_task_that_a_page_names_exists() {
    let mut unknown = Vec::new();
    for (name, text) in pages() {
        for words in text.split("cargo xtask ").skip(1) {
            let mut command = Cli::command();
            for word in words.split_whitespace() {
                let name: String = word.chars().take_while(char::is_ascii_lowercase).collect();
                let Some(known) = command.find_subcommand(&name) else {
                    break;
                };
                command = known.clone();
                if name.len() < word.len() {
                    break;
                }
            }
            let first = words.split_whitespace().next().unwrap_or_default();
            let is_name = first.starts_with(|letter: char| letter.is_ascii_lowercase());
            if is_name && command.get_name() == Cli::command().get_name() {
                unknown.push(format!("{name}: cargo xtask {first}"));
            }
            // The second word is the name of a drill or a benchmark.
            let second = words.split_whitespace().nth(1).unwrap_or_default();
            if command.has_subcommands()
                && command.get_name() != Cli::command().get_name()
                && first == command.get_name()
                && second.starts_with(|letter: char| letter.is_ascii_lowercase())
            {
                unknown.push(format!("{name}: cargo xtask {first} {second}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn every_task_is_in_the_readme() {
    let readme = read("README.md");
    for task in Cli::command().get_subcommands() {
        let row = format!("\n| `cargo xtask {}", task.get_name());
        assert!(
            readme.contains(&row),
            "README.md has no row for {}",
            task.get_name()
        );
    }
}

/// Returns the folders of the first and the second level that contain a file, without hidden ones.
/// The parts of a crate, such as `src` and `tests`, are not among them.
fn folders(files: &[String]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for file in files {
        let mut parts = file.split('/');
        let (Some(first), Some(second)) = (parts.next(), parts.next()) else {
            continue;
        };
        if first.starts_with('.') {
            continue;
        }
        folders.insert(first.to_owned());
        let is_folder = parts.next().is_some() && !second.starts_with('.');
        let is_in_crate = files.contains(&format!("{first}/Cargo.toml"));
        if is_folder && !is_in_crate {
            folders.insert(format!("{first}/{second}"));
        }
    }
    folders
}

#[test]
fn every_folder_is_in_the_table_of_folders() {
    let page = read("docs/architecture.md");
    let table = page
        .split("\n## ")
        .find(|section| section.starts_with("Folders\n"));
    let table = table.expect("docs/architecture.md has the section Folders");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: BTreeSet<&str> = rows
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.trim_end_matches('`').split("`, `"))
        .collect();
    let files = files();
    let folders = folders(&files);
    let missing: Vec<&String> = folders
        .iter()
        .filter(|folder| {
            // A folder of the first level is described by the rows of its folders.
            let prefix = format!("{folder}/");
            !named.contains(folder.as_str()) && !named.iter().any(|name| name.starts_with(&prefix))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "docs/architecture.md does not name {missing:?}"
    );
    let gone: Vec<_> = named.iter().filter(|name| !folders.contains(**name)).collect();
    assert!(gone.is_empty(), "docs/architecture.md names {gone:?}");
}

#[test]
fn folders_of_two_levels_are_found_and_parts_of_crates_are_not() {
    let files = [
        ".ci/a.yml",
        "api/Cargo.toml",
        "api/src/a.rs",
        "docs/images/a.svg",
        "sdk/package.json",
        "sdk/tests/a.ts",
        "tests/openapi-client/a/b.rs",
        "README.md",
    ];
    let found = folders(&files.map(str::to_owned));
    let expected = [
        "api",
        "docs",
        "docs/images",
        "sdk",
        "sdk/tests",
        "tests",
        "tests/openapi-client",
    ];
    assert_eq!(found, BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn the_code_in_the_readme_is_part_of_the_example_program() {
    let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
    let program = without_spaces(&read("programs/example-gate/src/lib.rs"));
    let readme = read("README.md");
    let mut snippets = readme
        .split("\n```rust\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .peekable();
    assert!(snippets.peek().is_some(), "README.md has no Rust code");
    for snippet in snippets {
        assert!(
            program.contains(&without_spaces(snippet)),
            "programs/example-gate/src/lib.rs does not contain:\n{snippet}"
        );
    }
}

#[test]
fn the_costs_in_the_readme_are_those_of_the_checked_in_table() {
    let table = read("docs/benchmarks/compute-units.md");
    let verify = table.lines().find_map(|line| line.strip_prefix("| verify | "));
    let (units, bytes) = verify.unwrap().trim_end_matches(" |").split_once(" | ").unwrap();
    let readme = read("README.md").replace(',', "");
    assert!(readme.contains(&format!("| compute units of `verify` | {units} |")));
    assert!(readme.contains(&format!("| transaction that verifies a proof | {bytes} bytes |")));
}

#[test]
fn every_alert_is_raised_and_not_raised_in_a_test_and_explained_in_the_runbook() {
    let explained = anchors(&read("docs/runbook.md"));
    let tests = read("deploy/prometheus/alerts.test.yml");
    let rules = read("deploy/prometheus/alerts.yml");
    let mut alert = "";
    let mut alerts = 0;
    for line in rules.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            alert = name;
            alerts += 1;
            assert!(explained.contains(&name.to_lowercase()), "{name}");
            let raised = format!("alertname: {name}\n        exp_alerts:");
            assert!(tests.contains(&raised), "no test raises {name}");
            let not_raised = tests.replace(&raised, "");
            let not_raised = not_raised.contains(&format!("alertname: {name}\n"));
            assert!(not_raised, "no test says when {name} must not be raised");
        }
        if let Some(link) = line.strip_prefix("runbook: ") {
            assert_eq!(
                link,
                format!("\"docs/runbook.md#{}\"", alert.to_lowercase()),
                "{alert}"
            );
        }
    }
    assert_eq!(rules.matches("runbook: ").count(), alerts);
}

#[test]
fn each_services_page_lists_exactly_its_settings() {
    for (source, page) in [
        ("prover-service/src/settings.rs", "docs/prover-service.md"),
        ("indexer/src/config.rs", "docs/indexer.md"),
        ("api/src/settings.rs", "docs/api-service.md"),
        ("crates/service-common/src/settings.rs", "docs/service.md"),
    ] {
        let source = read(source);
        let settings: BTreeSet<&str> = source
            .split("env = \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let text = read(page);
        // The variable is in one of the first two cells of its row.
        let cells = text
            .lines()
            .filter(|line| line.starts_with("| `"))
            .flat_map(|line| line.split('|').skip(1).take(2));
        let documented: BTreeSet<&str> = cells
            .filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'))
            .filter(|name| {
                name.contains(|letter: char| letter.is_ascii_uppercase())
                    && name
                        .chars()
                        .all(|letter| letter.is_ascii_uppercase() || letter == '_')
            })
            .collect();
        assert!(!settings.is_empty());
        assert_eq!(settings, documented, "{page}");
    }
}
