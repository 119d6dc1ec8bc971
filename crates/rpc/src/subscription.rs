//! What a node tells by itself, over a websocket.

use std::{collections::VecDeque, fmt, marker::PhantomData, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_address::Address;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;
use tokio::{
    net::TcpStream,
    time::{Interval, MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::{
    Commitment, Options, RpcError,
    call::{InContext, read_answer, read_url},
};

/// How often a silent node is asked whether it is there. After two such times without a sign the connection is given up.
const PING: Duration = Duration::from_secs(10);

/// A node's websocket. Each subscription has a connection of its own.
#[derive(Clone)]
pub struct Pubsub {
    url: String,
    host: String,
    options: Options,
}

/// A running subscription. Ends with the value.
///
/// What happens while no connection is open is not told later: subscribe first, then read what was before.
pub struct Subscription<T> {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    host: String,
    method: &'static str,
    ping: Interval,
    /// Pings since the node's last sign.
    unanswered: u8,
    /// Notices that came before the answer to the subscription.
    early: VecDeque<String>,
    notice: PhantomData<fn() -> T>,
}

/// A transaction that names the address, seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// The transaction.
    pub signature: Signature,
    /// The slot at which the node looked: the transaction's own, or a later one.
    pub slot: u64,
    /// What it failed with.
    pub error: Option<TransactionError>,
}

/// A slot begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Slot {
    /// The slot.
    pub slot: u64,
    /// The slot that it follows.
    pub parent: u64,
    /// The newest finalized slot.
    pub root: u64,
}

impl Pubsub {
    /// The node at a `ws` or `wss` URL, with the default limits. Connects to nothing yet.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        Self::with_options(url, Options::default())
    }

    /// The same with limits of its own: `timeout` is for the connection and the answer to the subscription.
    pub fn with_options(url: &str, options: Options) -> Result<Self, RpcError> {
        let (url, host) = read_url(url, &["ws", "wss"])?;
        Ok(Self {
            url: url.into(),
            host,
            options,
        })
    }

    /// Tells of transactions that name an address, once they have reached the commitment.
    pub async fn logs(
        &self,
        mentions: &Address,
        commitment: Commitment,
    ) -> Result<Subscription<Logs>, RpcError> {
        let mentions = json!({ "mentions": [mentions.to_string()] });
        let params = json!([mentions, { "commitment": commitment }]);
        self.subscribe("logsSubscribe", &params).await
    }

    /// Tells of slots as they begin.
    pub async fn slots(&self) -> Result<Subscription<Slot>, RpcError> {
        self.subscribe("slotSubscribe", &json!([])).await
    }

    async fn subscribe<T>(&self, method: &'static str, params: &Value) -> Result<Subscription<T>, RpcError> {
        let patience = self.options.timeout;
        timeout(patience, self.open(method, params))
            .await
            .unwrap_or_else(|_| {
                Err(RpcError::Unreachable {
                    host: self.host.clone(),
                    reason: format!("{method} was not answered within {patience:?}"),
                })
            })
    }

    async fn open<T>(&self, method: &'static str, params: &Value) -> Result<Subscription<T>, RpcError> {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(self.options.max_response_bytes))
            .max_frame_size(Some(self.options.max_response_bytes));
        let (socket, _) = connect_async_with_config(&self.url, Some(limits), true)
            .await
            .map_err(|error| RpcError::Unreachable {
                host: self.host.clone(),
                reason: error.to_string(),
            })?;
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let mut subscription = Subscription {
            socket,
            host: self.host.clone(),
            method,
            ping,
            unanswered: 0,
            early: VecDeque::new(),
            notice: PhantomData,
        };
        subscription.begin(params).await?;
        Ok(subscription)
    }
}

impl<T> Subscription<T> {
    /// Asks for it, and takes the node's answer.
    async fn begin(&mut self, params: &Value) -> Result<(), RpcError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": self.method, "params": params });
        let sent = self.socket.send(Message::text(request.to_string())).await;
        sent.map_err(|error| self.ended(&error))?;
        loop {
            let text = self.message().await?;
            let said: Said = serde_json::from_str(&text).map_err(RpcError::answer(self.method))?;
            if said.method.is_some() {
                self.early.push_back(text);
            } else {
                return read_answer::<u64>(self.method, text.as_bytes()).map(|_| ());
            }
        }
    }

    /// The next text. Can be given up at any time without losing one.
    async fn message(&mut self) -> Result<String, RpcError> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    self.unanswered = 0;
                    match message {
                        Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                        // Answers to pings, and the node's own pings, which the socket answers.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(self.ended(&"a binary message")),
                        Some(Ok(Message::Close(_))) | None => return Err(self.ended(&"the node closed it")),
                        Some(Err(error)) => return Err(self.ended(&error)),
                    }
                }
                _ = self.ping.tick() => {
                    if self.unanswered == 2 {
                        return Err(self.ended(&"the node gives no sign"));
                    }
                    self.unanswered += 1;
                    let sent = self.socket.send(Message::Ping(Vec::new().into())).await;
                    sent.map_err(|error| self.ended(&error))?;
                }
            }
        }
    }

    fn ended(&self, reason: &dyn fmt::Display) -> RpcError {
        RpcError::Disconnected {
            host: self.host.clone(),
            method: self.method,
            reason: reason.to_string(),
        }
    }
}

impl<T: Notice> Subscription<T> {
    /// Waits for the next notice. After an error the subscription is over. Can be given up at any time, in a `select!`
    /// for example, without losing a notice.
    pub async fn next(&mut self) -> Result<T, RpcError> {
        let text = match self.early.pop_front() {
            Some(text) => text,
            None => self.message().await?,
        };
        let said: Said = serde_json::from_str(&text).map_err(RpcError::answer(self.method))?;
        let params = said
            .params
            .ok_or_else(|| RpcError::answer(self.method)("a notice without params"))?;
        let json = serde_json::from_value(params.result).map_err(RpcError::answer(self.method))?;
        T::read(json, self.method)
    }
}

#[derive(Deserialize)]
struct Said {
    method: Option<String>,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    result: Value,
}

/// What a subscription tells.
pub trait Notice: Sized {
    /// Its form in JSON.
    type Json: DeserializeOwned;

    /// Reads it.
    fn read(json: Self::Json, method: &'static str) -> Result<Self, RpcError>;
}

impl Notice for Slot {
    type Json = Self;

    fn read(json: Self, _method: &'static str) -> Result<Self, RpcError> {
        Ok(json)
    }
}

#[derive(Deserialize)]
pub struct LogsJson {
    signature: String,
    err: Option<TransactionError>,
}

impl Notice for Logs {
    type Json = InContext<LogsJson>;

    fn read(json: Self::Json, method: &'static str) -> Result<Self, RpcError> {
        Ok(Self {
            signature: json.value.signature.parse().map_err(RpcError::answer(method))?,
            slot: json.context.slot,
            error: json.value.err,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_json_rpc_is_not_taken_for_a_websocket_s() {
        let error = Pubsub::new("http://127.0.0.1:8899").err().unwrap().to_string();
        assert!(error.contains("ws:// or wss://"), "{error}");
    }
}
