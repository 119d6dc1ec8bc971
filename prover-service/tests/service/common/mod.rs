//! Runs the service as a process, and generates members to prove for.

mod members;

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bauta_service_common::{NewApiKey, Quota};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

pub use self::members::{TRACK, leaves, request, request_among, request_at, secret, tree};

/// The cache folder of all services that a test process starts. The tables of the keys take a
/// second to compute.
pub fn cache() -> &'static TempDir {
    static CACHE: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
    CACHE.get_or_init(|| tempfile::tempdir().unwrap())
}

/// Returns an API key with the permission `admin`, and its line for `API_KEYS`. Every service has
/// this key unless its test configures others.
pub fn operator() -> &'static (String, String) {
    static OPERATOR: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();
    OPERATOR.get_or_init(|| {
        let new = NewApiKey::random(&["admin"], u64::MAX, Quota::default());
        (new.key.to_string(), new.line)
    })
}

/// Returns whether only operators may use a route.
fn is_for_operators(path: &str) -> bool {
    path.starts_with("/api/") && path != "/api/proof/generate"
}

/// Returns the command of a service on free ports. Every client may prove, and there are no rate
/// limits, unless the environment says otherwise.
pub fn command(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prover-service"));
    for variable in ["PORT", "METRICS_PORT"] {
        command.env(variable, "0");
    }
    command
        .env("HOST", "127.0.0.1")
        .env("METRICS_HOST", "127.0.0.1")
        .env("ALLOW_DEVELOPMENT_KEYS", "true")
        .env("CACHE_DIR", cache().path())
        .env("RUST_LOG", "debug")
        .env("API_KEYS", &operator().1)
        .env("ALLOW_ANONYMOUS", "true")
        .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
        .env("ANONYMOUS_PROOFS_PER_MINUTE", "0")
        .envs(environment.iter().copied());
    command
}

/// Migrates the database of a service, if it has one. A database that several services use is
/// migrated once.
fn migrate(service: &Command) {
    static MIGRATED: Mutex<Vec<std::ffi::OsString>> = Mutex::new(Vec::new());
    let mut variables = service.get_envs();
    let Some((_, Some(url))) = variables.find(|(name, _)| *name == "DATABASE_URL") else {
        return;
    };
    let mut migrated = MIGRATED.lock().unwrap();
    if !migrated.iter().any(|other| other == url) {
        let mut command = command(&[]);
        let environment = service
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let output = command.arg("migrate").envs(environment).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        migrated.push(url.to_owned());
    }
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
    key: Option<String>,
}

