use bauta_store::StoreError;
use bauta_wire::api::{ClusterList, ConfigDocument};

use super::{
    problems::{self, Failure, ProblemDocument},
    respond::Document,
    state::Reads,
};
use crate::clusters;

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
    let Some(config) = state.store.config().await? else {
        return Ok("solana:localnet");
    };
    let name = cluster_of(state, config.cluster_tag).await?;
    Ok(state.cluster_name.get_or_init(|| name))
}

/// Returns the name of the cluster. An indexer of an older version has recorded no hash. The tag of a
/// public cluster is its hash.
async fn cluster_of(state: &Reads, tag: [u8; 32]) -> Result<&'static str, StoreError> {
    let genesis_hash = state.store.genesis_hash().await?;
    Ok(clusters::name(genesis_hash.unwrap_or(tag)))
}

async fn read(state: &Reads) -> Result<Option<ConfigDocument>, StoreError> {
    let Some(config) = state.store.config().await? else {
        return Ok(None);
    };
    Ok(Some(ConfigDocument {
        cluster: cluster_of(state, config.cluster_tag).await?.into(),
        cluster_tag: format!("0x{}", hex::encode(config.cluster_tag)),
        program: bauta::ID.to_string(),
        paused: config.paused,
        k: state.k,
    }))
}
