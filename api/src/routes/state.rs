use std::{
    convert::Infallible,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, request::Parts},
};
use bauta_service_common::{
    AUDIT, ApiKeys, Caller, Problem, Refusals, Streams, Tickets, TrustedProxies, bearer,
};
use bauta_store::{Account, AccountId, Role, Store};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    problems::{self, Failure},
    responses::ResponseCache,
};
use crate::{
    accounts::{Accounts, TokenError},
    audit::Audit,
    audit_seals::AuditSigner,
    cluster_status::ClusterStatus,
    database_health::DatabaseHealth,
    databases::Databases,
    deployment_counts::DeploymentCounts,
    eligibility::Eligibility,
    feature_flags::Flags,
    limits::{Client, Limits},
    live::Live,
    ohttp::Gateway,
    proof_queue::ProofQueue,
    prover::ProverService,
    proving_keys::ProvingKeys,
    relay::Relay,
    relay_watch::RelayWatch,
    staff::Staff,
    tiles::Tiles,
    time::unix_seconds,
    tree_upload::TreeUploads,
    verifier::Verifier,
    verifying_keys::VerifyingKeys,
    webhooks::Webhooks,
};

/// The permission of a key that only has its own rate limit.
pub const READ: &str = "read";
/// The permission to request proofs.
pub const PROVE: &str = "prove";
/// The permission to upload the trees of attested registries.
pub const TREES: &str = "trees";
/// The permission to relay verifications that the budget of the key's owner pays for.
pub const RELAY: &str = "relay";
/// All permissions of API keys.
pub const PERMISSIONS: [&str; 4] = [PROVE, READ, RELAY, TREES];
/// The permissions of keys for web pages.
pub const PAGE_PERMISSIONS: [&str; 2] = [READ, RELAY];

/// The state that all routes share.
pub struct AppState {
    /// The databases, and the slots up to which they follow the chain.
    pub databases: Arc<Databases>,
    /// Whether the database is available.
    pub database_health: DatabaseHealth,
    /// The tiles that are kept in memory.
    pub tiles: Arc<Tiles>,
    /// The responses that are kept in memory.
    pub responses: ResponseCache,
    /// The verifying keys of circuits.
    pub verifying_keys: VerifyingKeys,
    /// The web keys of `PROVING_KEYS_DIR`.
    pub proving_keys: ProvingKeys,
    /// Verifies proofs for clients.
    pub verifier: Verifier,
    /// Makes proofs for members who delegate proving.
    pub prover: ProverService,
    /// Stores the trees of attested registries.
    pub uploads: TreeUploads,
    /// The audit log.
    pub audit: Audit,
    /// Signs the end of the audit log, if wallets can log in.
    pub audit_signer: Option<Arc<AuditSigner>>,
    pub api_keys: ApiKeys,
    /// The accounts of wallets, if wallets can log in.
    pub accounts: Option<Accounts>,
    /// The accounts that have a role.
    pub staff: Staff,
    /// Which tokens of a wallet can register.
    pub eligibility: Eligibility,
    /// The relay, if this service pays for verifications.
    pub relay: Option<Arc<Relay>>,
    /// The open event streams, by client.
    pub streams: Streams,
    /// The same streams, by relay.
    pub streams_of_relays: Streams,
    /// The relays that event streams follow.
    pub relay_watch: Arc<RelayWatch>,
    /// The events of the database.
    pub live: Arc<Live>,
    /// The state of all services.
    pub cluster_status: ClusterStatus,
    /// The counts of the database that operators read.
    pub deployment_counts: DeploymentCounts,
    /// The gateway for Oblivious HTTP, if it is on.
    pub ohttp: Option<Gateway>,
    /// Its requests in progress.
    pub ohttp_requests: Semaphore,
    /// The KiB that its responses can take until they are encrypted.
    pub ohttp_memory: Semaphore,
    /// Its large responses that are being read, by relay.
    pub ohttp_large: Streams,
    /// The name of the cluster, once it is known.
    pub cluster_name: OnceLock<&'static str>,
    /// The open streams of events and websockets, by client.
    pub event_streams: Streams,
    /// Sends messages to webhooks, if it is on.
    pub webhooks: Option<Arc<Webhooks>>,
    /// What is announced about the queue of the prover service.
    pub proof_queue: Arc<ProofQueue>,
    /// The flags of operators.
    pub flags: Flags,
    /// The tickets of web pages.
    pub tickets: Tickets,
    /// The requests beyond a rate limit that have no record in the audit trail yet.
    pub refusals: Arc<Refusals>,
    /// The open responses with whole trees.
    pub trees: Streams,
    /// Cancelled when the service shuts down.
    pub shutdown: CancellationToken,
    pub limits: Limits,
    /// The proxies that clients' addresses are accepted from.
    pub trusted_proxies: TrustedProxies,
    /// Analytics hide counts below this number.
    pub k: u64,
}

