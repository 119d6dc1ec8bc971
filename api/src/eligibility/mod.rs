//! Which tokens of a wallet can register in a registry of holders, by the checks of the program.
//!
//! ```text
//!   wallet --node--> its token accounts with the amount 1 --node--> their mints, and the mints'
//!          accounts of Token Metadata
//!          mint, group, collection or master --database--> the collection, or none: then left out
//!          the program's checks --> eligible, or the program's error
//! ```
//!
//! Lookups use the node for clients without a key. So few run at a time, clients take turns, and
//! each lookup has bounds on what it reads. Several clients can have one address, behind the same
//! proxy or router, so their requests wait for each other and are not refused at once. Assets of
//! Metaplex Core and compressed assets are not looked up by their owner: a node has no index of
//! them. The module `registration` builds the transaction that registers an asset.

mod compressed;
mod error;
mod listed;
mod registration;
mod tokens;
mod transactions;

use std::{future::Future, time::Duration};

use bauta::state::{self, CollectionKind};
use bauta_client::{ProgramError, eligibility::why_token_is_not_eligible};
use bauta_rpc::{Options, Rpc, RpcError};
use bauta_service_common::{Admission, FairQueue, WorkerSlot};
use bauta_store::{Collection, Registry, RegistryKind, Store, StoreError};
use solana_address::Address;

use listed::Listed;
use tokens::HeldToken;

pub use compressed::CompressedRequest;
pub use error::RegistrationError;
pub use registration::RegistrationRequest;

/// Limits of a request to the node. A token account has about 350 bytes in the response.
const OPTIONS: Options = Options {
    timeout: Duration::from_secs(5),
    max_response_bytes: 16 << 20,
};
/// Largest number of tokens of a wallet that are looked at.
const MAX_TOKENS: usize = 1_000;
/// Largest number of lookups at a time, and of those of one client. A lookup of a wallet with many
/// tokens makes about 40 calls.
const MAX_LOOKUPS: usize = 8;
const MAX_LOOKUPS_OF_CLIENT: usize = 2;
/// The same for transactions that are built. Each makes few calls.
const MAX_REGISTRATIONS: usize = 32;
const MAX_REGISTRATIONS_OF_CLIENT: usize = 4;
/// Largest number of lookups that wait, and of those of one client. The limit of requests allows a
/// client fewer in a minute. The same for registrations.
const MAX_WAITING: usize = 160;
const MAX_WAITING_OF_CLIENT: usize = 20;
/// The longest time that a request waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// The longest time of a lookup.
const MAX_DURATION: Duration = Duration::from_secs(15);
/// Largest number of masters of a registry whose prints are recognised.
const MAX_MASTERS: u16 = 1_000;

/// Why the tokens of a wallet can't be looked up.
#[derive(Debug, thiserror::Error)]
pub enum EligibilityError {
    /// The service has no node.
    #[error("this service has no node (SOLANA_RPC_URL), so it can't look up tokens")]
    NoNode,
    /// Members of other registries don't register tokens.
    #[error("the registry is of the kind {kind}; only registries of holders accept tokens")]
    WrongKind {
        /// The kind of the registry.
        kind: &'static str,
    },
    /// Too many lookups wait.
    #[error(
        "too many requests for lookups of wallets or for registrations wait (limit {} of a client and {} in all), or \
         this one has waited for {} s; retry later", MAX_WAITING_OF_CLIENT, MAX_WAITING, MAX_WAIT.as_secs()
    )]
    Busy,
    /// The node takes too long.
    #[error("the node did not give everything within {} s", MAX_DURATION.as_secs())]
    Slow,
    /// The wallet has more tokens than the limit.
    #[error(
        "the wallet has more tokens than a lookup reads (limit {MAX_TOKENS}); check a token by registering it"
    )]
    TooManyTokens,
    /// The node failed.
    #[error(transparent)]
    Node(RpcError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token of the wallet that belongs to a collection of the registry.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    pub mint: Address,
    /// The track that the token registers in.
    pub track: u64,
    /// The error with which the program would refuse the token.
    pub refused: Option<ProgramError>,
}

/// Looks tokens up.
pub struct Eligibility {
    node: Option<Rpc>,
    lookups: FairQueue,
    registrations: FairQueue,
}

impl Eligibility {
    /// Uses the node at this URL, if there is one. Doesn't connect.
    pub fn new(node: Option<&str>) -> Result<Self, RpcError> {
        Ok(Self {
            node: node.map(|url| Rpc::with_options(url, OPTIONS)).transpose()?,
            lookups: queue(MAX_LOOKUPS, MAX_LOOKUPS_OF_CLIENT),
            registrations: queue(MAX_REGISTRATIONS, MAX_REGISTRATIONS_OF_CLIENT),
        })
    }

