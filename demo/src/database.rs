//! The database, and the indexer that fills it.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use bauta_indexing::{
    Indexer, IndexerStatus, RunSettings, Settings,
    nodes::{NodeSettings, RpcSource},
};
use bauta_primitives::{
    Root,
    tree::{LeafIndex, MembershipPath},
};
use bauta_rpc::Pubsub;
use bauta_store::{Registry, Slot, Store};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::chain::variable;

/// Time limit for the database to reach a slot.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Number of connections to the database.
const CONNECTIONS: u32 = 8;

/// The database, and the indexer that writes it.
pub struct Database {
    pub store: Store,
    status: watch::Receiver<IndexerStatus>,
    shutdown: CancellationToken,
    indexer: JoinHandle<()>,
}

impl Database {
    /// Creates the tables and follows the chain from its beginning.
    pub async fn start() -> Result<Self> {
        let store = Store::connect(&variable("DATABASE_URL")?, CONNECTIONS).await?;
        store.migrate().await?;
        let node = NodeSettings {
            url: variable("SOLANA_RPC_URL")?,
            concurrency: 8,
            requests_per_second: NonZeroU32::MAX,
            timeout: Duration::from_secs(10),
            weight: 0,
        };
        let settings = RunSettings {
            follow: Settings::new(bauta::ID),
            poll_interval: Duration::from_millis(500),
            finality_interval: Duration::from_secs(2),
            reconcile_interval: Some(Duration::from_secs(10)),
        };
        let source = Arc::new(RpcSource::new(bauta::ID, &[node])?);
        let (indexer, status) = Indexer::new(source, store.clone(), settings);
        let pubsub = Pubsub::new(&variable("SOLANA_WS_URL")?)?;
        let shutdown = CancellationToken::new();
        let (wake_up, stop) = (indexer.wake_up(), shutdown.clone());
        let indexer = tokio::spawn(async move {
            tokio::select! {
                () = indexer.run(stop) => {}
                () = bauta_indexing::wake(pubsub, bauta::ID, wake_up) => {}
            }
        });
        Ok(Self {
            store,
            status,
            shutdown,
            indexer,
        })
    }

    /// Waits until the database is complete up to a slot.
    pub async fn reach(&mut self, slot: Slot) -> Result<()> {
        let done = |status: &IndexerStatus| {
            let stopped = status
                .stop_reason
                .as_ref()
                .is_some_and(|reason| !reason.is_retryable);
            stopped || status.checkpoint.is_some_and(|at| at.slot >= slot)
        };
        let status = timeout(TIMEOUT, self.status.wait_for(done))
            .await
            .with_context(|| format!("the database did not reach slot {slot} within {TIMEOUT:?}"))??;
        if let Some(reason) = &status.stop_reason {
            bail!("the indexer stopped: {}", reason.message);
        }
        Ok(())
    }

    /// Returns a leaf's path from Postgres. The root must be valid at `now`.
    pub async fn path(
        &self,
        registry: &Registry,
        root: Root,
        index: LeafIndex,
        now: i64,
    ) -> Result<MembershipPath> {
        Ok(self.store.path(registry, root, index.get(), now).await?.path)
    }

    /// Stops the indexer and closes the connections.
    pub async fn stop(self) -> Result<()> {
        self.shutdown.cancel();
        self.indexer.await.context("the indexer panicked")?;
        self.store.close().await;
        Ok(())
    }
}
