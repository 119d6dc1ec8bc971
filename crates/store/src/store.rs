use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::{SessionLimits, StoreError};

/// The longest wait for a free connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool of connections to one database. A clone uses the same pool.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
}

impl Store {
    /// Connects to a database with at most `connections` connections.
    ///
    /// The URL has the form `postgres://user:password@host:port/database`. `?host=/a/directory`
    /// selects a Unix socket. `?options=-c search_path=name` selects another schema. The call opens
    /// one connection, so that it fails if the URL is wrong.
    ///
    /// The sessions have the default [`SessionLimits`]. `?options=-c statement_timeout=10s` in the
    /// URL replaces one of them.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, StoreError> {
        Self::connect_within(url, connections, SessionLimits::default()).await
    }

    /// Connects like [`Store::connect`], with other limits of the sessions.
    pub async fn connect_within(
        url: &str,
        connections: u32,
        limits: SessionLimits,
    ) -> Result<Self, StoreError> {
        Self::connect_with(limits.add_to(parse_url(url)?), connections).await
    }

    /// Connects like [`Store::connect_within`]. The sessions have the name of the process, which
    /// [`Store::instances`] lists, as their `application_name`. It replaces that of the URL.
    pub async fn connect_as(
        name: &str,
        url: &str,
        connections: u32,
        limits: SessionLimits,
    ) -> Result<Self, StoreError> {
        let options = limits.add_to(parse_url(url)?).application_name(name);
        Self::connect_with(options, connections).await
    }

    /// Creates the pool of a database with at most `connections` connections. Connects when a query
    /// needs it, so the database may be unavailable now.
    pub fn connect_lazily(url: &str, connections: u32) -> Result<Self, StoreError> {
        Ok(Self {
            pool: pool_options(connections)
                .connect_lazy_with(SessionLimits::default().add_to(parse_url(url)?)),
        })
    }

    pub(crate) async fn connect_with(
        options: PgConnectOptions,
        connections: u32,
    ) -> Result<Self, StoreError> {
        let pool = pool_options(connections)
            .connect_with(options)
            .await
            .map_err(StoreError::Unreachable)?;
        Ok(Self { pool })
    }

    /// Returns the pool, for a library that has its own queries and tables: the queue engine of the
    /// prover service.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Fails if the database does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection and waits until they are closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn pool_options(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
}

pub fn parse_url(url: &str) -> Result<PgConnectOptions, StoreError> {
    PgConnectOptions::from_str(url).map_err(StoreError::InvalidUrl)
}
