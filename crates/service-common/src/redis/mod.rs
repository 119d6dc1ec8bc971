//! A connection to Redis that may be lost at any time.
//!
//! If Redis is unavailable, a call fails after at most 250 ms ([`TIMEOUT`]). After that, all calls
//! fail immediately until [`Redis::ensure_connected`] has connected again.

mod rate_limit;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, aio::MultiplexedConnection, pipe,
};

use crate::{Check, Secret};

/// Timeout for a connection and for each response.
const TIMEOUT: Duration = Duration::from_millis(250);

/// `REDIS_URL` isn't a URL of Redis.
#[derive(Debug, thiserror::Error)]
#[error("REDIS_URL must be redis://user:password@host:port/database, or rediss:// for TLS")]
pub struct InvalidRedisUrl;

/// Why a call to Redis failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no connection.
    #[error("not connected to Redis")]
    NotConnected,
    /// The call failed.
    #[error(transparent)]
    Failed(#[from] RedisError),
}

/// A connection to Redis. Cheap to clone: all clones share the connection.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    /// The connection, or the reason why there is none.
    connection: Arc<Mutex<Result<MultiplexedConnection, String>>>,
    on_change: fn(bool),
}

impl Redis {
    /// Creates the client without connecting. The client calls `on_change` with whether there is a
    /// connection.
    pub fn new(url: &Secret, on_change: fn(bool)) -> Result<Self, InvalidRedisUrl> {
        // The library's error may contain the URL, which has a password.
        let client = Client::open(url.expose()).map_err(|_| InvalidRedisUrl)?;
        Ok(Self {
            client,
            connection: Arc::new(Mutex::new(Err("not connected yet".to_owned()))),
            on_change,
        })
    }

    /// Checks that the connection works, and otherwise connects. Returns `true` if it created a new
    /// connection.
    pub async fn ensure_connected(&self) -> bool {
        if self.query::<()>(pipe().cmd("PING").ignore()).await.is_ok() {
            return false;
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        let connection = connection.map_err(|error| error.to_string());
        let is_connected = connection.is_ok();
        self.set(connection);
        is_connected
    }

    /// Sets the connection. Logs the reason why there is none, unless that reason is already
    /// logged.
    fn set(&self, connection: Result<MultiplexedConnection, String>) {
        (self.on_change)(connection.is_ok());
        let mut current = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = &connection
            && current.as_ref().err() != Some(error)
        {
            tracing::warn!(event = "redis_unavailable", error);
        }
        *current = connection;
    }

    /// Runs commands. If the connection fails, all callers lose it until
    /// [`ensure_connected`](Self::ensure_connected) has connected again.
    pub async fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, CallError> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut connection = connection.map_err(|_| CallError::NotConnected)?;
        let response = commands.query_async(&mut connection).await;
        response.map_err(|error: RedisError| {
            if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() {
                self.set(Err(error.to_string()));
            }
            error.into()
        })
    }

    /// Returns the result for `/ready`. `reason` says what is missing without Redis.
    #[must_use]
    pub fn check(&self, reason: &'static str) -> Check {
        match &*self.connection.lock().unwrap_or_else(PoisonError::into_inner) {
            Ok(_) => Check::Ok,
            Err(_) => Check::Degraded {
                reason: reason.to_owned(),
            },
        }
    }
}
