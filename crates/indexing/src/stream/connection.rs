//! The connection to the gRPC server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use solana_address::Address;
use tokio::sync::Notify;
use tonic::transport::ClientTlsConfig;
use yellowstone_grpc_client::{GeyserGrpcBuilderError, GeyserGrpcClient, GeyserGrpcClientError};
use yellowstone_grpc_proto::prelude::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::prelude::{
    CommitmentLevel, SubscribeRequest, SubscribeRequestFilterTransactions, SubscribeRequestPing,
};

use super::StreamSettings;
use super::buffer::Buffer;
use super::convert::convert;
use crate::metrics;

/// The first back-off between two attempts to connect.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
/// The longest back-off between two attempts to connect.
const MAX_BACKOFF: Duration = Duration::from_secs(15);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may send nothing. Servers send a ping every few seconds.
const MAX_SILENCE: Duration = Duration::from_mins(1);
/// The largest update in bytes. A transaction with its logs is much smaller.
const MAX_UPDATE: usize = 4 * 1024 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error(transparent)]
    Settings(#[from] GeyserGrpcBuilderError),
    #[error(transparent)]
    Client(#[from] GeyserGrpcClientError),
    #[error("gRPC status: {0}")]
    Status(#[from] tonic::Status),
    #[error("the server ended the stream")]
    Ended,
    #[error("the server sent nothing for {} s", MAX_SILENCE.as_secs())]
    Silent,
}

/// Receives the transactions of a program into a buffer. Never completes.
pub async fn receive(settings: StreamSettings, program: Address, buffer: Arc<Buffer>, wake_up: Arc<Notify>) {
    let mut backoff = MIN_BACKOFF;
    loop {
        let ended = listen(&settings, program, &buffer, &wake_up, &mut backoff).await;
        metrics::stream_connected(false);
        if let Err(error) = ended {
            tracing::warn!(event = "stream_closed", %error);
        }
        // Announcements may have been lost when the connection ended.
        wake_up.notify_one();
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

/// Receives until the connection ends. Resets the back-off when the subscription succeeds.
async fn listen(
    settings: &StreamSettings,
    program: Address,
    buffer: &Buffer,
    wake_up: &Notify,
    backoff: &mut Duration,
) -> Result<(), StreamError> {
    let mut client = GeyserGrpcClient::build_from_shared(settings.url.clone())?
        .x_token(settings.token.clone())?
        .connect_timeout(CONNECT_TIMEOUT)
        .max_decoding_message_size(MAX_UPDATE);
    if settings.url.starts_with("https://") {
        client = client.tls_config(ClientTlsConfig::new().with_native_roots())?;
    }
    let mut client = client.connect().await?;
    let filter = SubscribeRequestFilterTransactions {
        vote: Some(false),
        failed: Some(false),
        account_include: vec![program.to_string()],
        ..SubscribeRequestFilterTransactions::default()
    };
    let request = SubscribeRequest {
        transactions: HashMap::from([("program".to_owned(), filter)]),
        commitment: Some(CommitmentLevel::Confirmed.into()),
        ..SubscribeRequest::default()
    };
    let (mut requests, mut updates) = client.subscribe_with_request(Some(request)).await?;
    *backoff = MIN_BACKOFF;
    metrics::stream_connected(true);
    tracing::info!(event = "stream_opened");
    wake_up.notify_one();
    loop {
        let update = tokio::time::timeout(MAX_SILENCE, updates.next()).await;
        let update = update
            .map_err(|_| StreamError::Silent)?
            .ok_or(StreamError::Ended)??;
        match update.update_oneof {
            Some(UpdateOneof::Transaction(transaction)) => {
                match convert(transaction) {
                    Ok(transaction) => buffer.insert(transaction),
                    Err(reason) => tracing::debug!(event = "streamed_transaction_ignored", reason),
                }
                wake_up.notify_one();
            }
            Some(UpdateOneof::Ping(_)) => {
                let pong = SubscribeRequest {
                    ping: Some(SubscribeRequestPing { id: 1 }),
                    ..SubscribeRequest::default()
                };
                // If the connection has ended, the next update says so.
                let _ = requests.send(pong).await;
            }
            _ => {}
        }
    }
}
