//! The fault injection proxy.

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

use crate::copies;
use crate::faults::{Shared, count};
use crate::listener::Listener;
use crate::{ChaosError, FaultCounts, Faults, notifications, responses};

/// A proxy that injects configured faults into RPC responses and notifications. Dropping it stops
/// it.
pub struct FaultProxy {
    shared: Arc<Shared>,
    http: Listener,
    websocket: Listener,
}

impl FaultProxy {
    /// Starts a proxy for the node with these URLs, without faults. The `seed` determines which
    /// transactions [`Faults::omitted`] omits.
    pub async fn start(rpc: &str, websocket: &str, seed: u64) -> Result<Self, ChaosError> {
        // The node runs on this machine, so a proxy from the environment must not be used.
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(ChaosError::Client)?;
        let shared = Arc::new(Shared::new(rpc, websocket, client, seed));
        let (for_http, for_websocket) = (Arc::clone(&shared), Arc::clone(&shared));
        Ok(Self {
            shared,
            http: Listener::start(move |stream| serve(stream, Arc::clone(&for_http))).await?,
            websocket: Listener::start(move |stream| {
                notifications::serve(stream, Arc::clone(&for_websocket))
            })
            .await?,
        })
    }

    /// Returns the URL of the proxy's JSON-RPC.
    #[must_use]
    pub fn rpc(&self) -> String {
        format!("http://{}", self.http.address)
    }

    /// Returns the URL of the proxy's websocket.
    #[must_use]
    pub fn websocket(&self) -> String {
        format!("ws://{}", self.websocket.address)
    }

    /// Replaces the faults that the proxy injects.
    pub fn set(&self, faults: Faults) {
        self.shared.faults.send_replace(faults);
    }

    /// Returns how often the proxy has injected each fault.
    #[must_use]
    pub fn counts(&self) -> &FaultCounts {
        &self.shared.counts
    }
}

/// Serves one connection to the JSON-RPC.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut faults = shared.faults.subscribe();
    if faults.borrow().unavailable {
        count(&shared.counts.refused);
        return;
    }
    let router = Router::new().fallback(respond).with_state(Arc::clone(&shared));
    let server = auto::Builder::new(TokioExecutor::new());
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::select! {
        // An error means that the client closed the connection, which needs no reaction.
        _ = connection => {}
        _ = faults.wait_for(|faults| faults.unavailable) => count(&shared.counts.refused),
    }
}

/// Responds to one call.
async fn respond(State(shared): State<Arc<Shared>>, request: Bytes) -> Response {
    let faults = shared.faults.borrow().clone();
    shared.delay(faults.max_delay).await;
    tokio::time::sleep(faults.delay).await;
    if shared.happens(faults.errors) {
        count(&shared.counts.errors);
        return random_error(&shared);
    }
    match distorted_response(&shared, &faults, request).await {
        Ok(mut body) => {
            if shared.happens(faults.truncated) {
                count(&shared.counts.truncated);
                body.truncate(body.len() / 2);
            }
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Returns one of the errors that nodes and their load balancers send.
fn random_error(shared: &Shared) -> Response {
    let json_rpc_error = |code: i64, message: &str| {
        let error = json!({ "code": code, "message": message });
        axum::Json(json!({ "jsonrpc": "2.0", "id": 1, "error": error })).into_response()
    };
    match shared.below(4) {
        0 => (StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response(),
        1 => (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response(),
        2 => json_rpc_error(-32_603, "internal error"),
        _ => json_rpc_error(-32_005, "node is behind by 150 slots"),
    }
}

/// Forwards a request to the node and applies the faults to the response.
async fn distorted_response(
    shared: &Shared,
    faults: &Faults,
    request: Bytes,
) -> Result<Vec<u8>, reqwest::Error> {
    let mut request_json: Value = serde_json::from_slice(&request).unwrap_or_default();
    let is_called = |method: &'static str| calls(&request_json).iter().any(|call| call["method"] == method);
    if faults.silent_method.is_some_and(is_called) {
        // The connection ends when the client gives up.
        std::future::pending::<()>().await;
    }
    if faults.failing_method.is_some_and(is_called) {
        count(&shared.counts.failed_calls);
        let error = responses::error(-32_010, "the method is not served");
        return Ok(error.to_string().into_bytes());
    }
    if faults.swallowed > 0.0
        && request_json["method"] == "sendTransaction"
        && shared.happens(faults.swallowed)
    {
        count(&shared.counts.swallowed);
        return Ok(responses::accepted(&request_json).to_string().into_bytes());
    }
    let body = if request_json["method"] == "getSlot" && shared.happens(faults.finalized_early) {
        count(&shared.counts.finalized_early);
        request_json["params"] = json!([{ "commitment": "confirmed" }]);
        forward(shared, request_json.to_string().into_bytes()).await?
    } else if faults.slots_ahead > 0 {
        request_json = responses::without_min_context_slot(request_json);
        forward(shared, request_json.to_string().into_bytes()).await?
    } else {
        forward(shared, request.to_vec()).await?
    };
    let is_stale = shared.happens(faults.stale);
    if !faults.change_contents() && !is_stale {
        return Ok(body.to_vec());
    }
    let Ok(mut response) = serde_json::from_slice(&body) else {
        return Ok(body.to_vec());
    };
    if faults.copied > 0.0 {
        return_copies(shared, &request_json, &mut response).await?;
    }
    let horizon = if is_stale {
        Some(stale_slot(shared, faults).await?)
    } else {
        None
    };
    match &mut response {
        Value::Array(responses) => {
            for response in responses {
                // A node can return its responses in any order.
                let call = calls(&request_json)
                    .iter()
                    .find(|call| call["id"] == response["id"]);
                if let Some(call) = call {
                    responses::distort(shared, faults, horizon, call, response);
                }
            }
        }
        response => responses::distort(shared, faults, horizon, &request_json, response),
    }
    Ok(response.to_string().into_bytes())
}

/// Returns copies of transactions for those that the node does not know.
async fn return_copies(shared: &Shared, request: &Value, response: &mut Value) -> Result<(), reqwest::Error> {
    let responses = match response {
        Value::Array(responses) => responses.as_mut_slice(),
        response => std::slice::from_mut(response),
    };
    for response in responses {
        let call = calls(request).iter().find(|call| call["id"] == response["id"]);
        let Some(call) = call else { continue };
        let Some(original) = copies::original_request(call, response) else {
            continue;
        };
        let body = forward(shared, original.to_string().into_bytes()).await?;
        let original: Value = serde_json::from_slice(&body).unwrap_or_default();
        copies::copy_response(shared, call, &original, response);
    }
    Ok(())
}

/// Returns the calls of a request, which has one or several.
fn calls(request: &Value) -> &[Value] {
    match request {
        Value::Array(calls) => calls,
        call => std::slice::from_ref(call),
    }
}

async fn forward(shared: &Shared, request: Vec<u8>) -> Result<Bytes, reqwest::Error> {
    let request = shared
        .client
        .post(&shared.rpc)
        .header(header::CONTENT_TYPE, "application/json")
        .body(request);
    request.send().await?.bytes().await
}

/// Returns the newest slot that a stale response shows.
async fn stale_slot(shared: &Shared, faults: &Faults) -> Result<u64, reqwest::Error> {
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{ "commitment": "processed" }] });
    let body = forward(shared, request.to_string().into_bytes()).await?;
    let response: Value = serde_json::from_slice(&body).unwrap_or_default();
    let slot = response["result"].as_u64().unwrap_or(0);
    Ok(slot.saturating_sub(faults.slots_behind))
}
