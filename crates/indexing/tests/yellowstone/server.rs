//! A Yellowstone gRPC server that announces the transactions of a chain in memory.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bauta_indexing::chain::Transaction;
use futures_util::Stream;
use futures_util::stream::unfold;
use solana_address::Address;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use yellowstone_grpc_proto::prelude::geyser_server::{Geyser, GeyserServer};
use yellowstone_grpc_proto::prelude::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::prelude::{
    CompiledInstruction, GetBlockHeightRequest, GetBlockHeightResponse, GetLatestBlockhashRequest,
    GetLatestBlockhashResponse, GetSlotRequest, GetSlotResponse, GetVersionRequest, GetVersionResponse,
    InnerInstruction, InnerInstructions, IsBlockhashValidRequest, IsBlockhashValidResponse, Message,
    PingRequest, PongResponse, SubscribeDeshredRequest, SubscribeGossipRequest, SubscribeReplayInfoRequest,
    SubscribeReplayInfoResponse, SubscribeRequest, SubscribeUpdate, SubscribeUpdateDeshred,
    SubscribeUpdateGossip, SubscribeUpdatePing, SubscribeUpdateTransaction, SubscribeUpdateTransactionInfo,
    Transaction as ProtoTransaction, TransactionStatusMeta,
};

type Updates<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A server whose streams can be broken. Dropping it stops it.
pub struct Server {
    url: String,
    service: Service,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Service {
    updates: broadcast::Sender<SubscribeUpdate>,
    /// Changes when every stream has to end.
    breaks: watch::Sender<u64>,
    subscriptions: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<SubscribeRequest>>>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Service {
            updates: broadcast::Sender::new(10_000),
            breaks: watch::Sender::new(0),
            subscriptions: Arc::default(),
            requests: Arc::default(),
        };
        let served = GeyserServer::new(service.clone());
        let task = tokio::spawn(async move {
            let incoming = TcpIncoming::from(listener);
            let server = tonic::transport::Server::builder().add_service(served);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        Self { url, service, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of streams since the start.
    pub fn subscriptions(&self) -> usize {
        self.service.subscriptions.load(Ordering::Relaxed)
    }

    /// Returns the first requests of all streams.
    pub fn requests(&self) -> Vec<SubscribeRequest> {
        self.service.requests.lock().unwrap().clone()
    }

    /// Sends an update to the streams.
    pub fn send(&self, update: UpdateOneof) {
        // Without a stream the update is lost.
        let _ = self.service.updates.send(SubscribeUpdate {
            update_oneof: Some(update),
            ..SubscribeUpdate::default()
        });
    }

    pub fn announce(&self, transaction: &Transaction) {
        self.send(UpdateOneof::Transaction(encode(transaction)));
    }

    pub fn ping(&self) {
        self.send(UpdateOneof::Ping(SubscribeUpdatePing {}));
    }

    /// Ends every stream with an error.
    pub fn break_streams(&self) {
        self.service.breaks.send_modify(|number| *number += 1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tonic::async_trait]
impl Geyser for Service {
    type SubscribeStream = Updates<SubscribeUpdate>;
    type SubscribeDeshredStream = Updates<SubscribeUpdateDeshred>;
    type SubscribeGossipStream = Updates<SubscribeUpdateGossip>;

    async fn subscribe(
        &self,
        request: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let mut requests = request.into_inner();
        let first = requests.message().await?;
        let first = first.ok_or_else(|| Status::invalid_argument("no request"))?;
        let updates = self.updates.subscribe();
        let mut breaks = self.breaks.subscribe();
        breaks.mark_unchanged();
        self.requests.lock().unwrap().push(first);
        self.subscriptions.fetch_add(1, Ordering::Relaxed);
        let stream = unfold(Some((requests, updates, breaks)), |open| async move {
            let (requests, mut updates, mut breaks) = open?;
            tokio::select! {
                biased;
                _ = breaks.changed() => Some((Err(Status::unavailable("the stream was broken")), None)),
                update = updates.recv() => match update {
                    Ok(update) => Some((Ok(update), Some((requests, updates, breaks)))),
                    Err(_) => Some((Err(Status::data_loss("the client is too slow")), None)),
                },
            }
        });
        Ok(Response::new(Box::pin(stream)))
    }

    async fn subscribe_deshred(
        &self,
        _: Request<Streaming<SubscribeDeshredRequest>>,
    ) -> Result<Response<Self::SubscribeDeshredStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn subscribe_gossip(
        &self,
        _: Request<SubscribeGossipRequest>,
    ) -> Result<Response<Self::SubscribeGossipStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn subscribe_replay_info(
        &self,
        _: Request<SubscribeReplayInfoRequest>,
    ) -> Result<Response<SubscribeReplayInfoResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PongResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_latest_blockhash(
        &self,
        _: Request<GetLatestBlockhashRequest>,
    ) -> Result<Response<GetLatestBlockhashResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_block_height(
        &self,
        _: Request<GetBlockHeightRequest>,
    ) -> Result<Response<GetBlockHeightResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_slot(&self, _: Request<GetSlotRequest>) -> Result<Response<GetSlotResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn is_blockhash_valid(
        &self,
        _: Request<IsBlockhashValidRequest>,
    ) -> Result<Response<IsBlockhashValidResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_version(
        &self,
        _: Request<GetVersionRequest>,
    ) -> Result<Response<GetVersionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Returns a transaction in the form of the stream. Half of its accounts are loaded from a table.
pub fn encode(transaction: &Transaction) -> SubscribeUpdateTransaction {
    let mut keys: Vec<Address> = Vec::new();
    let mut index = |key: &Address| -> u8 {
        let position = keys.iter().position(|known| known == key).unwrap_or_else(|| {
            keys.push(*key);
            keys.len() - 1
        });
        u8::try_from(position).unwrap()
    };
    let mut compile = |program: &Address, accounts: &[Address], data: &[u8]| CompiledInstruction {
        program_id_index: index(program).into(),
        accounts: accounts.iter().map(&mut index).collect(),
        data: data.to_vec(),
    };
    let instructions: Vec<_> = transaction
        .instructions
        .iter()
        .map(|outer| compile(&outer.program, &outer.accounts, &outer.data))
        .collect();
    let mut groups: Vec<InnerInstructions> = Vec::new();
    for inner in &transaction.inner_instructions {
        let compiled = compile(&inner.program, &inner.accounts, &inner.data);
        if groups.last().is_none_or(|group| group.index != inner.outer_index) {
            groups.push(InnerInstructions {
                index: inner.outer_index,
                instructions: Vec::new(),
            });
        }
        groups.last_mut().unwrap().instructions.push(InnerInstruction {
            program_id_index: compiled.program_id_index,
            accounts: compiled.accounts,
            data: compiled.data,
            stack_height: Some(2),
        });
    }
    let bytes: Vec<Vec<u8>> = keys.iter().map(|key| key.to_bytes().to_vec()).collect();
    let (own, loaded) = bytes.split_at(bytes.len() / 2);
    let (writable, readonly) = loaded.split_at(loaded.len() / 2);
    let signature: [u8; 64] = transaction.signature.into();
    SubscribeUpdateTransaction {
        slot: transaction.slot.get(),
        transaction: Some(SubscribeUpdateTransactionInfo {
            signature: signature.to_vec(),
            index: transaction.index.into(),
            transaction: Some(ProtoTransaction {
                signatures: vec![signature.to_vec()],
                message: Some(Message {
                    account_keys: own.to_vec(),
                    instructions,
                    ..Message::default()
                }),
            }),
            meta: Some(TransactionStatusMeta {
                inner_instructions: groups,
                loaded_writable_addresses: writable.to_vec(),
                loaded_readonly_addresses: readonly.to_vec(),
                ..TransactionStatusMeta::default()
            }),
            ..SubscribeUpdateTransactionInfo::default()
        }),
        ..SubscribeUpdateTransaction::default()
    }
}
