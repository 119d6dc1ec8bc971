//! The replay server: a node that serves a transaction history from memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::ChaosError;
use crate::faults::count;
use crate::listener::Listener;

/// A transaction of a transaction history.
#[derive(Clone, Debug)]
pub struct RecordedTransaction {
    /// The first signature, in base58.
    pub signature: String,
    /// The slot that contains the transaction. The slots of a history must not decrease.
    pub slot: u64,
    /// The time of the block in Unix seconds.
    pub block_time: i64,
    /// Whether the transaction failed.
    pub failed: bool,
    /// The result of `getTransaction`, as JSON.
    pub json: String,
}

/// A server that responds from a transaction history. Every slot of the history is finalized.
/// Dropping the value stops the server.
pub struct ReplayServer {
    counts: Arc<CallCounts>,
    http: Listener,
    websocket: Listener,
}

struct History {
    program: String,
    transactions: Vec<RecordedTransaction>,
    /// The index of each transaction, by signature.
    indices: HashMap<String, usize>,
    accounts: HashMap<String, Value>,
    counts: Arc<CallCounts>,
}

/// How many calls a replay server has answered.
#[derive(Debug, Default)]
pub struct CallCounts {
    /// Calls of `getTransaction`.
    pub transactions: AtomicU64,
    /// Calls of `getSignaturesForAddress`.
    pub pages: AtomicU64,
    /// Calls of other methods.
    pub others: AtomicU64,
}

impl ReplayServer {
    /// Starts a server for the transactions of a program, oldest first, and for accounts by
    /// address. An account has the form that `getAccountInfo` returns, with its data in base64.
    pub async fn start(
        program: &str,
        transactions: Vec<RecordedTransaction>,
        accounts: HashMap<String, Value>,
    ) -> Result<Self, ChaosError> {
        let indices = (0..)
            .zip(&transactions)
            .map(|(index, transaction)| (transaction.signature.clone(), index))
            .collect();
        let counts: Arc<CallCounts> = Arc::default();
        let history = Arc::new(History {
            counts: Arc::clone(&counts),
            program: program.to_owned(),
            transactions,
            indices,
            accounts,
        });
        Ok(Self {
            counts,
            http: Listener::start(move |stream| serve(stream, Arc::clone(&history))).await?,
            websocket: Listener::start(async |stream| {
                // An error means that the client closed the connection.
                let _ = accept_subscriptions(stream).await;
            })
            .await?,
        })
    }

    /// Returns the URL of the server's JSON-RPC.
    #[must_use]
    pub fn rpc(&self) -> String {
        format!("http://{}", self.http.address)
    }

    /// Returns how many calls the server has answered.
    #[must_use]
    pub fn counts(&self) -> &CallCounts {
        &self.counts
    }

    /// Returns the URL of the server's websocket. It accepts subscriptions but sends no
    /// notifications.
    #[must_use]
    pub fn websocket(&self) -> String {
        format!("ws://{}", self.websocket.address)
    }
}

async fn serve(stream: TcpStream, history: Arc<History>) {
    let router = Router::new().fallback(respond).with_state(history);
    let server = auto::Builder::new(TokioExecutor::new());
    // An error means that the client closed the connection.
    let _ = server
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
}

/// Accepts every subscription.
async fn accept_subscriptions(stream: TcpStream) -> Result<(), Error> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() {
            let request: Value = serde_json::from_str(message.to_text()?).unwrap_or_default();
            let response = json!({ "jsonrpc": "2.0", "id": request["id"], "result": 1 });
            socket.send(Message::text(response.to_string())).await?;
        }
    }
    Ok(())
}

