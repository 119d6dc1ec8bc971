//! What the relay writes to its log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::{Relayed, submit};

/// What the node adds to each call that it repeats.
const WRITTEN: &str = "written by the node";

/// A node that passes calls on to the node of the chain until it has simulated a transaction. Then
/// it repeats each call in the message of an error.
struct Echo {
    node: String,
    client: reqwest::Client,
    has_simulated: AtomicBool,
}

impl Echo {
    async fn start(node: &str) -> String {
        let echo = Arc::new(Self {
            node: node.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            has_simulated: AtomicBool::new(false),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(Self::respond)).with_state(echo);
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn respond(State(echo): State<Arc<Self>>, body: String) -> Response {
        let call: Value = serde_json::from_str(&body).unwrap();
        let answer = if echo.has_simulated.load(Ordering::SeqCst) {
            let error = json!({"code": -32_603, "message": format!("{WRITTEN}: {body}")});
            json!({"jsonrpc": "2.0", "id": call["id"], "error": error}).to_string()
        } else {
            let request = echo
                .client
                .post(&echo.node)
                .header(CONTENT_TYPE, "application/json");
            request.body(body).send().await.unwrap().text().await.unwrap()
        };
        if call["method"] == "simulateTransaction" {
            echo.has_simulated.store(true, Ordering::SeqCst);
        }
        ([(CONTENT_TYPE, "application/json")], answer).into_response()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_the_relay_has_nothing_that_a_node_has_written() {
    let relayed = Relayed::start().await;
    let node = Echo::start(relayed.chain.chain.rpc_url()).await;
    let service = relayed.service(&[("RELAY_RPC_URLS", &node)]).await;
    let verify = relayed.chain.prove(relayed.scope, 1);
    submit(&service, &verify).await;
    let logged = async {
        while !["relay_not_sent", "relays_not_booked"]
            .iter()
            .all(|event| service.log().contains(event))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let logged = tokio::time::timeout(Duration::from_mins(1), logged).await;
    assert!(logged.is_ok(), "{}", service.log());
    let log = service.log();
    let request = [verify.payer, verify.recipient, verify.scope].map(|address| address.to_string());
    for text in request.iter().map(String::as_str).chain([WRITTEN, "jsonrpc"]) {
        assert!(!log.contains(text), "the log has {text}:\n{log}");
    }
}
