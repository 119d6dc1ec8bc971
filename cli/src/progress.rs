//! Progress of long work on a terminal. Nothing is drawn if the standard error is no terminal, or with
//! `--json`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::context::Context;

/// The time between two pictures of a spinner.
const TICK: Duration = Duration::from_millis(120);

fn target(context: &Context) -> ProgressDrawTarget {
    if context.options.json {
        ProgressDrawTarget::hidden()
    } else {
        // It draws nothing unless the standard error is a terminal.
        ProgressDrawTarget::stderr()
    }
}

/// Returns a bar with an estimate of the remaining time. `done` units were done by an earlier command,
/// so the estimate leaves them out.
pub fn bar(context: &Context, what: &str, unit: &str, all: u64, done: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(all), target(context));
    let template = format!("{what} {{bar:30}} {{pos}}/{{len}} {unit}, {{eta}} left");
    let style = ProgressStyle::with_template(&template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_position(done);
    bar.reset_eta();
    bar
}

/// Returns a sign of work whose length is unknown, with the elapsed time.
pub fn spinner(context: &Context, what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, target(context));
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    spinner.set_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}