async fn respond(State(history): State<Arc<History>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let body = match request.as_array() {
        None => history.response(&request),
        Some(calls) => {
            let responses: Vec<String> = calls.iter().map(|call| history.response(call)).collect();
            format!("[{}]", responses.join(","))
        }
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl History {
    /// Returns the response to one call.
    fn response(&self, request: &Value) -> String {
        let (id, method) = (&request["id"], request["method"].as_str().unwrap_or_default());
        count(match method {
            "getTransaction" => &self.counts.transactions,
            "getSignaturesForAddress" => &self.counts.pages,
            _ => &self.counts.others,
        });
        match self.result(method, &request["params"]) {
            Some(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
            None => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32_601, "message": "method not found" } })
                    .to_string()
            }
        }
    }

    fn last_slot(&self) -> u64 {
        self.transactions.last().map_or(0, |transaction| transaction.slot)
    }

    fn with_context(&self, value: &Value) -> String {
        json!({ "context": { "slot": self.last_slot() }, "value": value }).to_string()
    }

    /// Returns the result of a call as JSON. `None` if the method is unknown.
    fn result(&self, method: &str, params: &Value) -> Option<String> {
        Some(match method {
            "getSlot" | "getBlockHeight" => self.last_slot().to_string(),
            "getFirstAvailableBlock" => self
                .transactions
                .first()
                .map_or(0, |transaction| transaction.slot)
                .to_string(),
            "getGenesisHash" => Value::from(self.program.as_str()).to_string(),
            "getHealth" => r#""ok""#.to_owned(),
            "getBlocks" => self.blocks(params).to_string(),
            "getBlock" => self.block(params).to_string(),
            "getSignaturesForAddress" => self.signatures(params).to_string(),
            "getSignatureStatuses" => self.with_context(&self.statuses(&params[0])),
            "getTransaction" => self.index(&params[0]).map_or_else(
                || "null".to_owned(),
                |index| self.transactions[index].json.clone(),
            ),
            "getAccountInfo" => self.with_context(&self.account(&params[0])),
            "getMultipleAccounts" => {
                let addresses = params[0].as_array().map_or(&[][..], Vec::as_slice);
                self.with_context(&addresses.iter().map(|address| self.account(address)).collect())
            }
            "getProgramAccounts" => {
                let found = self.program_accounts(params);
                if params[1]["withContext"] == true {
                    self.with_context(&found)
                } else {
                    found.to_string()
                }
            }
            _ => return None,
        })
    }

    fn index(&self, signature: &Value) -> Option<usize> {
        self.indices.get(signature.as_str()?).copied()
    }

    fn account(&self, address: &Value) -> Value {
        let address = address.as_str().unwrap_or_default();
        self.accounts.get(address).cloned().unwrap_or_default()
    }

    /// Returns the program's accounts that match the filters, with the data cut to the `dataSlice`
    /// and encoded in base64. Supports the filters `memcmp`, in base58, and `dataSize`.
    fn program_accounts(&self, params: &Value) -> Value {
        let filters = params[1]["filters"].as_array().map_or(&[][..], Vec::as_slice);
        let data_slice = &params[1]["dataSlice"];
        let found = self.accounts.iter().filter_map(|(address, account)| {
            let data = BASE64.decode(account["data"][0].as_str()?).ok()?;
            let matches =
                account["owner"] == params[0] && filters.iter().all(|filter| matches_filter(filter, &data));
            let slice = match (number(&data_slice["offset"]), number(&data_slice["length"])) {
                (Some(offset), Some(length)) => {
                    let begin = offset.min(data.len());
                    &data[begin..begin.saturating_add(length).min(data.len())]
                }
                _ => &data[..],
            };
            matches.then(|| {
                let mut account = account.clone();
                account["data"] = json!([BASE64.encode(slice), "base64"]);
                json!({ "pubkey": address, "account": account })
            })
        });
        found.collect()
    }

    /// Returns the history of an address, newest first. As the method prescribes, the transactions
    /// `before` and `until` are not included.
    fn signatures(&self, params: &Value) -> Value {
        let options = &params[1];
        let end = self.index(&options["before"]).unwrap_or(self.transactions.len());
        let begin = self.index(&options["until"]).map_or(0, |index| index + 1);
        let limit = options["limit"].as_u64().unwrap_or(1_000).min(1_000);
        let address = params[0].as_str().unwrap_or_default();
        self.transactions[begin.min(end)..end]
            .iter()
            .rev()
            .filter(|transaction| address == self.program || transaction.json.contains(address))
            .take(usize::try_from(limit).unwrap_or(1_000))
            .map(|transaction| {
                json!({
                    "signature": transaction.signature,
                    "slot": transaction.slot,
                    "blockTime": transaction.block_time,
                    "err": error(transaction.failed),
                    "memo": null,
                    "confirmationStatus": "finalized",
                })
            })
            .collect()
    }

    fn statuses(&self, signatures: &Value) -> Value {
        let signatures = signatures.as_array().map_or(&[][..], Vec::as_slice);
        let status = |signature| {
            let transaction = &self.transactions[self.index(signature)?];
            Some(json!({
                "slot": transaction.slot,
                "confirmations": null,
                "err": error(transaction.failed),
                "confirmationStatus": "finalized",
            }))
        };
        signatures
            .iter()
            .map(|signature| status(signature).unwrap_or_default())
            .collect()
    }

    /// Returns the transactions of a slot.
    fn in_slot(&self, slot: u64) -> &[RecordedTransaction] {
        let begin = self
            .transactions
            .partition_point(|transaction| transaction.slot < slot);
        let end = self
            .transactions
            .partition_point(|transaction| transaction.slot <= slot);
        &self.transactions[begin..end]
    }

    fn blocks(&self, params: &Value) -> Value {
        let first = params[0].as_u64().unwrap_or(0);
        let last = params[1].as_u64().unwrap_or(u64::MAX);
        let mut slots: Vec<u64> = self
            .transactions
            .iter()
            .map(|transaction| transaction.slot)
            .filter(|slot| (first..=last).contains(slot))
            .collect();
        slots.dedup();
        slots.into()
    }

    fn block(&self, params: &Value) -> Value {
        let slot = params[0].as_u64().unwrap_or(0);
        let transactions = self.in_slot(slot);
        let signatures: Vec<&str> = transactions
            .iter()
            .map(|transaction| transaction.signature.as_str())
            .collect();
        let hash = self.program.as_str();
        json!({
            "blockhash": hash,
            "previousBlockhash": hash,
            "parentSlot": slot.saturating_sub(1),
            "blockTime": transactions.first().map(|transaction| transaction.block_time),
            "blockHeight": slot,
            "signatures": signatures,
        })
    }
}

fn number(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// Returns whether an account's data matches a filter of `getProgramAccounts`.
fn matches_filter(filter: &Value, data: &[u8]) -> bool {
    if let Some(size) = number(&filter["dataSize"]) {
        return data.len() == size;
    }
    let (offset, bytes) = (&filter["memcmp"]["offset"], &filter["memcmp"]["bytes"]);
    let bytes = bytes.as_str().and_then(|text| bs58::decode(text).into_vec().ok());
    let (Some(offset), Some(bytes)) = (number(offset), bytes) else {
        return false;
    };
    data.get(offset..).is_some_and(|data| data.starts_with(&bytes))
}

/// Returns the `err` of a transaction.
fn error(failed: bool) -> Value {
    if failed {
        json!({ "InstructionError": [0, { "Custom": 0 }] })
    } else {
        Value::Null
    }
}
