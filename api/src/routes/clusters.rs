use bauta_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problems::{self, Failure, ProblemDocument},
    respond::Document,
    state::Reads,
};
use crate::clusters;

/// A cluster and the configuration of the program there.
#[derive(Serialize, ToSchema)]
pub struct ConfigDocument {
    /// The name of the cluster: `solana:mainnet`, `solana:devnet`, `solana:testnet` or
    /// `solana:localnet`. It follows from the genesis hash that the database follows.
    cluster: &'static str,
    /// The program's tag of the cluster. Clients pin this value in their own code.
    cluster_tag: String,
    /// The address of the program.
    program: String,
    /// Whether the program refuses verifications.
    paused: bool,
    /// Analytics hide counts below this number.
    k: u64,
}

/// The clusters that the service serves.
#[derive(Serialize, ToSchema)]
pub struct ClusterList {
    data: Vec<ConfigDocument>,
}

/// Lists the clusters that the service serves.
///
/// The list is empty until the program's initialisation has been indexed.
#[utoipa::path(
    get,
    path = "/v1/clusters",
    tag = "program",
    responses(
        (status = 200, body = ClusterList),
    ),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn clusters(state: Reads) -> Result<Document<ClusterList>, Failure> {
    let data = read(&state).await?.into_iter().collect();
    Ok(Document(ClusterList { data }))
}

/// Returns the configuration of the program.
///
/// A client compares `cluster_tag` and `program` with the values that it pins.
#[utoipa::path(
    get,
    path = "/v1/config",
    tag = "program",
    responses(
        (status = 200, body = ConfigDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn config(state: Reads) -> Result<Document<ConfigDocument>, Failure> {
    let document = read(&state).await?;
    document.map(Document).ok_or_else(problems::not_initialised)
}

/// Returns the name of the cluster that the database follows. Without one, it is a local one. The
/// database is read until it has the name, which never changes.
pub async fn name(state: &Reads) -> Result<&'static str, StoreError> {
    if let Some(name) = state.cluster_name.get() {
        return Ok(name);
    }
    let Some(config) = read(state).await? else {
        return Ok("solana:localnet");
    };
    Ok(state.cluster_name.get_or_init(|| config.cluster))
}

async fn read(state: &Reads) -> Result<Option<ConfigDocument>, StoreError> {
    let Some(config) = state.store.config().await? else {
        return Ok(None);
    };
    // An indexer of an older version has recorded no hash. The tag of a public cluster is its hash.
    let genesis_hash = state.store.genesis_hash().await?.unwrap_or(config.cluster_tag);
    Ok(Some(ConfigDocument {
        cluster: clusters::name(genesis_hash),
        cluster_tag: format!("0x{}", hex::encode(config.cluster_tag)),
        program: bauta::ID.to_string(),
        paused: config.paused,
        k: state.k,
    }))
}
