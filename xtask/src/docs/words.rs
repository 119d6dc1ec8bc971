//! Tests that no text uses a word that the glossary excludes.

use std::path::Path;

use super::{files, read};

/// Words and phrases that are not used. Only those are listed that have no technical meaning, so
/// that no correct text contains them. docs/glossary.md has the words to use.
const UNUSED: &[&str] = &[
    "are told",
    "asker",
    "everybody",
    "expel",
    "expelled",
    "expels",
    "foresee",
    "goes on",
    "hers",
    "hunt",
    "hunted",
    "hunts",
    "is told",
    "liar",
    "mend",
    "mended",
    "mends",
    "of late",
    "side registry",
    "so many",
    "somebody",
    "stranger",
    "strangers",
    "take back",
    "taken back",
    "takes back",
    "use tag",
    "whoever",
    "whomever",
];

/// Returns the first unused word or phrase of a line. Code in backticks is ignored.
fn unused_word(line: &str) -> Option<&'static str> {
    let prose: Vec<&str> = line.split('`').step_by(2).collect();
    let words: Vec<String> = prose
        .join("`")
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let text = format!(" {} ", words.join(" "));
    UNUSED
        .iter()
        .copied()
        .find(|word| text.contains(&format!(" {word} ")))
}

#[test]
fn no_text_uses_a_word_that_the_glossary_excludes() {
    let mut found = Vec::new();
    for file in files() {
        let extension = Path::new(&file)
            .extension()
            .and_then(|extension| extension.to_str());
        let is_text = matches!(
            extension,
            Some("md" | "mjs" | "rs" | "sh" | "sql" | "toml" | "ts" | "yml")
        );
        // These two files list the words.
        if !is_text || file == "docs/glossary.md" || file == "xtask/src/docs/words.rs" {
            continue;
        }
        for (number, line) in (1..).zip(read(&file).lines()) {
            if let Some(word) = unused_word(line) {
                found.push(format!("{file}:{number}: {word:?}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn words_are_found_in_comments_and_names_but_not_in_code_spans_or_other_words() {
    assert_eq!(unused_word("/// Whoever calls this."), Some("whoever"));
    assert_eq!(unused_word("fn is_told_its_limit() {"), Some("is told"));
    assert_eq!(unused_word("The setting `STRANGER_REQUESTS` is gone."), None);
    assert_eq!(unused_word("This recommends and amends."), None);
}
