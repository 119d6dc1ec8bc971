//! Tests that the tests exist that the documentation names.

use std::{collections::BTreeMap, path::Path};

use super::{code_spans, files, read};

/// Pages with tables whose last column names tests.
const PAGES: [&str; 3] = [
    "docs/invariants.md",
    "docs/security.md",
    "docs/security-circuits.md",
];

/// The Rust sources of the repository: path and text.
type Sources = BTreeMap<String, String>;

fn sources() -> Sources {
    let rust = files().into_iter().filter(|file| {
        Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "rs")
    });
    rust.map(|file| {
        let text = read(&file);
        (file, text)
    })
    .collect()
}

/// Returns whether the components of a name are in a source's path, in the same order. A name is a
/// file or a folder, with as many parts of its path as the page needs: `rules`, `follow/rules`,
/// `indexer/tests/follow/rules.rs`.
fn is_within(file: &str, name: &str) -> bool {
    let mut components = file.trim_end_matches(".rs").split('/');
    name.trim_end_matches(".rs")
        .split('/')
        .all(|part| components.any(|component| component == part))
}

/// Returns what is wrong with a part of a cell: a list of names, or a file followed by the names of
/// its tests (`` `file`: `first`, `second` ``).
fn errors(sources: &Sources, part: &str) -> Vec<String> {
    let mut spans = code_spans(part).filter(|span| {
        let mut letters = span.trim_end_matches(".rs").chars();
        letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-/".contains(letter))
    });
    let after_first = part.split('`').nth(2);
    let file = after_first
        .filter(|after| after.starts_with(": "))
        .and_then(|_| spans.next());
    let candidates: Vec<_> = sources
        .iter()
        .filter(|(path, _)| file.is_none_or(|file| is_within(path, file)))
        .collect();
    if candidates.is_empty() {
        return vec![format!("there is no file {}", file.unwrap_or_default())];
    }
    spans
        .filter(|name| {
            let function = format!("fn {name}(");
            let is_test = candidates.iter().any(|(_, text)| text.contains(&function));
            !is_test && !sources.keys().any(|path| is_within(path, name))
        })
        .map(|name| match file {
            Some(file) => format!("{file} has no test {name}"),
            None => format!("there is no test and no file {name}"),
        })
        .collect()
}

#[test]
fn every_test_that_a_page_names_exists() {
    let sources = sources();
    let mut wrong = Vec::new();
    for page in PAGES {
        let text = read(page);
        for row in text.lines().filter(|line| line.starts_with('|')) {
            let cell = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
            for part in cell.split(';') {
                let errors = errors(&sources, part);
                wrong.extend(errors.into_iter().map(|error| format!("{page}: {error}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_missing_file_and_a_missing_test_are_found() {
    let sources = Sources::from([
        ("a/tests/store/apply.rs".into(), "fn first() {}".into()),
        ("b/tests/other.rs".into(), "fn second() {}".into()),
    ]);
    for (part, expected) in [
        ("`apply`: `first`", None),
        ("`store/apply`: `first`", None),
        ("`a/apply`: `first`", None),
        ("`a/tests/store/apply.rs`: `first`", None),
        ("drill `second`", None),
        ("`other`", None),
        ("the same two; see above", None),
        ("`apply`: `second`", Some("apply has no test second")),
        ("`appl`: `first`", Some("there is no file appl")),
        ("`b/apply`: `first`", Some("there is no file b/apply")),
        ("drill `third`", Some("there is no test and no file third")),
    ] {
        let found = errors(&sources, part);
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(found, expected, "{part}");
    }
}
