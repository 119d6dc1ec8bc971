//! A proxy before a node.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::faults::{Shared, count};
use crate::listener::Listener;
use crate::{ChaosError, Faults, Told, answers, notices};

/// Stands before a node and does wrong what it is told to. Ends with the value.
pub struct Proxy {
    shared: Arc<Shared>,
    http: Listener,
    websocket: Listener,
}

impl Proxy {
    /// Before the node with this JSON-RPC and this websocket. The same `seed` gives the same hidden transactions.
    pub async fn start(rpc: &str, websocket: &str, seed: u64) -> Result<Self, ChaosError> {
        // a node on this machine: no proxy of the environment lies between
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(ChaosError::Client)?;
        let shared = Arc::new(Shared::new(rpc, websocket, client, seed));
        let (http, socket) = (Arc::clone(&shared), Arc::clone(&shared));
        Ok(Self {
            shared,
            http: Listener::start(move |stream| serve(stream, Arc::clone(&http))).await?,
            websocket: Listener::start(move |stream| notices::serve(stream, Arc::clone(&socket))).await?,
        })
    }

    /// Where its JSON-RPC is.
    #[must_use]
    pub fn rpc(&self) -> String {
        format!("http://{}", self.http.address)
    }

    /// Where its websocket is.
    #[must_use]
    pub fn websocket(&self) -> String {
        format!("ws://{}", self.websocket.address)
    }

    /// What it does wrong from now on.
    pub fn set(&self, faults: Faults) {
        self.shared.faults.send_replace(faults);
    }

    /// What it has done wrong so far.
    #[must_use]
    pub fn told(&self) -> &Told {
        &self.shared.told
    }
}

/// One connection to the JSON-RPC.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut faults = shared.faults.subscribe();
    if faults.borrow().away {
        count(&shared.told.refused);
        return;
    }
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let server = auto::Builder::new(TokioExecutor::new());
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::select! {
        // how the client ends it is the client's business
        _ = connection => {}
        _ = faults.wait_for(|faults| faults.away) => count(&shared.told.refused),
    }
}

/// One call.
async fn answer(State(shared): State<Arc<Shared>>, request: Bytes) -> Response {
    let faults = shared.faults.borrow().clone();
    shared.wait(faults.delay).await;
    if shared.happens(faults.errors) {
        count(&shared.told.errors);
        return error(&shared);
    }
    match truth(&shared, &faults, request).await {
        Ok(mut body) => {
            if shared.happens(faults.truncated) {
                count(&shared.told.truncated);
                body.truncate(body.len() / 2);
            }
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// The errors that nodes and what stands before them answer with.
fn error(shared: &Shared) -> Response {
    let refusal = |code: i64, message: &str| {
        let error = json!({ "code": code, "message": message });
        axum::Json(json!({ "jsonrpc": "2.0", "id": 1, "error": error })).into_response()
    };
    match shared.below(4) {
        0 => (StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response(),
        1 => (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response(),
        2 => refusal(-32_603, "internal error"),
        _ => refusal(-32_005, "node is behind by 150 slots"),
    }
}

/// What the node says, and what is made of it.
async fn truth(shared: &Shared, faults: &Faults, request: Bytes) -> Result<Vec<u8>, reqwest::Error> {
    let mut asked: Value = serde_json::from_slice(&request).unwrap_or_default();
    let answered = if faults.slots_ahead > 0 {
        asked = answers::without_least_slot(asked);
        ask(shared, asked.to_string().into_bytes()).await?
    } else {
        ask(shared, request.to_vec()).await?
    };
    let is_old = shared.happens(faults.old);
    if faults.hidden == 0.0 && faults.slots_ahead == 0 && !is_old {
        return Ok(answered.to_vec());
    }
    let Ok(mut answer) = serde_json::from_slice(&answered) else {
        return Ok(answered.to_vec());
    };
    let horizon = if is_old {
        Some(horizon(shared, faults).await?)
    } else {
        None
    };
    answers::distort(shared, faults, horizon, &asked, &mut answer);
    Ok(answer.to_string().into_bytes())
}

async fn ask(shared: &Shared, request: Vec<u8>) -> Result<Bytes, reqwest::Error> {
    let request = shared
        .client
        .post(&shared.rpc)
        .header(header::CONTENT_TYPE, "application/json")
        .body(request);
    request.send().await?.bytes().await
}

/// The newest slot that is shown.
async fn horizon(shared: &Shared, faults: &Faults) -> Result<u64, reqwest::Error> {
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{ "commitment": "processed" }] });
    let answer = ask(shared, request.to_string().into_bytes()).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let slot = answer["result"].as_u64().unwrap_or(0);
    Ok(slot.saturating_sub(faults.slots_behind))
}
