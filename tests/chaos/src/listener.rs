//! A listener on a free port of 127.0.0.1 whose connections end with it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::ChaosError;

/// Listens until dropped.
pub struct Listener {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listener {
    /// Runs `serve` for each connection.
    pub async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Result<Self, ChaosError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(ChaosError::Listen)?;
        let address = listener.local_addr().map_err(ChaosError::Listen)?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            connections.spawn(serve(stream));
                        }
                        // too many open files, most likely: others have to close some first
                        Err(_) => tokio::task::yield_now().await,
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // aborting it drops its JoinSet, which aborts the connections
        self.task.abort();
    }
}
