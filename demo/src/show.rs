//! How the demo looks: headings, facts and verdicts, in colour on a terminal.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

use crate::chain::Sent;

/// The column in which facts and verdicts begin.
const COLUMN: usize = 58;

/// Where the story is told.
pub struct Show {
    colour: bool,
}

impl Show {
    /// On standard output.
    pub fn new() -> Self {
        Self {
            colour: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    /// A chapter.
    pub fn chapter(&self, title: &str) {
        println!("\n{}", self.paint("1;36", title));
    }

    /// Something worth a warning.
    pub fn warn(&self, text: &str) {
        println!("  {}", self.paint("33", text));
    }

    /// What came of it all.
    pub fn conclude(&self, text: &str) {
        println!("  {}", self.paint("1", text));
    }

    /// A fact: what, and its value.
    pub fn fact(&self, what: &str, value: impl Display) {
        println!("  {what:COLUMN$} {}", self.paint("1", value));
    }

    /// Progress in place, on a terminal only.
    pub fn progress(&self, text: &str) {
        if self.colour {
            print!("\r\x1b[2K  {text}");
            // a terminal that is gone ends the demo at its next line
            let _ = stdout().flush();
        }
    }

    /// Ends a line of [`Show::progress`].
    pub fn progressed(&self) {
        if self.colour {
            print!("\r\x1b[2K");
        }
    }

    /// Something that the program accepted.
    pub fn accepted(&self, what: &str, sent: &Sent) {
        let figures = format!(
            "{} CU, {} bytes",
            grouped(sent.compute_units),
            sent.transaction_bytes
        );
        println!(
            "  {} {what:width$} {figures}",
            self.paint("1;32", "accepted"),
            width = COLUMN - 9
        );
    }

    /// Something that was refused, and by which rule.
    pub fn refused(&self, what: &str, rule: &str) {
        println!(
            "  {} {what:width$} {}",
            self.paint("1;31", "refused "),
            self.paint("2", rule),
            width = COLUMN - 9
        );
    }
}

/// An integer with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
