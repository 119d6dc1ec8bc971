//! The service as a process.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bauta_store::testing::TestDatabase;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

/// Returns the command of a service on free ports, with a database and without rate limits unless
/// the environment says otherwise.
pub fn command(url: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bauta-api"));
    for variable in ["PORT", "METRICS_PORT"] {
        command.env(variable, "0");
    }
    command
        .env("HOST", "127.0.0.1")
        .env("METRICS_HOST", "127.0.0.1")
        .env("RUST_LOG", "debug")
        .env("DATABASE_URL", url)
        .env("DATABASE_CONNECTIONS", "8")
        .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
        .env("ANONYMOUS_TILES_PER_MINUTE", "0")
        .envs(environment.iter().copied());
    command
}

/// Returns the whole output of a process.
pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// A running service. Dropping it kills the process.
pub struct Running {
    process: Child,
    log: Arc<Mutex<String>>,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    client: reqwest::Client,
}

impl Running {
    /// Starts the service on a database.
    pub fn start(database: &TestDatabase, environment: &[(&str, &str)]) -> Self {
        Self::start_at(&database.url().unwrap(), environment)
    }

    /// Starts the service on the database at a URL.
    pub fn start_at(url: &str, environment: &[(&str, &str)]) -> Self {
        let mut process = command(url, environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        collect(BufReader::new(process.stderr.take().unwrap()), log.clone());
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let (mut address, mut metrics) = (None::<String>, None::<String>);
        loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "exited early: {}", log.lock().unwrap());
            log.lock().unwrap().push_str(&line);
            let entry: Value = serde_json::from_str(&line).unwrap();
            match entry["event"].as_str() {
                Some("started") => metrics = entry["metrics"].as_str().map(str::to_owned),
                Some("listening") => address = entry["address"].as_str().map(str::to_owned),
                Some("ready") => break,
                _ => {}
            }
        }
        collect(lines, log.clone());
        Self {
            process,
            log,
            address: address.unwrap().parse().unwrap(),
            metrics: metrics.unwrap().parse().unwrap(),
            client: reqwest::Client::builder().no_gzip().no_proxy().build().unwrap(),
        }
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// Sends a request with a header.
    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Response {
        let request = self.request(Method::GET, path).header(name, value);
        request.send().await.unwrap()
    }

    /// Sends a request and returns the response.
    pub async fn response(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// Returns the status and the JSON of a response.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.response(path).await;
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Returns the JSON of a response, which must be a success.
    pub async fn read(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Returns the JSON of a response that contains the changes up to `slot`.
    pub async fn read_from(&self, slot: u64, path: &str) -> Value {
        let response = self.get_with(path, "bauta-min-slot", &slot.to_string()).await;
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Returns the bytes of a response, which must be a success.
    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.response(path).await;
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.bytes().await.unwrap().to_vec()
    }

    pub async fn metrics(&self) -> String {
        let request = self.client.get(format!("http://{}/metrics", self.metrics));
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Returns the response of `/ready`.
    pub async fn ready(&self) -> Value {
        let request = self.client.get(format!("http://{}/ready", self.metrics));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Waits until a line of the log fulfils a condition.
    pub async fn wait_for_line(&self, condition: impl Fn(&Value) -> bool) {
        let is_logged = || {
            let log = self.log();
            let mut lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
            lines.any(|line| condition(&line))
        };
        let logged = async {
            while !is_logged() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), logged).await;
        assert!(waited.is_ok(), "no such line: {}", self.log());
    }

    /// Returns the output with the lines of all requests that have their response. A request
    /// without a key is sent, and the line of its refusal comes after them.
    pub async fn log_of_all_requests(&self) -> String {
        let request = self.request(Method::POST, "/v1/zkp/generate");
        let refused: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(refused["code"], "missing_api_key", "{refused}");
        self.wait_for_line(|line| line["request_id"] == refused["request_id"])
            .await;
        self.log()
    }

    /// Returns the output so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

fn collect(lines: impl BufRead + Send + 'static, log: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
