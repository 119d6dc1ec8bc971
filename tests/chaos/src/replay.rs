//! A node that only remembers: it answers from a history as fast as it is asked.

use std::collections::HashMap;
use std::sync::Arc;

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
use crate::listener::Listener;

/// A transaction of a history.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its signature, base58.
    pub signature: String,
    /// Its slot; those of a history go up.
    pub slot: u64,
    /// When its block was made, in Unix seconds.
    pub block_time: i64,
    /// Whether it failed.
    pub failed: bool,
    /// What `getTransaction` answers, as JSON.
    pub transaction: String,
}

/// Answers from a history; every slot in it is finalized. Ends with the value.
pub struct Replay {
    http: Listener,
    websocket: Listener,
}

struct Memory {
    program: String,
    history: Vec<Recorded>,
    places: HashMap<String, usize>,
    accounts: HashMap<String, Value>,
}

impl Replay {
    /// Of a program's transactions, oldest first, and accounts by address, as `getAccountInfo` answers them with their data
    /// in base64.
    pub async fn start(
        program: &str,
        history: Vec<Recorded>,
        accounts: HashMap<String, Value>,
    ) -> Result<Self, ChaosError> {
        let places = (0..)
            .zip(&history)
            .map(|(place, recorded)| (recorded.signature.clone(), place))
            .collect();
        let memory = Arc::new(Memory {
            program: program.to_owned(),
            history,
            places,
            accounts,
        });
        Ok(Self {
            http: Listener::start(move |stream| serve(stream, Arc::clone(&memory))).await?,
            websocket: Listener::start(async |stream| {
                // how the reader ends it is the reader's business
                let _ = confirm(stream).await;
            })
            .await?,
        })
    }

    /// Where its JSON-RPC is.
    #[must_use]
    pub fn rpc(&self) -> String {
        format!("http://{}", self.http.address)
    }

    /// Where its websocket is. Subscriptions are taken, and nothing ever happens.
    #[must_use]
    pub fn websocket(&self) -> String {
        format!("ws://{}", self.websocket.address)
    }
}

async fn serve(stream: TcpStream, memory: Arc<Memory>) {
    let router = Router::new().fallback(answer).with_state(memory);
    let server = auto::Builder::new(TokioExecutor::new());
    // how the reader ends it is the reader's business
    let _ = server
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
}

/// Takes every subscription.
async fn confirm(stream: TcpStream) -> Result<(), Error> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() {
            let asked: Value = serde_json::from_str(message.to_text()?).unwrap_or_default();
            let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": 1 });
            socket.send(Message::text(answer.to_string())).await?;
        }
    }
    Ok(())
}

