//! Builds with cargo and shows the progress: how many units of the build are done, and an estimate
//! of the remaining time.

use std::{
    io::{BufRead, BufReader, IsTerminal, Write, stderr},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The number of lines that a build writes if standard error is not a terminal.
const LINES: usize = 10;

/// Runs cargo with these arguments and passes each of its messages to `observe`. Compiler messages
/// go to standard error. If there is nothing to build, nothing is written.
pub fn build(
    cargo: impl Fn() -> Result<Command>,
    arguments: &[&str],
    mut observe: impl FnMut(&Value),
) -> Result<()> {
    let mut progress = Progress::new(|| units(cargo().ok()?, arguments));
    let mut command = cargo()?;
    command
        .args(arguments)
        .args(["--quiet", "--message-format=json-render-diagnostics"])
        .stdout(Stdio::piped());
    let mut process = command.spawn().context("can't start cargo")?;
    let output = process.stdout.take().context("cargo has no standard output")?;
    for line in BufReader::new(output).lines() {
        // Build scripts and compilers may write other lines.
        if let Ok(message) = serde_json::from_str::<Value>(&line.context("can't read cargo's messages")?) {
            progress.record(&message);
            observe(&message);
        }
    }
    let status = process.wait().context("can't wait for cargo")?;
    progress.finish();
    ensure!(status.success(), "cargo {} failed: {status}", arguments.join(" "));
    Ok(())
}

/// Returns the number of units of a build: crates, build scripts and their runs. The number comes
/// from cargo's unit graph, which is an unstable format. Returns `None` if it can't be read; the
/// progress then has no total.
fn units(mut cargo: Command, arguments: &[&str]) -> Option<usize> {
    let plan = cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .args(arguments)
        .args(["--unit-graph", "-Zunstable-options"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let plan: Value = serde_json::from_slice(&plan.stdout).ok()?;
    Some(plan.get("units")?.as_array()?.len())
}

/// The progress of one build.
struct Progress<F> {
    /// Returns the number of units of the build. It is called when there is something to build.
    units: F,
    /// The number of units of the build, or zero if it is unknown.
    total: usize,
    done: usize,
    /// The number of units that were built before.
    fresh: usize,
    start: Instant,
    /// The tenths of the build that the last written line reported.
    written: usize,
    terminal: bool,
}

impl<F: Fn() -> Option<usize>> Progress<F> {
    fn new(units: F) -> Self {
        Self {
            units,
            total: 0,
            done: 0,
            fresh: 0,
            start: Instant::now(),
            written: 0,
            terminal: stderr().is_terminal(),
        }
    }

    fn record(&mut self, message: &Value) {
        let reason = message.get("reason").and_then(Value::as_str);
        if !matches!(reason, Some("compiler-artifact" | "build-script-executed")) {
            return;
        }
        self.done += 1;
        let fresh = message.get("fresh").and_then(Value::as_bool);
        // The messages of build scripts do not contain this value.
        if fresh.unwrap_or(self.done == self.fresh + 1) {
            self.fresh += 1;
            return;
        }
        if self.done == self.fresh + 1 {
            self.total = (self.units)().unwrap_or(0);
        }
        let name = message.pointer("/target/name").and_then(Value::as_str);
        let line = self.line(name.unwrap_or_default());
        let tenths = LINES * self.done / self.total.max(self.done);
        if self.terminal {
            // The build continues if the progress can't be written.
            let _ = write!(stderr(), "\r\x1b[2K{line}");
        } else if tenths > self.written || self.done == self.fresh + 1 {
            self.written = tenths;
            let _ = writeln!(stderr(), "{line}");
        }
    }

    fn line(&self, name: &str) -> String {
        let Some(estimate) = self.estimate() else {
            return format!("  built {} crates and build scripts: {name}", self.done);
        };
        format!(
            "  built {} of {} crates and build scripts, {estimate}: {name}",
            self.done, self.total
        )
    }

    /// Returns the estimate of the remaining time, in words. Returns `None` if the total is
    /// unknown.
    fn estimate(&self) -> Option<String> {
        /// The number of built units from which the estimate is useful.
        const MINIMUM: usize = 20;
        let remaining = self.total.checked_sub(self.done).filter(|_| self.total > 0)?;
        let built = self.done - self.fresh;
        if built < MINIMUM {
            return Some("estimating the time".into());
        }
        let each = self.start.elapsed() / u32::try_from(built).ok()?;
        let left = each * u32::try_from(remaining).ok()?;
        Some(if left < Duration::from_mins(1) {
            "less than a minute left".into()
        } else {
            format!("about {} min left", left.as_secs().div_ceil(60))
        })
    }

    fn finish(&self) {
        if self.terminal && self.done > self.fresh {
            let _ = write!(stderr(), "\r\x1b[2K");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_counts_units_and_estimates_the_rest() {
        let mut progress = Progress::new(|| Some(100));
        progress.start -= Duration::from_secs(40);
        for number in 0..40 {
            let fresh = number < 20;
            progress.record(&json!({"reason": "compiler-artifact", "fresh": fresh, "target": {"name": "a"}}));
            progress.record(&json!({"reason": "compiler-message"}));
        }
        // 20 units took 40 s, and 60 units remain.
        assert_eq!(progress.estimate().as_deref(), Some("about 2 min left"));
        assert_eq!(
            progress.line("a"),
            "  built 40 of 100 crates and build scripts, about 2 min left: a"
        );
    }

    #[test]
    fn progress_without_a_total_estimates_nothing() {
        let mut progress = Progress::new(|| None);
        progress.record(&json!({"reason": "build-script-executed"}));
        progress.record(&json!({"reason": "compiler-artifact", "fresh": false, "target": {"name": "a"}}));
        assert_eq!(progress.line("a"), "  built 2 crates and build scripts: a");
    }
}
