//! Receives notifications from a node over a websocket.

use std::{collections::VecDeque, fmt, marker::PhantomData, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_address::Address;
use solana_signature::Signature;
use tokio::{
    net::TcpStream,
    time::{Interval, MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::{
    CommitmentLevel, ExecutionError, Options, RpcError,
    client::{WithContext, parse_response, parse_url},
};

/// The time between two pings. If the node sends nothing during two of these intervals, the
/// subscription ends.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// A client of a node's websocket. Each subscription opens its own connection.
#[derive(Clone)]
pub struct Pubsub {
    url: String,
    host: String,
    options: Options,
}

/// An open subscription. Dropping the value closes the connection.
///
/// A node does not repeat notifications of the time without a connection. A caller that must not
/// miss anything subscribes first and then reads the past with calls.
pub struct Subscription<T> {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    host: String,
    method: &'static str,
    ping: Interval,
    /// The number of pings since the last message of the node.
    unanswered_pings: u8,
    /// Notifications that arrived before the response to the subscription.
    early: VecDeque<String>,
    notification: PhantomData<fn() -> T>,
}

/// A notification about a transaction that names the subscribed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsNotification {
    /// The transaction's first signature.
    pub signature: Signature,
    /// The slot at which the node read the transaction: its own slot or a later one.
    pub slot: u64,
    /// The transaction's error. `None` if it succeeded.
    pub error: Option<ExecutionError>,
}

/// A notification about a slot that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SlotNotification {
    /// The number of the slot that has begun.
    pub slot: u64,
    /// The slot of the parent block.
    pub parent: u64,
    /// The newest finalized slot.
    pub root: u64,
}

impl Pubsub {
    /// Creates a client of the node at a `ws` or `wss` URL, with the default limits. Does not
    /// connect.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        Self::with_options(url, Options::default())
    }

    /// Creates a client with the given limits. [`Options::timeout`] limits the connection and the
    /// response to the subscription together.
    pub fn with_options(url: &str, options: Options) -> Result<Self, RpcError> {
        let (url, host) = parse_url(url, &["ws", "wss"])?;
        Ok(Self {
            url: url.into(),
            host,
            options,
        })
    }

    /// Subscribes to transactions that name an address. A notification follows when a transaction
    /// has reached the commitment level.
    pub async fn logs(
        &self,
        mentions: &Address,
        level: CommitmentLevel,
    ) -> Result<Subscription<LogsNotification>, RpcError> {
        let mentions = json!({ "mentions": [mentions.to_string()] });
        let params = json!([mentions, { "commitment": level }]);
        self.subscribe("logsSubscribe", &params).await
    }

    /// Subscribes to slots. A notification follows when a slot begins.
    pub async fn slots(&self) -> Result<Subscription<SlotNotification>, RpcError> {
        self.subscribe("slotSubscribe", &json!([])).await
    }

    async fn subscribe<T>(&self, method: &'static str, params: &Value) -> Result<Subscription<T>, RpcError> {
        let limit = self.options.timeout;
        timeout(limit, self.open(method, params))
            .await
            .unwrap_or_else(|_| {
                Err(RpcError::Unreachable {
                    host: self.host.clone(),
                    reason: format!("{method} had no response within {limit:?}"),
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
        let mut ping = interval(PING_INTERVAL);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let mut subscription = Subscription {
            socket,
            host: self.host.clone(),
            method,
            ping,
            unanswered_pings: 0,
            early: VecDeque::new(),
            notification: PhantomData,
        };
        subscription.begin(params).await?;
        Ok(subscription)
    }
}

impl<T> Subscription<T> {
    /// Sends the request to subscribe and reads the node's response.
    async fn begin(&mut self, params: &Value) -> Result<(), RpcError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": self.method, "params": params });
        let sent = self.socket.send(Message::text(request.to_string())).await;
        sent.map_err(|error| self.ended(&error))?;
        loop {
            let text = self.message().await?;
            let message: MessageJson =
                serde_json::from_str(&text).map_err(RpcError::invalid_response(self.method))?;
            if message.method.is_some() {
                self.early.push_back(text);
            } else {
                return parse_response::<u64>(self.method, text.as_bytes()).map(|_| ());
            }
        }
    }

    /// Receives the next text message. Cancel safe: a cancelled call loses no message.
    async fn message(&mut self) -> Result<String, RpcError> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    self.unanswered_pings = 0;
                    match message {
                        Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                        // Pongs, and pings of the node. The socket responds to pings itself.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(self.ended(&"the node sent a binary message")),
                        Some(Ok(Message::Close(_))) | None => return Err(self.ended(&"the node closed the connection")),
                        Some(Err(error)) => return Err(self.ended(&error)),
                    }
                }
                _ = self.ping.tick() => {
                    if self.unanswered_pings == 2 {
                        return Err(self.ended(&"the node does not respond to pings"));
                    }
                    self.unanswered_pings += 1;
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

impl<T: Notification> Subscription<T> {
    /// Waits for the next notification. After an error the subscription has ended.
    ///
    /// This method is cancel safe: if it is used in a `select!` and another branch completes first,
    /// no notification is lost.
    pub async fn next(&mut self) -> Result<T, RpcError> {
        let text = match self.early.pop_front() {
            Some(text) => text,
            None => self.message().await?,
        };
        let message: MessageJson =
            serde_json::from_str(&text).map_err(RpcError::invalid_response(self.method))?;
        let params = message
            .params
            .ok_or_else(|| RpcError::invalid_response(self.method)("a notification has no params"))?;
        let json: T::Json =
            serde_json::from_value(params.result).map_err(RpcError::invalid_response(self.method))?;
        T::parse(json, self.method)
    }
}

#[derive(Deserialize)]
struct MessageJson {
    method: Option<String>,
    params: Option<ParamsJson>,
}

#[derive(Deserialize)]
struct ParamsJson {
    result: Value,
}

/// The content of a notification.
pub trait Notification: Sized {
    /// The JSON form.
    type Json: DeserializeOwned;

    /// Converts the JSON form.
    fn parse(json: Self::Json, method: &'static str) -> Result<Self, RpcError>;
}

impl Notification for SlotNotification {
    type Json = Self;

    fn parse(json: Self, _method: &'static str) -> Result<Self, RpcError> {
        Ok(json)
    }
}

#[derive(Deserialize)]
pub struct LogsJson {
    signature: String,
    err: Option<ExecutionError>,
}

impl Notification for LogsNotification {
    type Json = WithContext<LogsJson>;

    fn parse(json: Self::Json, method: &'static str) -> Result<Self, RpcError> {
        Ok(Self {
            signature: json
                .value
                .signature
                .parse()
                .map_err(RpcError::invalid_response(method))?,
            slot: json.context.slot,
            error: json.value.err,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_json_rpc_is_refused_for_a_websocket() {
        let error = Pubsub::new("http://127.0.0.1:8899").err().unwrap().to_string();
        assert!(error.contains("ws:// or wss://"), "{error}");
    }
}