/// A client of the websocket.
pub struct Subscriber(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Subscriber {
    /// Subscribes to a job or a request.
    pub async fn subscribe_to(&mut self, id: &str) {
        self.send(&json!({"type": "subscribe", "requestId": id})).await;
    }

    /// Sends a ping.
    pub async fn ping(&mut self) {
        self.0.send(Message::Ping("".into())).await.unwrap();
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Value {
        let text = async {
            loop {
                match self.0.next().await.expect("an open websocket").unwrap() {
                    Message::Text(text) => return text,
                    Message::Pong(_) => {}
                    other => panic!("{other}"),
                }
            }
        };
        let text = tokio::time::timeout(Duration::from_mins(1), text).await;
        serde_json::from_str(&text.expect("a message")).unwrap()
    }

    /// Waits until the service closes the websocket. Returns the reason.
    pub async fn closed(&mut self) -> String {
        let closed = async {
            loop {
                if let Message::Close(frame) = self.0.next().await.expect("an open websocket").unwrap() {
                    return frame.unwrap().reason.to_string();
                }
            }
        };
        let closed = tokio::time::timeout(Duration::from_mins(1), closed).await;
        closed.expect("a message")
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &Value) {
        self.0
            .send(Message::Text(message.to_string().into()))
            .await
            .unwrap();
    }

    /// Returns every message up to the result.
    pub async fn until_result(&mut self) -> Vec<Value> {
        let mut messages = vec![self.next().await];
        while messages.last().is_none_or(|last| last["type"] != "result") {
            messages.push(self.next().await);
        }
        messages
    }
}

/// Returns the environment of a service with jobs.
pub fn with_jobs<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut environment = vec![
        ("DATABASE_URL", url),
        ("WITNESS_KEYS", WITNESS_KEYS),
        ("DATABASE_CONNECTIONS", "8"),
    ];
    environment.extend(more);
    environment
}

pub const WITNESS_KEYS: &str = "test:4242424242424242424242424242424242424242424242424242424242424242";

impl Running {
    /// Starts the service with HTTP.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        Self::spawn(command(environment), "listening")
    }

    /// Starts the service with HTTP, on a database that is migrated already.
    pub fn start_migrated(environment: &[(&str, &str)]) -> Self {
        Self::spawn_migrated(command(environment), "listening")
    }

    /// Starts a worker on a database that is migrated already.
    pub fn worker_migrated(environment: &[(&str, &str)]) -> Self {
        let mut command = command(environment);
        command.arg("worker");
        Self::spawn_migrated(command, "ready")
    }

    /// Starts a worker. Its `address` is that of the operations port.
    pub fn worker(environment: &[(&str, &str)]) -> Self {
        let mut command = command(environment);
        command.arg("worker");
        Self::spawn(command, "ready")
    }

    /// Starts a verifier, which has no database.
    pub fn verifier(environment: &[(&str, &str)]) -> Self {
        let mut command = command(environment);
        command.arg("verifier");
        Self::spawn_migrated(command, "listening")
    }

    fn spawn(command: Command, last_event: &str) -> Self {
        migrate(&command);
        Self::spawn_migrated(command, last_event)
    }

    fn spawn_migrated(mut command: Command, last_event: &str) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let errors = BufReader::new(process.stderr.take().unwrap());
        collect(errors, log.clone());
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
                _ => {}
            }
            if entry["event"] == last_event {
                break;
            }
        }
        let metrics = metrics.unwrap();
        collect(lines, log.clone());
        Self {
            process,
            log,
            address: address.as_ref().unwrap_or(&metrics).parse().unwrap(),
            metrics: metrics.parse().unwrap(),
            client: client().build().unwrap(),
            key: None,
        }
    }

    /// Sends this API key with all further requests.
    pub fn identify(&mut self, key: &str) {
        self.key = Some(key.to_owned());
        let value = format!("Bearer {key}").parse().unwrap();
        let headers = [(reqwest::header::AUTHORIZATION, value)].into_iter().collect();
        self.client = client().default_headers(headers).build().unwrap();
    }

    /// Creates a request. To the routes of operators it has the operator's key, unless the test has
    /// chosen a key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("http://{}{path}", self.address));
        if self.key.is_none() && is_for_operators(path) {
            return request.bearer_auth(&operator().0);
        }
        request
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a request with an additional header. Returns the response with its headers.
    pub async fn post_with(
        &self,
        path: &str,
        header: (&str, &str),
        body: &Value,
    ) -> (u16, reqwest::header::HeaderMap, Value) {
        let request = self.request(Method::POST, path);
        let response = request
            .header(header.0, header.1)
            .json(body)
            .send()
            .await
            .unwrap();
        let headers = response.headers().clone();
        (
            response.status().as_u16(),
            headers,
            response.json().await.unwrap(),
        )
    }

    /// Requests a proof, and checks that a limit of three per minute refuses it.
    pub async fn assert_rate_limited(&self) {
        let (status, headers, problem) = self.post_with("/prove", ("accept", "*/*"), &request(3)).await;
        assert_eq!(
            (status, &problem["code"]),
            (429, &json!("rate_limited")),
            "{problem}"
        );
        let seconds: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=65).contains(&seconds), "{seconds}");
    }

    /// Returns the status of a response, whatever its body is.
    pub async fn status(&self, method: reqwest::Method, path: &str) -> u16 {
        let mut request = self.request(method.clone(), path);
        if method == reqwest::Method::POST {
            request = request.json(&json!([]));
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// Waits until the log has at least `count` lines of this target and event, and returns them.
    pub async fn lines(&self, target: &str, event: &str, count: usize) -> Vec<Value> {
        let read = || -> Vec<Value> {
            let log = self.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
            lines
                .filter(|line: &Value| line["target"] == target && line["event"] == event)
                .collect()
        };
        let complete = async {
            while read().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), complete).await;
        assert!(
            waited.is_ok(),
            "fewer than {count} lines of {event}:\n{}",
            self.log()
        );
        read()
    }

    /// Opens a websocket and subscribes.
    pub async fn subscribe(&self, id: &str) -> Subscriber {
        let mut subscriber = self.websocket().await;
        subscriber.subscribe_to(id).await;
        subscriber
    }

    /// Opens a websocket.
    pub async fn websocket(&self) -> Subscriber {
        self.websocket_at("/ws").await
    }

    /// Opens a websocket at a path.
    pub async fn websocket_at(&self, path: &str) -> Subscriber {
        let mut request = format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap();
        if let Some(key) = &self.key {
            let value = format!("Bearer {key}").parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Subscriber(socket)
    }

    /// Creates a job and returns its id.
    pub async fn enqueue(&self, request: &Value, idempotency_key: Option<&str>) -> String {
        let mut request = request.clone();
        request["wait"] = false.into();
        let mut post = self
            .client
            .post(format!("http://{}/prove", self.address))
            .json(&request);
        if let Some(key) = idempotency_key {
            post = post.header("idempotency-key", key);
        }
        let (status, accepted) = send(post).await;
        assert_eq!(status, 202, "{accepted}");
        accepted["job_id"].as_str().unwrap().to_owned()
    }

    /// Returns the name and data of each event of a job, until its end.
    pub async fn events(&self, job: &str) -> Vec<(String, Value)> {
        self.events_at(&format!("/jobs/{job}/events")).await
    }

    /// Returns the name and data of each event of a stream.
    pub async fn events_at(&self, path: &str) -> Vec<(String, Value)> {
        let request = self.client.get(format!("http://{}{path}", self.address));
        let text = request.send().await.unwrap().text().await.unwrap();
        let mut events = Vec::new();
        for block in text.split("\n\n") {
            let field = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            if let (Some(event), Some(data)) = (field("event:"), field("data:")) {
                events.push((event.to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
        events
    }

    /// Waits until a job has ended, and returns it.
    pub async fn result(&self, job: &str) -> Value {
        let (event, data) = self
            .events(job)
            .await
            .pop()
            .expect("a job has at least one event");
        assert_eq!(event, "result");
        data
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        send(self.client.delete(format!("http://{}{path}", self.address))).await
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let id = self.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until the process exits. Returns whether it exited with success.
    pub fn exits_with_success(&mut self) -> bool {
        self.process.wait().unwrap().success()
    }

    /// Returns the resident memory.
    pub fn memory_mb(&self) -> f64 {
        let pid = i32::try_from(self.process.id()).unwrap();
        let status = procfs::process::Process::new(pid).unwrap().status().unwrap();
        f64::from(u32::try_from(status.vmrss.unwrap()).unwrap()) * 1024.0 / 1e6
    }

    /// Returns the largest resident memory since the start.
    pub fn peak_memory_mb(&self) -> f64 {
        let pid = i32::try_from(self.process.id()).unwrap();
        let status = procfs::process::Process::new(pid).unwrap().status().unwrap();
        f64::from(u32::try_from(status.vmhwm.unwrap()).unwrap()) * 1024.0 / 1e6
    }

    /// Kills the process.
    pub fn crash(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Returns the response of `/ready`.
    pub async fn ready(&self) -> (u16, Value) {
        send(self.client.get(format!("http://{}/ready", self.metrics))).await
    }

    pub async fn metrics(&self) -> String {
        let request = self.client.get(format!("http://{}/metrics", self.metrics));
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Waits until the log contains the text, and returns the log. The output is read on another
    /// thread, so it arrives late.
    pub async fn log_with(&self, text: &str) -> String {
        let complete = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), complete).await;
        let log = self.log();
        assert!(waited.is_ok(), "{text} is not in the log:\n{log}");
        log
    }

    /// Waits until the log of this process or of another one contains the text.
    pub async fn log_with_any(&self, others: &[&Self], text: &str) {
        let contains = || self.log().contains(text) || others.iter().any(|other| other.log().contains(text));
        let complete = async {
            while !contains() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), complete).await;
        assert!(waited.is_ok(), "{text} is in no log:\n{}", self.log());
    }

    /// Returns the output so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

/// Returns the builder of a client. The service closes a connection that is idle for
/// `CLIENT_TIMEOUT_MS`. A client that used such a connection at that moment would get no response,
/// so it keeps connections for a shorter time.
fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(5))
}

async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
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
