//! Progress bars on standard error. They are hidden if it is no terminal.

use std::io::{Read, Write};

use bauta_indexing::{Progress, Stage};
use indicatif::{ProgressBarIter, ProgressFinish, ProgressStyle};

/// Shows how much of a task is done.
pub struct ProgressBar(indicatif::ProgressBar);

impl ProgressBar {
    pub fn new() -> Self {
        let bar = indicatif::ProgressBar::no_length().with_finish(ProgressFinish::Abandon);
        Self(bar)
    }

    /// Shows how much is done. `None` means that nothing shows how much there is in total.
    pub fn show(&mut self, task: &str, done: u64, all: Option<u64>) {
        self.0.set_style(style(all.is_some()));
        self.0.set_message(task.to_owned());
        match all {
            Some(all) => self.0.set_length(all),
            None => self.0.unset_length(),
        }
        self.0.set_position(done);
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

fn style(has_length: bool) -> ProgressStyle {
    let template = if has_length {
        "{msg} {bar:30} {percent} %, {pos} of {len}"
    } else {
        "{msg}: {pos}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Returns a bar that counts bytes. `None` means that the size of the file is not known.
fn bytes(task: &'static str, all: Option<u64>) -> indicatif::ProgressBar {
    let template = match all {
        Some(_) => "{msg} {bar:30} {bytes} of {total_bytes}",
        None => "{msg}: {bytes}",
    };
    let bar = all.map_or_else(indicatif::ProgressBar::no_length, indicatif::ProgressBar::new);
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.with_message(task).with_finish(ProgressFinish::Abandon)
}

/// Wraps a file that is read from its beginning, and shows how much of its `size` in bytes is read.
pub fn reading<R: Read>(file: R, task: &'static str, size: u64) -> ProgressBarIter<R> {
    bytes(task, Some(size)).wrap_read(file)
}

/// Wraps a file that is written, and shows how much is written.
pub fn writing<W: Write>(file: W, task: &'static str) -> ProgressBarIter<W> {
    bytes(task, None).wrap_write(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_the_length_of_the_present_task() {
        let mut bar = ProgressBar::new();
        bar.show("applying", 5, Some(10));
        assert_eq!((bar.0.position(), bar.0.length()), (5, Some(10)));
        assert_eq!(bar.0.message(), "applying");
        bar.show("listing", 7, None);
        assert_eq!((bar.0.position(), bar.0.length()), (7, None));
    }

    #[test]
    fn a_file_counts_what_is_read_and_written() {
        let mut written = writing(Vec::new(), "writing");
        written.write_all(&[7; 10]).unwrap();
        assert_eq!(written.progress.position(), 10);
        let content = [7; 10];
        let mut read = reading(content.as_slice(), "reading", 10);
        let mut copy = Vec::new();
        read.read_to_end(&mut copy).unwrap();
        assert_eq!(
            (read.progress.position(), copy.as_slice()),
            (10, content.as_slice())
        );
    }
}
