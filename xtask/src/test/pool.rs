//! Runs several test programs at once and prints the output of each when it ends.

use std::{
    collections::VecDeque,
    io::{self, Read},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// Commands that run one after the other. A failure ends the job.
pub struct Job {
    pub name: String,
    pub commands: Vec<Command>,
}

/// Runs all jobs, `parallel` of them at a time, in their order. A failure does not stop the other
/// jobs. The error names each job that failed.
pub fn run(jobs: Vec<Job>, parallel: usize) -> Result<()> {
    let total = jobs.len();
    let queue = Mutex::new(VecDeque::from(jobs));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..parallel {
            scope.spawn(|| {
                loop {
                    // The guard is dropped before the job runs.
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(job) = next else { break };
                    let name = job.name.clone();
                    if !report(job) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {total} test programs failed: {}",
        failed.len(),
        failed.join(", ")
    )
}

/// Runs a job and prints its output. Returns whether the job succeeded.
fn report(job: Job) -> bool {
    let start = Instant::now();
    let mut text = Vec::new();
    let result = job
        .commands
        .into_iter()
        .try_for_each(|command| captured(command, &mut text));
    let outcome = match &result {
        Ok(()) => "passed".to_owned(),
        Err(error) => format!("failed: {error:#}"),
    };
    // One call, so that no other job writes in between.
    println!(
        "{}{} ({} s): {outcome}\n",
        String::from_utf8_lossy(&text),
        job.name,
        start.elapsed().as_secs()
    );
    result.is_ok()
}

/// Runs a command. Appends what it writes to both of its outputs to `text`.
fn captured(mut command: Command, text: &mut Vec<u8>) -> Result<()> {
    let program = command.get_program().display().to_string();
    let (mut reader, writer) = io::pipe().context("can't create a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("can't copy a pipe")?)
        .stderr(writer);
    let mut process = command
        .spawn()
        .with_context(|| format!("can't start {program}"))?;
    // The command holds this process's ends of the pipe for writing. The reader ends when they and
    // those of the process are closed.
    drop(command);
    reader.read_to_end(text).context("can't read the output")?;
    let status = process.wait().context("can't wait for the process")?;
    if status.success() {
        Ok(())
    } else {
        bail!("{program} failed: {status}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, scripts: &[&str]) -> Job {
        let commands = scripts.iter().map(|script| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        });
        Job {
            name: name.to_owned(),
            commands: commands.collect(),
        }
    }

    #[test]
    fn each_job_runs_and_the_error_names_those_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let touch = |name: &str| format!("touch {}", file(name).display());
        let jobs = vec![
            shell("first", &["exit 3", &touch("first")]),
            shell("second", &[&touch("second")]),
            shell("third", &["true", "kill -9 $$"]),
            shell("fourth", &[&touch("fourth")]),
        ];
        let error = run(jobs, 1).unwrap_err().to_string();
        assert_eq!(error, "2 of 4 test programs failed: first, third");
        assert!(!file("first").exists());
        assert!(file("second").exists() && file("fourth").exists());
    }

    #[test]
    fn as_many_jobs_run_at_once_as_requested() {
        // Each job waits until the other one has started.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let script = |own: &str, other: &str| {
            format!("touch {path}/{own}; until [ -e {path}/{other} ]; do sleep 0.01; done")
        };
        let (left, right) = (script("left", "right"), script("right", "left"));
        run(vec![shell("left", &[&left]), shell("right", &[&right])], 2).unwrap();
    }

    #[test]
    fn both_outputs_of_a_command_are_captured_in_their_order() {
        let job = shell("", &["echo one; echo two >&2; echo three"]);
        let mut text = Vec::new();
        for command in job.commands {
            captured(command, &mut text).unwrap();
        }
        assert_eq!(String::from_utf8(text).unwrap(), "one\ntwo\nthree\n");
    }
}
