//! The output of the demo: headings, facts and results, in colour on a terminal.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

use crate::chain::Sent;

/// The column in which values begin.
const COLUMN: usize = 58;

/// Prints the output of the demo.
pub struct Output {
    colour: bool,
}

impl Output {
    /// Creates the output on standard output.
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

    /// Prints a heading.
    pub fn heading(&self, title: &str) {
        println!("\n{}", self.paint("1;36", title));
    }

    /// Prints a warning.
    pub fn warn(&self, text: &str) {
        println!("  {}", self.paint("33", text));
    }

    /// Prints a line of the summary.
    pub fn summary(&self, text: &str) {
        println!("  {}", self.paint("1", text));
    }

    /// Prints a fact: its name and its value.
    pub fn fact(&self, what: &str, value: impl Display) {
        println!("  {what:COLUMN$} {}", self.paint("1", value));
    }

    /// Shows progress in the current line, on a terminal only.
    pub fn progress(&self, text: &str) {
        if self.colour {
            print!("\r\x1b[2K  {text}");
            // If the terminal is closed, the next printed line ends the demo.
            let _ = stdout().flush();
        }
    }

    /// Clears the line of [`progress`](Self::progress).
    pub fn clear_progress(&self) {
        if self.colour {
            print!("\r\x1b[2K");
        }
    }

    /// Prints something that the program accepted.
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

    /// Prints something that the program refused, and the rule.
    pub fn refused(&self, what: &str, rule: &str) {
        println!(
            "  {} {what:width$} {}",
            self.paint("1;31", "refused "),
            self.paint("2", rule),
            width = COLUMN - 9
        );
    }
}

/// Formats an integer with separators of thousands.
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
