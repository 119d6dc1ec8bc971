//! What the pages say of other files, tasks and alerts is true.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use clap::CommandFactory as _;

use crate::{Cli, workspace};

/// Every Markdown page of the repository with its text, by path from the root.
fn pages() -> Vec<(String, String)> {
    let root = workspace::root().unwrap();
    let list = workspace::output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"])
            .current_dir(&root),
    );
    let list = list.expect("a checkout");
    let read = |name: &str| (name.to_owned(), fs::read_to_string(root.join(name)).unwrap());
    list.lines().map(read).collect()
}

/// As GitHub makes anchors of headings.
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

#[test]
fn every_link_of_a_page_leads_somewhere() {
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
            let there = match (target.exists(), anchor) {
                (there, "") => there,
                (there, anchor) => there && anchors(&fs::read_to_string(&target).unwrap()).contains(anchor),
            };
            if !there {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_task_that_a_page_names_is_there() {
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
            let a_name = first.starts_with(|letter: char| letter.is_ascii_lowercase());
            if a_name && command.get_name() == Cli::command().get_name() {
                unknown.push(format!("{name}: cargo xtask {first}"));
            }
            // A name of a drill or benchmark that there isn't.
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
fn every_alert_is_raised_in_a_test_and_explained_in_the_runbook() {
    let root = workspace::root().unwrap();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
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
            assert!(tests.contains(&raised), "{name} is never raised");
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
fn every_setting_is_on_its_services_page_and_no_other() {
    let root = workspace::root().unwrap();
    for (source, page) in [
        ("prover-service/src/settings.rs", "docs/prover-service.md"),
        ("indexer/src/config.rs", "docs/indexer.md"),
        ("crates/service-common/src/settings.rs", "docs/service.md"),
    ] {
        let source = fs::read_to_string(root.join(source)).unwrap();
        let settings: BTreeSet<&str> = source
            .split("env = \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let text = fs::read_to_string(root.join(page)).unwrap();
        // A table's rows name the variable in one of their first two cells.
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
