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

fn is_unsafe(character: char) -> bool {
    let is_direction =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (character.is_control() && character != '\n') || is_direction
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
    }
}
