//! Paths from the database that an indexer writes to.

use bauta_primitives::{
    FieldElement, Root,
    tree::{Depth, MembershipPath},
};
use bauta_service_common::InvalidField;
use bauta_store::{Registry, Store, StoreError};

use super::{LeafReference, RequestError, parse_address};
use crate::time;

const ADDRESS: &str = "registry.address";

/// Returns the registry that a request names.
pub async fn find_registry(store: &Store, leaf: &LeafReference) -> Result<Registry, RequestError> {
    let address = parse_address(&leaf.address)
        .ok_or_else(|| InvalidField::new(ADDRESS, "must be the address of an account: 32 bytes in base58"))?;
    store.registry(address.into()).await.map_err(request_error)
}

/// Reads the path of a leaf from the database. Returns the path and the root.
/// Without a root, uses the root at which a member of a scope of mode `Live` proves.
pub async fn read_path(
    store: &Store,
    depth: Depth,
    leaf_format: u16,
    registry: &Registry,
    leaf: &LeafReference,
    root: Option<Root>,
) -> Result<(MembershipPath, Root), RequestError> {
    if registry.depth != depth || u16::from(registry.leaf_format) != leaf_format {
        let rule = format!(
            "must be a registry with the circuit's depth {} and leaf format {leaf_format}; this registry has depth {} \
             and leaf format {}",
            depth.levels(),
            registry.depth.levels(),
            registry.leaf_format
        );
        return Err(InvalidField::new(ADDRESS, rule).into());
    }
    let now = time::unix_seconds();
    let root = if let Some(root) = root {
        root
    } else {
        let recent = store.root_to_prove(registry, Some(leaf.index), now).await;
        recent.map_err(request_error)?.root
    };
    let path = store
        .path(registry, root, leaf.index, now)
        .await
        .map_err(request_error)?;
    if path.leaf.element() == FieldElement::ZERO {
        let rule = "must be the index of a leaf; the tree has none there at this root, because the leaf was evicted or \
                    is not yet registered";
        return Err(InvalidField::new("registry.index", rule).into());
    }
    Ok((path.path, root))
}

/// Converts an error of the store. An error that the request caused names the request's field.
fn request_error(error: StoreError) -> RequestError {
    let field = match error {
        StoreError::Unknown { .. } => ADDRESS,
        StoreError::UnknownRoot { .. }
        | StoreError::RootNotValid { .. }
        | StoreError::TreeNotStored { .. } => "public.root",
        StoreError::Value(_) => "registry.index",
        _ => return error.into(),
    };
    InvalidField::new(field, error.to_string()).into()
}