async fn answer(State(memory): State<Arc<Memory>>, request: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&request).unwrap_or_default();
    let id = &asked["id"];
    let body = match memory.answer(asked["method"].as_str().unwrap_or_default(), &asked["params"]) {
        Some(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        None => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32_601, "message": "method not found" } })
                .to_string()
        }
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Memory {
    fn last_slot(&self) -> u64 {
        self.history.last().map_or(0, |recorded| recorded.slot)
    }

    fn in_context(&self, value: &Value) -> String {
        json!({ "context": { "slot": self.last_slot() }, "value": value }).to_string()
    }

    /// The result as JSON, if this method is known.
    fn answer(&self, method: &str, params: &Value) -> Option<String> {
        Some(match method {
            "getSlot" | "getBlockHeight" => self.last_slot().to_string(),
            "getFirstAvailableBlock" => self
                .history
                .first()
                .map_or(0, |recorded| recorded.slot)
                .to_string(),
            "getGenesisHash" => Value::from(self.program.as_str()).to_string(),
            "getHealth" => r#""ok""#.to_owned(),
            "getBlocks" => self.blocks(params).to_string(),
            "getBlock" => self.block(params).to_string(),
            "getSignaturesForAddress" => self.signatures(params).to_string(),
            "getSignatureStatuses" => self.in_context(&self.statuses(&params[0])),
            "getTransaction" => self.place(&params[0]).map_or_else(
                || "null".to_owned(),
                |place| self.history[place].transaction.clone(),
            ),
            "getAccountInfo" => self.in_context(&self.account(&params[0])),
            "getMultipleAccounts" => {
                let addresses = params[0].as_array().map_or(&[][..], Vec::as_slice);
                self.in_context(&addresses.iter().map(|address| self.account(address)).collect())
            }
            "getProgramAccounts" => {
                let found = self.program_accounts(params);
                if params[1]["withContext"] == true {
                    self.in_context(&found)
                } else {
                    found.to_string()
                }
            }
            _ => return None,
        })
    }

    fn place(&self, signature: &Value) -> Option<usize> {
        self.places.get(signature.as_str()?).copied()
    }

    fn account(&self, address: &Value) -> Value {
        let address = address.as_str().unwrap_or_default();
        self.accounts.get(address).cloned().unwrap_or_default()
    }

    /// Those that the filters let through (`memcmp` with base58, and `dataSize`), cut to the `dataSlice`; data in base64.
    fn program_accounts(&self, params: &Value) -> Value {
        let filters = params[1]["filters"].as_array().map_or(&[][..], Vec::as_slice);
        let slice = &params[1]["dataSlice"];
        let found = self.accounts.iter().filter_map(|(address, account)| {
            let data = BASE64.decode(account["data"][0].as_str()?).ok()?;
            let wanted = account["owner"] == params[0] && filters.iter().all(|filter| accepts(filter, &data));
            let part = match (number(&slice["offset"]), number(&slice["length"])) {
                (Some(offset), Some(length)) => {
                    let begin = offset.min(data.len());
                    &data[begin..begin.saturating_add(length).min(data.len())]
                }
                _ => &data[..],
            };
            wanted.then(|| {
                let mut account = account.clone();
                account["data"] = json!([BASE64.encode(part), "base64"]);
                json!({ "pubkey": address, "account": account })
            })
        });
        found.collect()
    }

    /// Newest first, as the method is defined: `before` and `until` are not among them.
    fn signatures(&self, params: &Value) -> Value {
        let options = &params[1];
        let end = self.place(&options["before"]).unwrap_or(self.history.len());
        let begin = self.place(&options["until"]).map_or(0, |place| place + 1);
        let limit = options["limit"].as_u64().unwrap_or(1_000).min(1_000);
        let address = params[0].as_str().unwrap_or_default();
        self.history[begin.min(end)..end]
            .iter()
            .rev()
            .filter(|recorded| address == self.program || recorded.transaction.contains(address))
            .take(usize::try_from(limit).unwrap_or(1_000))
            .map(|recorded| {
                json!({
                    "signature": recorded.signature,
                    "slot": recorded.slot,
                    "blockTime": recorded.block_time,
                    "err": error(recorded.failed),
                    "memo": null,
                    "confirmationStatus": "finalized",
                })
            })
            .collect()
    }

    fn statuses(&self, signatures: &Value) -> Value {
        let signatures = signatures.as_array().map_or(&[][..], Vec::as_slice);
        let status = |signature| {
            let recorded = &self.history[self.place(signature)?];
            Some(json!({
                "slot": recorded.slot,
                "confirmations": null,
                "err": error(recorded.failed),
                "confirmationStatus": "finalized",
            }))
        };
        signatures
            .iter()
            .map(|signature| status(signature).unwrap_or_default())
            .collect()
    }

    /// What is in a slot.
    fn in_slot(&self, slot: u64) -> &[Recorded] {
        let begin = self.history.partition_point(|recorded| recorded.slot < slot);
        let end = self.history.partition_point(|recorded| recorded.slot <= slot);
        &self.history[begin..end]
    }

    fn blocks(&self, params: &Value) -> Value {
        let first = params[0].as_u64().unwrap_or(0);
        let last = params[1].as_u64().unwrap_or(u64::MAX);
        let mut slots: Vec<u64> = self
            .history
            .iter()
            .map(|recorded| recorded.slot)
            .filter(|slot| (first..=last).contains(slot))
            .collect();
        slots.dedup();
        slots.into()
    }

    fn block(&self, params: &Value) -> Value {
        let slot = params[0].as_u64().unwrap_or(0);
        let recorded = self.in_slot(slot);
        let signatures: Vec<&str> = recorded
            .iter()
            .map(|recorded| recorded.signature.as_str())
            .collect();
        let hash = self.program.as_str();
        json!({
            "blockhash": hash,
            "previousBlockhash": hash,
            "parentSlot": slot.saturating_sub(1),
            "blockTime": recorded.first().map(|recorded| recorded.block_time),
            "blockHeight": slot,
            "signatures": signatures,
        })
    }
}

fn number(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// Whether a filter of `getProgramAccounts` lets an account's data through.
fn accepts(filter: &Value, data: &[u8]) -> bool {
    if let Some(size) = number(&filter["dataSize"]) {
        return data.len() == size;
    }
    let (at, bytes) = (&filter["memcmp"]["offset"], &filter["memcmp"]["bytes"]);
    let bytes = bytes.as_str().and_then(|text| bs58::decode(text).into_vec().ok());
    let (Some(at), Some(bytes)) = (number(at), bytes) else {
        return false;
    };
    data.get(at..).is_some_and(|data| data.starts_with(&bytes))
}

/// What a failed transaction failed with.
fn error(failed: bool) -> Value {
    if failed {
        json!({ "InstructionError": [0, { "Custom": 0 }] })
    } else {
        Value::Null
    }
}