impl AppState {
    /// Returns the accounts, if wallets can log in.
    pub fn accounts(&self) -> Result<&Accounts, Failure> {
        self.accounts.as_ref().ok_or_else(problems::no_accounts)
    }

    /// Returns the account of a request's access token if it has a role. Only tokens that name such
    /// an account are verified.
    pub async fn account_with_role(&self, headers: &HeaderMap) -> Option<AccountId> {
        let (accounts, token) = (self.accounts.as_ref()?, bearer(headers)?);
        let has_role = self.staff.contains(accounts.named(token)?).await;
        let checked = has_role.then(|| accounts.check(token, unix_seconds()));
        checked.and_then(Result::ok)
    }
}

/// Returns whether a request has an access token of a wallet, or a text in the form of one.
pub fn has_access_token(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|credential| credential.bytes().filter(|byte| *byte == b'.').count() == 2)
}

/// The database that was chosen for a request.
#[derive(Clone)]
pub struct ChosenStore(pub Store);

/// The state of a request: the shared state, its client, and the database that was chosen for it.
pub struct Reads {
    pub store: Store,
    /// The name that the request counts for. Empty outside the layer of rate limits.
    client: String,
    /// The pattern of the route.
    route: String,
    shared: Arc<AppState>,
}

impl Reads {
    /// Returns the shared state.
    pub fn shared(&self) -> Arc<AppState> {
        self.shared.clone()
    }

    /// Stores in the audit log that the request was refused. `actor` is the account, if it is
    /// known.
    pub fn refused(&self, event: &'static str, code: &'static str, actor: Option<&str>) {
        self.audit.refused(event, code, actor, &self.client);
    }

    /// Stores in the audit log that an account without a role has logged in or out.
    pub fn login_without_role(&self, event: &'static str, account: AccountId) {
        self.audit.login_without_role(event, account, &self.client);
    }

    /// Returns the caller of a request if its API key has the permission.
    pub async fn authorise(&self, headers: &HeaderMap, permission: &str) -> Result<Caller, Problem> {
        let caller = self.api_keys.authorise(headers, permission).await;
        if let Err(error) = &caller {
            tracing::info!(target: AUDIT, event = "key_refused", code = error.code(), permission);
            self.refused("key_refused", error.code(), None);
        }
        Ok(caller?)
    }

    /// Returns the account of a request's access token.
    pub fn wallet(&self, headers: &HeaderMap) -> Result<AccountId, Failure> {
        let accounts = self.accounts()?;
        let checked = match bearer(headers) {
            None => Err(TokenError::Missing),
            Some(token) if token.starts_with("bauta") => Err(TokenError::ApiKey),
            Some(token) => accounts.check(token, unix_seconds()),
        };
        if let Err(error) = checked {
            tracing::info!(target: AUDIT, event = "token_refused", code = error.code());
            self.refused("token_refused", error.code(), None);
        }
        Ok(checked?)
    }

    /// Returns the account of a request's access token if it has one of the roles. They are read
    /// from the primary for each request.
    pub async fn with_role(&self, headers: &HeaderMap, roles: &[Role]) -> Result<Account, Failure> {
        let id = self.wallet(headers)?;
        let granted = self.databases.primary().roles(id).await?;
        if !granted.iter().any(|role| roles.contains(role)) {
            let account = id.to_string();
            tracing::info!(target: AUDIT, event = "token_refused", code = "missing_role", account);
            self.audit.role_refused(&account, &self.route, &self.client);
            return Err(problems::missing_role(roles));
        }
        Ok(Account { id, roles: granted })
    }
}

impl Deref for Reads {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.shared
    }
}

/// Outside the layer that chooses a database, it is the primary.
impl FromRequestParts<Arc<AppState>> for Reads {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Infallible> {
        let chosen = parts.extensions.get::<ChosenStore>();
        let store = chosen.map_or_else(|| state.databases.primary(), |ChosenStore(store)| store);
        let client = parts.extensions.get::<Client>();
        let route = parts.extensions.get::<MatchedPath>();
        Ok(Self {
            store: store.clone(),
            client: client.map(|client| client.name.clone()).unwrap_or_default(),
            route: route.map(|route| route.as_str().to_owned()).unwrap_or_default(),
            shared: state.clone(),
        })
    }
}
