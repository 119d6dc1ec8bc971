//! Redis, which may be away at any time: nothing waits for it longer than [`PATIENCE`], and after a failure nothing waits at all until the
//! upkeep has connected again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bauta_service_common::{Check, Secret};
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, aio::MultiplexedConnection,
};

use crate::metrics;

/// For a connection, and for each answer.
const PATIENCE: Duration = Duration::from_millis(250);

/// `REDIS_URL` isn't one.
#[derive(Debug, thiserror::Error)]
#[error("REDIS_URL must be redis://user:password@host:port/database, or rediss:// for TLS")]
pub struct RedisUrlError;

/// Why Redis gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum RedisFailure {
    /// It was away before.
    #[error("away")]
    Away,
    /// It failed now.
    #[error(transparent)]
    Failed(#[from] RedisError),
}

/// A connection that may be lost. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: Arc<Mutex<Result<MultiplexedConnection, String>>>,
}

impl Redis {
    /// Not connected yet.
    pub fn new(url: &Secret) -> Result<Self, RedisUrlError> {
        // Its own error may repeat the URL, which has a password.
        let client = Client::open(url.expose()).map_err(|_| RedisUrlError)?;
        Ok(Self {
            client,
            connection: Arc::new(Mutex::new(Err("not connected yet".to_owned()))),
        })
    }

    /// Connects if there is no connection, and asks whether the one that there is still answers. True if it is a new one.
    pub async fn keep_up(&self) -> bool {
        if self.ask::<()>(redis::pipe().cmd("PING").ignore()).await.is_ok() {
            return false;
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connected = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        let connected = connected.map_err(|error| error.to_string());
        let up = connected.is_ok();
        self.set(connected);
        up
    }

    fn set(&self, connection: Result<MultiplexedConnection, String>) {
        metrics::redis_up(connection.is_ok());
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Runs commands. A failure of the connection ends it for everybody, until [`keep_up`](Self::keep_up) has another.
    pub async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisFailure> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut connection = connection.map_err(|_| RedisFailure::Away)?;
        let answer = commands.query_async(&mut connection).await;
        answer.map_err(|error: RedisError| {
            if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() {
                tracing::warn!(event = "redis_away", %error);
                self.set(Err(error.to_string()));
            }
            error.into()
        })
    }

    /// For /ready: without Redis everything works, but some things are lost.
    pub fn check(&self) -> Check {
        match &*self.connection.lock().unwrap_or_else(PoisonError::into_inner) {
            Ok(_) => Check::Ok,
            Err(error) => Check::Degraded {
                reason: format!(
                    "Redis is away ({error}): proofs cached by other instances, results of verifications and verifying keys of other \
                     instances are not found, and each instance counts rate limits alone; proving goes on"
                ),
            },
        }
    }
}