    /// Returns the tokens of a wallet that belong to a collection of the registry, ordered by mint.
    /// `client` is the client that sends the request.
    pub async fn tokens(
        &self,
        store: &Store,
        client: &str,
        registry: &Registry,
        owner: Address,
    ) -> Result<Vec<Token>, EligibilityError> {
        let node = self.node.as_ref().ok_or(EligibilityError::NoNode)?;
        if registry.kind != RegistryKind::Holders {
            let kind = registry.kind.as_str();
            return Err(EligibilityError::WrongKind { kind });
        }
        let _turn = turn(&self.lookups, client, MAX_WAIT).await?;
        in_time(look_up(node, store, registry, owner)).await
    }
}

/// Creates the queue of requests that use the node. `running` of them run at a time, and
/// `running_of_client` of each client.
fn queue(running: usize, running_of_client: usize) -> FairQueue {
    FairQueue::new(running, MAX_WAITING, MAX_WAITING_OF_CLIENT, |_| ())
        .with_max_running_per_owner(running_of_client)
}

/// Waits for a turn of a client.
async fn turn(queue: &FairQueue, client: &str, max_wait: Duration) -> Result<WorkerSlot, EligibilityError> {
    let turn = tokio::time::timeout(max_wait, queue.acquire(client, Admission::Request)).await;
    turn.map_err(|_| EligibilityError::Busy)?
        .map_err(|_| EligibilityError::Busy)
}

/// Ends work that takes too long.
async fn in_time<T, E: From<EligibilityError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let ended = tokio::time::timeout(MAX_DURATION, work).await;
    ended.unwrap_or_else(|_| Err(EligibilityError::Slow.into()))
}

async fn look_up(
    node: &Rpc,
    store: &Store,
    registry: &Registry,
    owner: Address,
) -> Result<Vec<Token>, EligibilityError> {
    let masters = [CollectionKind::TokenMetadata as u8, CollectionKind::Prints as u8];
    let with_metadata = store.collections_of_kinds(registry, &masters, 1).await?;
    let tokens = tokens::read(node, owner, !with_metadata.is_empty()).await?;
    let collections = Listed::new(collections(store, registry, &tokens).await?);
    let mut found = Vec::new();
    for token in &tokens {
        for collection in collections.of(token) {
            let on_chain = on_chain(registry, collection);
            found.push(Token {
                mint: token.mint(),
                track: collection.track,
                refused: why_token_is_not_eligible(&on_chain, &owner, &token.accounts()),
            });
        }
    }
    Ok(found)
}

/// Returns the collections that the tokens can belong to.
async fn collections(
    store: &Store,
    registry: &Registry,
    tokens: &[HeldToken],
) -> Result<Vec<Collection>, StoreError> {
    let keys: Vec<Address> = tokens.iter().flat_map(HeldToken::keys).collect();
    let mut collections = store.collections_with_keys(registry, &keys).await?;
    if tokens.iter().any(HeldToken::is_print) {
        // A print names the edition account of its master, and the collection the master's mint.
        let prints = [CollectionKind::Prints as u8];
        let of_prints = store.collections_of_kinds(registry, &prints, MAX_MASTERS);
        collections.retain(|collection| !prints.contains(&collection.kind));
        collections.extend(of_prints.await?);
    }
    Ok(collections)
}

/// Returns the collection as the program stores it, with the fields that its checks read.
fn on_chain(registry: &Registry, collection: &Collection) -> state::Collection {
    state::Collection {
        registry: registry.address,
        key: collection.key,
        kind: collection.kind,
        bump: 0,
        rules: collection.rules,
        number: collection.number,
        padding: [0; 2],
        track: collection.track,
    }
}

fn not_too_long(error: RpcError) -> EligibilityError {
    match error {
        RpcError::ResponseTooLong { .. } => EligibilityError::TooManyTokens,
        error => EligibilityError::Node(error),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all, poll};

    use super::*;

    #[tokio::test]
    async fn clients_with_one_address_wait_and_leave_turns_for_other_addresses() {
        let queue = queue(3, 2);
        let wait = |client| Box::pin(turn(&queue, client, MAX_WAIT));
        let first = wait("office").await.unwrap();
        let _second = wait("office").await.unwrap();
        let mut third = wait("office");
        assert!(poll!(&mut third).is_pending());
        let mut more = join_all((1..MAX_WAITING_OF_CLIENT).map(|_| wait("office")));
        assert!(poll!(&mut more).is_pending());
        let refused = wait("office").await;
        assert!(matches!(refused, Err(EligibilityError::Busy)));

        let other = wait("home").now_or_never();
        let other = other.expect("the office can't have all turns").unwrap();
        let mut last = wait("home");
        assert!(poll!(&mut last).is_pending());
        drop(other);
        assert!(last.now_or_never().is_some());
        drop(first);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_request_that_waits_too_long_is_refused() {
        let queue = queue(1, 1);
        let _first = turn(&queue, "office", MAX_WAIT).await.unwrap();
        let waited = turn(&queue, "home", Duration::ZERO).await;
        assert!(matches!(waited, Err(EligibilityError::Busy)));
    }
}
