//! The loop that accepts connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service as _;

use crate::{address_limit::AddressLimit, connection::Connection};

/// The pause after an error of `accept`, such as too many open files.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Largest number of headers of a request.
const MAX_HEADERS: usize = 64;
/// Size of a connection's read buffer in bytes. It also bounds the headers of a request.
const BUFFER_BYTES: usize = 16 << 10;

/// Limits of connections.
pub(crate) struct ConnectionLimits {
    pub(crate) connections: usize,
    pub(crate) by_address: AddressLimit,
    pub(crate) client_timeout: Duration,
}

/// Serves until the token is cancelled. Then accepts no more connections, and waits until running
/// requests have their responses and until connections that became websockets are closed.
///
/// `axum::serve` has no limit of connections and no timeout for slow clients. This function has
/// both.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.client_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER_BYTES);
    let permits = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accepted => accepted,
        };
        match (permit, accepted) {
            (Ok(permit), Ok((stream, peer))) => {
                let Some(address) = limits.by_address.open(peer.ip()) else {
                    tracing::debug!(event = "connection_refused");
                    continue;
                };
                let guards = (permit, address, connections.token());
                let stream = Connection::new(stream, limits.client_timeout, guards);
                connections.spawn(serve_connection(
                    builder.clone(),
                    stream,
                    peer,
                    router.clone(),
                    shutdown.clone(),
                ));
            }
            (_, Err(error)) => {
                tracing::warn!(event = "accept_failed", %error);
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
            // The semaphore is never closed.
            (Err(_), _) => break,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Serves the requests of one connection. On shutdown, finishes the current request and closes the
/// connection.
async fn serve_connection(
    builder: http1::Builder,
    stream: Connection,
    peer: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // The client caused the error: it disconnected, didn't read, or didn't send HTTP.
    if let Err(error) = ended {
        tracing::debug!(event = "connection_failed", %error);
    }
}
