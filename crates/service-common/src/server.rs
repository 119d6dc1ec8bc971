//! The loop that takes connections.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service as _;

use crate::connection::Connection;

/// A pause after an error of `accept`, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);
/// Most headers of a request.
const MOST_HEADERS: usize = 64;

/// What a connection may take.
pub(crate) struct Bounds {
    pub(crate) connections: usize,
    pub(crate) client_timeout: Duration,
}

/// Serves until the token is cancelled, then takes no more connections and waits until the requests that are being
/// worked on have their answers, and until connections that became websockets are closed.
///
/// This is `axum::serve` with a bound on connections and on the time of clients, which that doesn't have.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    shutdown: CancellationToken,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.client_timeout)
        .max_headers(MOST_HEADERS);
    let permits = Arc::new(Semaphore::new(bounds.connections));
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
                let stream = Connection::new(stream, bounds.client_timeout, permit, connections.token());
                let conversation = converse(builder.clone(), stream, peer, router.clone(), shutdown.clone());
                connections.spawn(conversation);
            }
            (_, Err(error)) => {
                tracing::warn!(event = "accept_failed", %error);
                tokio::time::sleep(PAUSE).await;
            }
            // Nobody closes the semaphore.
            (Err(_), _) => break,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Answers a connection's requests, one after the other. Told to end, it finishes the one it is at.
async fn converse(
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
    // An error is the client's: it went away, took nothing, or sent no HTTP.
    if let Err(error) = ended {
        tracing::debug!(event = "connection_failed", %error);
    }
}
