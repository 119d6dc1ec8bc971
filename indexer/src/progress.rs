//! Progress bars on standard error.

use std::io::{IsTerminal, Read, Write};

use bauta_indexing::{Progress, Stage};

const MEGABYTE: u64 = 1_000_000;
/// The number of characters of a full bar.
const WIDTH: u64 = 30;

/// Shows how much of a task is done, in one line of the terminal. Shows nothing if standard error
/// is no terminal.
pub struct ProgressBar {
    is_terminal: bool,
    /// The present line.
    line: String,
}

impl ProgressBar {
    pub fn new() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            line: String::new(),
        }
    }

    /// Replaces the line. `None` means that nothing shows how much there is in total.
    pub fn show(&mut self, task: &str, done: u64, all: Option<u64>) {
        let line = text(task, done, all);
        if self.is_terminal && line != self.line {
            eprint!("\r{line:<width$}", width = self.line.chars().count());
            self.line = line;
        }
    }

    /// Shows how many requests are done.
    pub fn show_requests(&mut self, done: usize, all: usize) {
        self.show("requests", done as u64, Some(all as u64));
    }

    /// Shows how far a rebuild or an import is.
    pub fn show_stage(&mut self, progress: Progress) {
        let task = match progress.stage {
            Stage::Listing => "listing transactions",
            Stage::Applying => "applying transactions",
            Stage::Following => "following the chain",
            Stage::Comparing => "comparing accounts",
            Stage::SwitchingOver => "replacing the rows",
        };
        self.show(task, progress.done, progress.all);
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            eprintln!();
        }
    }
}

fn text(task: &str, done: u64, all: Option<u64>) -> String {
    let share =
        |parts: u64, all: u64| u64::try_from(u128::from(done.min(all)) * u128::from(parts) / u128::from(all));
    let Some(all) = all else {
        return if done == 0 {
            task.to_owned()
        } else {
            format!("{task}: {done}")
        };
    };
    let (filled, percent) = match all {
        0 => (WIDTH, 100),
        all => (share(WIDTH, all).unwrap_or(WIDTH), share(100, all).unwrap_or(100)),
    };
    let part = |character: &str, count: u64| character.repeat(usize::try_from(count).unwrap_or_default());
    format!(
        "{task} [{}{}] {percent} %, {done} of {all}",
        part("#", filled),
        part(".", WIDTH - filled)
    )
}

/// A file that shows how much of it has been read or written.
pub struct ProgressFile<F> {
    inner: F,
    bar: ProgressBar,
    task: &'static str,
    done: u64,
    /// The number of bytes of the whole file. `None` if it is not known.
    all: Option<u64>,
}

impl<F> ProgressFile<F> {
    /// Wraps a file that is read or written from its beginning.
    pub fn new(inner: F, task: &'static str, all: Option<u64>) -> Self {
        Self {
            inner,
            bar: ProgressBar::new(),
            task,
            done: 0,
            all,
        }
    }

    fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        let all = self.all.map(|all| all / MEGABYTE);
        self.bar.show(self.task, self.done / MEGABYTE, all);
    }
}

impl<F: Read> Read for ProgressFile<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.add(count);
        Ok(count)
    }
}

impl<F: Write> Write for ProgressFile<F> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.add(count);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_the_share_that_is_done() {
        let half = text("applying", 5, Some(10));
        assert_eq!(half, "applying [###############...............] 50 %, 5 of 10");
        assert!(text("applying", 0, Some(3)).contains("[..............................] 0 %"));
        assert!(text("applying", 3, Some(3)).contains("[##############################] 100 %"));
        // The chain grows meanwhile, and there can be nothing to do.
        assert!(text("applying", 9, Some(3)).contains("] 100 %, 9 of 3"));
        assert!(text("applying", 0, Some(0)).contains("] 100 %"));
        assert!(text("applying", u64::MAX, Some(u64::MAX)).contains("] 100 %"));
    }

    #[test]
    fn a_task_of_unknown_length_shows_how_much_is_done() {
        assert_eq!(text("listing", 7, None), "listing: 7");
        assert_eq!(text("replacing", 0, None), "replacing");
    }

    #[test]
    fn a_file_counts_what_is_read_and_written() {
        let mut written = ProgressFile::new(Vec::new(), "writing", None);
        written.write_all(&[7; 10]).unwrap();
        assert_eq!(written.done, 10);
        let mut read = ProgressFile::new(written.inner.as_slice(), "reading", Some(10));
        let mut content = Vec::new();
        read.read_to_end(&mut content).unwrap();
        assert_eq!((read.done, content), (10, vec![7; 10]));
    }
}
