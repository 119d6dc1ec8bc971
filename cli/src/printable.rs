//! Makes texts of others safe for a terminal.

use std::borrow::Cow;

/// Returns the text with escapes in place of characters that control a terminal or change the
/// direction of text. A node, a service or a file may have chosen the text. Line breaks stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The longest text of others that is shown, in characters.
const MAX_SHOWN: usize = 300;

/// Returns the beginning of a text of a node, a service or a file, on one line.
pub fn shown(text: &str) -> String {
    let start: String = text.chars().take(MAX_SHOWN).collect();
    one_line(&start)
}

/// Returns the text with escaped line breaks. A text of others can't add a line to the output.
pub fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Returns the text with each line after the first one indented, so that no line of it looks like
/// one of the command.
pub fn indented(text: &str) -> String {
    printable(text).replace('\n', "\n  ")
}

fn is_unsafe(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    (character.is_control() && character != '\n')
        || is_invisible
        || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_control_a_terminal_are_escaped_and_others_stay() {
        let plain = "the node says: \u{201c}größer\u{201d}\nline 2";
        assert_eq!(printable(plain), plain);
        assert_eq!(
            printable("a\u{1b}[2Jb\rc\u{7}\u{9b}"),
            "a\\u{1b}[2Jb\\u{d}c\\u{7}\\u{9b}"
        );
        assert_eq!(printable("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert_eq!(
            printable("a\u{200b}\u{61c}\u{2060}"),
            "a\\u{200b}\\u{61c}\\u{2060}"
        );
    }

    #[test]
    fn a_text_of_others_is_short_and_adds_no_line() {
        assert_eq!(shown("x\nnext: run this"), "x\\nnext: run this");
        assert_eq!(shown(&"x".repeat(1_000)).len(), MAX_SHOWN);
        assert_eq!(
            indented("the node says: x\nnext: y"),
            "the node says: x\n  next: y"
        );
    }
}
