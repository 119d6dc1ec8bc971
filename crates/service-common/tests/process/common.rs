//! Runs the example service as a process.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

pub const PASSWORD: &str = "correct-horse-battery";

pub fn command() -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/minimal");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PASSWORD", PASSWORD)
        .env("PORT", "0")
        .env("METRICS_PORT", "0");
    command.env("METRICS_HOST", "127.0.0.1").env("HOST", "127.0.0.1");
    command
}

/// Returns the command of a service with a limit of open files: the soft limit, and the hard limit.
pub fn command_with_open_files(soft: u32, hard: u32) -> Command {
    let service = command();
    let mut limited = Command::new("/bin/sh");
    let limits = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\"");
    limited.args(["-c", &limits]).arg(service.get_program());
    limited.env_clear();
    for (name, value) in service.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited
}

pub fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Starts the service with a configuration that it must refuse, and returns its output.
pub fn refusal(file_text: &str, environment: &[(&str, &str)]) -> String {
    let (_folder, path) = file(file_text);
    let output = command()
        .arg("--config")
        .arg(path)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success(), "accepted: {file_text} {environment:?}");
    text(&output)
}

pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// A running service. Dropping it kills the process.
pub struct Running {
    process: Child,
    lines: BufReader<ChildStdout>,
    log: String,
    pub service: SocketAddr,
    pub metrics: SocketAddr,
}

impl Running {
    pub fn start(environment: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.envs(environment.iter().copied());
        Self::start_command(command)
    }

    /// Starts the service with a limit of open files: the soft limit, and the hard limit.
    pub fn start_with_open_files(soft: u32, hard: u32) -> Self {
        Self::start_command(command_with_open_files(soft, hard))
    }

    /// Returns the soft limit of open files.
    pub fn open_files(&self) -> String {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.process.id())).unwrap();
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"));
        line.unwrap().split_whitespace().next().unwrap().to_owned()
    }

    /// Returns the log up to the line that both addresses are known with.
    pub fn log(&self) -> &str {
        &self.log
    }

    fn start_command(mut command: Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let (mut log, mut addresses) = (String::new(), Vec::<SocketAddr>::new());
        while addresses.len() < 2 {
            let mut line = String::new();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "ended early: {log}");
            if let Ok(entry) = serde_json::from_str::<Value>(&line) {
                let address = entry.get("metrics").or_else(|| entry.get("address"));
                addresses
                    .extend(address.map(|address| address.as_str().unwrap().parse::<SocketAddr>().unwrap()));
            }
            log.push_str(&line);
        }
        Self {
            process,
            lines,
            log,
            metrics: addresses[0],
            service: addresses[1],
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service)
    }

    /// Returns the content of `/metrics`.
    pub async fn metrics(&self) -> String {
        let response = reqwest::get(format!("http://{}/metrics", self.metrics)).await;
        response.unwrap().text().await.unwrap()
    }

    /// Waits until `/metrics` contains this line.
    pub async fn until_metrics_have(&self, line: &str) {
        self.until_metrics_have_one_of(&[line]).await;
    }

    /// Waits until `/metrics` contains one of these lines.
    pub async fn until_metrics_have_one_of(&self, lines: &[&str]) {
        let have = async {
            while !self.metrics().await.lines().any(|line| lines.contains(&line)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), have).await;
        assert!(waited.is_ok(), "/metrics never contained one of {lines:?}");
    }

    /// Opens a connection without sending anything.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.service).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until the process exits. Returns whether it exited with success, and its whole output.
    pub fn wait(mut self) -> (bool, String) {
        self.lines.read_to_string(&mut self.log).unwrap();
        let errors = self.process.stderr.as_mut().unwrap();
        errors.read_to_string(&mut self.log).unwrap();
        let status = self.process.wait().unwrap();
        (status.success(), std::mem::take(&mut self.log))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
