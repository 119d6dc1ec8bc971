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

/// Files and folders that are not searched for translated phrases, because they stay as they were
/// published: releases, applied migrations, the program, its IDL and what is generated from it.
const NOT_SEARCHED: &[&str] = &[
    "CHANGELOG.md",
    "migrations/",
    "programs/",
    "sdk/program/src/generated/",
];

/// Words before a correct "than", for example in "another one is used for longer than a minute".
const COMPARATIVES: &[&str] = &[
    "better", "earlier", "faster", "fewer", "greater", "higher", "larger", "later", "less", "longer",
    "lower", "more", "newer", "older", "other", "rather", "shorter", "slower", "smaller", "sooner", "worse",
];

/// Returns a text without the code in backticks, whose place they keep.
fn prose(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').step_by(2).collect();
    parts.join("`")
}

/// Returns the words of a text in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Returns the first unused word or phrase of a line. Code in backticks is ignored.
fn unused_word(line: &str) -> Option<&'static str> {
    let text = format!(" {} ", words(&prose(line)).join(" "));
    UNUSED
        .iter()
        .copied()
        .find(|word| text.contains(&format!(" {word} ")))
}

/// Returns what to write instead of a phrase of a line that is translated from another language.
fn calque(line: &str) -> Option<&'static str> {
    // Most lines have neither.
    if !["than", "lso"].iter().any(|part| line.contains(part)) {
        return None;
    }
    prose(line)
        .split(['.', ',', ';', ':', '(', ')', '|'])
        .find_map(|clause| {
            let words = words(clause);
            let is_other_than = words.iter().enumerate().any(|(at, word)| {
                let after = &words[at + 1..];
                let than = after.iter().take(7).position(|word| word == "than");
                ["another", "other"].contains(&word.as_str())
                    && than.is_some_and(|than| than > 0 && !COMPARATIVES.contains(&after[than - 1].as_str()))
            });
            let is_also_if = words.windows(2).any(|pair| pair == ["also", "if"]);
            is_other_than
                .then_some("\"an X other than Y\"")
                .or(is_also_if.then_some("\"even if\""))
        })
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
        let is_exempt = NOT_SEARCHED.iter().any(|start| file.starts_with(start));
        for (number, line) in (1..).zip(read(&file).lines()) {
            if let Some(word) = unused_word(line) {
                found.push(format!("{file}:{number}: {word:?}: {}", line.trim()));
            }
            if let Some(correct) = calque(line).filter(|_| !is_exempt) {
                found.push(format!("{file}:{number}: write {correct}: {}", line.trim()));
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

#[test]
fn translated_phrases_are_found_and_correct_comparisons_are_not() {
    let correct = Some("\"an X other than Y\"");
    assert_eq!(
        calque("/// The account has another owner than the program."),
        correct
    );
    assert_eq!(calque("texts of other lengths than 32 bytes"), correct);
    assert_eq!(calque("It is kept, also if it is empty."), Some("\"even if\""));
    for line in [
        "/// The account has an owner other than the program.",
        "A registry and another one. The first has more leaves than the second.",
        "Another instance keeps the lease for longer than a minute.",
        "Statuses other than 501 come more often than others.",
        "It is kept even if it is empty. If it is used, it is also copied.",
        "`another owner than the program`",
    ] {
        assert_eq!(calque(line), None, "{line}");
    }
}
