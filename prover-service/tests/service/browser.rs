//! The service from web pages, in Chromium.

use std::{
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{Router, response::Html, routing::get, routing::post};
use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    access::{api_key, run, save_api_key, wait_for_key},
    common::{Running, request, with_jobs},
};

/// A browser. Dropping it ends the process.
struct Browser(
    Child,
    #[allow(dead_code, reason = "the folder is removed with the browser")] tempfile::TempDir,
);

impl Browser {
    fn open(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .args([
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
            ])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg(url)
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Chromium: install Debian's package chromium");
        Self(process, folder)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A page, which is written after its server has started.
type Page = Arc<OnceLock<String>>;

/// Serves a page, and receives its results at `/result`. Returns the port.
async fn serve(page: Page) -> (u16, mpsc::Receiver<Value>) {
    let (sender, results) = mpsc::channel(1);
    let result = move |body: String| async move {
        sender.send(serde_json::from_str(&body).unwrap()).await.unwrap();
    };
    let routes = Router::new()
        .route("/", get(async move || Html(page.get().unwrap().clone())))
        .route("/result", post(result));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (port, results)
}

/// Opens the page at a host and returns its result.
async fn result_of(host: &str, port: u16, results: &mut mpsc::Receiver<Value>) -> Value {
    let browser = Browser::open(&format!("http://{host}:{port}/"));
    let result = tokio::time::timeout(Duration::from_mins(1), results.recv()).await;
    drop(browser);
    result.expect("the page has a result within a minute").unwrap()
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_proves_and_follows_its_requests_and_another_page_can_not() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    // The service's port is known only after it starts, and the page's port before.
    let page = Page::default();
    let (port, mut results) = serve(page.clone()).await;
    let origin = format!("http://localhost:{port}");
    let settings = [
        ("API_KEYS", line.as_str()),
        ("ALLOW_ANONYMOUS", ""),
        ("ALLOWED_ORIGINS", &origin),
    ];
    let service = Running::start(&with_jobs(&url, &settings));
    let settings = json!({
        "service": format!("http://{}", service.address),
        "key": key,
        "request": request(3),
    });
    page.set(include_str!("browser.html").replace("SETTINGS", &settings.to_string()))
        .unwrap();
    let result = result_of("localhost", port, &mut results).await;
    let expected = json!({
        "stages": ["awaited", "waiting", "proving", "succeeded"],
        "success": true,
        "state": "succeeded",
        "again": "the stream was refused",
        "code": "invalid_input",
    });
    assert_eq!(result, expected);
    // The same page from another origin: the browser doesn't let it use the service.
    let result = result_of("127.0.0.1", port, &mut results).await;
    assert!(
        result["error"].as_str().unwrap().contains("Failed to fetch"),
        "{result}"
    );
}

#[tokio::test]
async fn a_ticket_is_for_one_id_one_origin_and_one_use_at_any_instance() {
    const ORIGIN: &str = "https://app.example.org";
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove");
    let settings = [("API_KEYS", line.as_str()), ("ALLOW_ANONYMOUS", "")];
    let mut service = Running::start(&with_jobs(&url, &settings));
    let other = Running::start(&with_jobs(&url, &settings));
    assert_eq!(service.post("/tickets", &json!({"id": "mine"})).await.0, 401);
    service.identify(&key);
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let ticket = async |id: &str| {
        let (status, answer) = service
            .post("/tickets", &json!({"id": id, "origin": ORIGIN}))
            .await;
        assert_eq!(status, 200, "{answer}");
        answer["ticket"].as_str().unwrap().to_owned()
    };
    let open = async |path: &str, ticket: &str, origin: &str| {
        let request = other.request(reqwest::Method::GET, &format!("{path}?ticket={ticket}"));
        let response = request.header("origin", origin).send().await.unwrap();
        response.status().as_u16()
    };
    let events = format!("/jobs/{job}/events");
    let used = ticket(&job).await;
    assert_eq!(open(&events, &used, ORIGIN).await, 200);
    assert_eq!(open(&events, &used, ORIGIN).await, 401, "used twice");
    let upper_case = ticket(&job.to_uppercase()).await;
    assert_eq!(open(&events, &upper_case, ORIGIN).await, 200);
    assert_eq!(
        open(&events, &ticket(&job).await, "https://evil.example").await,
        401
    );
    assert_eq!(open(&events, &ticket("another").await, ORIGIN).await, 400);
    assert_eq!(open(&events, "bauta_ticket_00", ORIGIN).await, 401);
    // An EventSource of the service's own origin, behind a proxy that also serves the page, sends
    // no header Origin.
    let own = json!({"id": job, "origin": format!("http://{}", other.address)});
    for (site, status) in [("same-origin", 200), ("cross-site", 401)] {
        let (_, answer) = service.post("/tickets", &own).await;
        let path = format!("{events}?ticket={}", answer["ticket"].as_str().unwrap());
        let request = other.request(reqwest::Method::GET, &path);
        let response = request.header("sec-fetch-site", site).send().await.unwrap();
        assert_eq!(response.status(), status, "{site}");
    }
    for wrong in [
        json!({"id": "mine"}),
        json!({"id": "", "origin": ORIGIN}),
        json!({"id": "mine", "origin": "null"}),
    ] {
        assert_eq!(service.post("/tickets", &wrong).await.0, 400, "{wrong}");
    }
    let log = other.log();
    assert!(!log.contains("bauta_ticket_"), "the log contains a ticket");
}

#[tokio::test]
async fn after_a_key_is_revoked_its_tickets_are_refused_and_its_open_websockets_and_streams_end() {
    const ORIGIN: &str = "https://app.example.org";
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", ""), ("ALLOW_ANONYMOUS", "")]));
    let (key, prefix) = save_api_key(&url, &[]);
    service.identify(&key);
    wait_for_key(&service, 200).await;
    let mut websocket = service.websocket().await;
    websocket.subscribe_to("first").await;
    assert_eq!(websocket.next().await["type"], "progress");
    let (_, answer) = service
        .post("/tickets", &json!({"id": "second", "origin": ORIGIN}))
        .await;
    let ticket = answer["ticket"].as_str().unwrap();
    let mut stream = service
        .request(reqwest::Method::GET, "/requests/third/events")
        .bearer_auth(&key)
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    assert!(run(&url, &["revoke-key", &prefix]).0);
    let reason = websocket.closed().await;
    assert!(reason.contains("no longer valid"), "{reason}");
    let ended = async { while stream.chunk().await.unwrap().is_some() {} };
    let ended = tokio::time::timeout(std::time::Duration::from_mins(1), ended);
    ended.await.expect("the stream ends");
    wait_for_key(&service, 401).await;
    let path = format!("/requests/second/events?ticket={ticket}");
    let request = reqwest::Client::new().get(format!("http://{}{path}", service.address));
    let response = request.header("origin", ORIGIN).send().await.unwrap();
    assert_eq!(response.status(), 401);
}
