//! Paths of leaves that the indexer knows.

use bauta_primitives::{
    FieldElement, Root,
    tree::{Depth, MembershipPath},
};
use bauta_service_common::Problem;
use bauta_store::{Registry, Store, StoreError};

use super::LeafReference;
use crate::time;

const ADDRESS: &str = "registry.address";

/// A registry that the indexer follows.
pub async fn find_registry(store: &Store, leaf: &LeafReference) -> Result<Registry, Problem> {
    let address = bs58::decode(&leaf.address).into_vec().ok();
    let address = address
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| Problem::invalid(ADDRESS, "must be an account's address: 32 bytes in base58"))?;
    let registry = store.registry(address.into()).await;
    registry.map_err(|error| store_problem(&error))
}

/// Path and root of a leaf that the indexer knows.
pub async fn read_path(
    store: &Store,
    depth: Depth,
    leaf_format: u16,
    registry: &Registry,
    leaf: &LeafReference,
    root: Option<Root>,
) -> Result<(MembershipPath, Root), Problem> {
    if registry.depth != depth || u16::from(registry.leaf_format) != leaf_format {
        return Err(Problem::invalid(
            ADDRESS,
            format!(
                "must be a registry of the circuit's depth and leaf format ({} and {leaf_format}); it has {} and {}",
                depth.levels(),
                registry.depth.levels(),
                registry.leaf_format
            ),
        ));
    }
    let now = time::unix_seconds();
    let root = match root {
        Some(root) => root,
        None => {
            store
                .root_to_prove(registry, now)
                .await
                .map_err(|error| store_problem(&error))?
                .root
        }
    };
    let path = store
        .path(registry, root, leaf.index, now)
        .await
        .map_err(|error| store_problem(&error))?;
    if path.leaf.element() == FieldElement::ZERO {
        return Err(Problem::invalid(
            "registry.index",
            "must be the position of a leaf; there is none at that root (evicted, or not yet registered)",
        ));
    }
    Ok((path.path, root))
}

/// What the store refuses, in the words of a request.
fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unknown { .. } => Problem::invalid("registry.address", error.to_string()),
        StoreError::UnknownRoot { .. }
        | StoreError::RootNotValid { .. }
        | StoreError::TreeNotStored { .. } => Problem::invalid("public.root", error.to_string()),
        StoreError::Value(_) => Problem::invalid("registry.index", error.to_string()),
        StoreError::Unreachable(_) => {
            Problem::unavailable("database_away", "the database can't be reached; try again", error)
        }
        _ => Problem::internal(error),
    }
}
