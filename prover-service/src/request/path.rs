//! Paths from the database that an indexer writes to.

use std::collections::{HashMap, HashSet};

use bauta_primitives::{
    FieldElement, Root,
    tree::{Depth, MembershipPath},
};
use bauta_service_common::InvalidField;
use bauta_store::{Path, Registry, Store, StoreError, WantedPath};
use solana_address::Address;

use super::{LeafReference, ProveRequest, RequestError, parse_address};
use crate::{circuits::Circuits, time};

const ADDRESS: &str = "registry.address";

/// Reads registries and paths from the database. The paths of a batch are read before its requests
/// are checked, with few statements for all of them.
pub struct PathReader<'a> {
    store: &'a Store,
    /// The registries that were read before. `None` stands for an unknown one.
    registries: HashMap<Address, Option<Registry>>,
    /// The paths that were read before.
    paths: HashMap<(Address, WantedPath), Result<Path, InvalidField>>,
}

impl<'a> PathReader<'a> {
    /// Returns a reader that reads each path when it is needed.
    pub fn new(store: &'a Store) -> Self {
        Self {
            store,
            registries: HashMap::new(),
            paths: HashMap::new(),
        }
    }

    /// Reads the paths that the requests of a batch name. Requests of the batch that name no root
    /// of a leaf get the same root.
    pub async fn read_all(
        store: &'a Store,
        circuits: &Circuits,
        requests: &[ProveRequest],
    ) -> Result<Self, RequestError> {
        let mut reader = Self::new(store);
        let mut wanted: HashMap<Address, HashSet<WantedPath>> = HashMap::new();
        for (registry, path) in requests
            .iter()
            .filter_map(|request| wanted_path(circuits, request))
        {
            wanted.entry(registry).or_default().insert(path);
        }
        if wanted.is_empty() {
            return Ok(reader);
        }
        let addresses: Vec<Address> = wanted.keys().copied().collect();
        let registries = store.registries_at(&addresses).await?;
        reader.registries = addresses.into_iter().map(|address| (address, None)).collect();
        let now = time::unix_seconds();
        for registry in registries {
            let of_registry = wanted.remove(&registry.address).into_iter().flatten();
            let of_registry: Vec<WantedPath> = of_registry.collect();
            let paths = store.paths(&registry, &of_registry, now).await?;
            for (wanted, path) in of_registry.into_iter().zip(paths) {
                let path = match path {
                    Ok(path) => Ok(path),
                    Err(error) => Err(invalid_field(error)?),
                };
                reader.paths.insert((registry.address, wanted), path);
            }
            reader.registries.insert(registry.address, Some(registry));
        }
        Ok(reader)
    }

    /// Returns the registry that a request names.
    pub async fn find_registry(&self, leaf: &LeafReference) -> Result<Registry, RequestError> {
        let address = parse_address(&leaf.address).ok_or_else(|| {
            InvalidField::new(ADDRESS, "must be the address of an account: 32 bytes in base58")
        })?;
        let address = Address::from(address);
        let registry = match self.registries.get(&address) {
            Some(Some(registry)) => return Ok(registry.clone()),
            Some(None) => Err(StoreError::Unknown {
                what: "registry",
                address,
            }),
            None => self.store.registry(address).await,
        };
        registry.map_err(invalid_field_or_error)
    }

    /// Returns the path of a leaf, and its root. Without a root, it is the root at which a member
    /// of a scope of mode `Live` proves.
    pub async fn read_path(
        &self,
        depth: Depth,
        leaf_format: u16,
        registry: &Registry,
        leaf: &LeafReference,
        root: Option<Root>,
    ) -> Result<(MembershipPath, Root), RequestError> {
        if registry.depth != depth || u16::from(registry.leaf_format) != leaf_format {
            let rule = format!(
                "must be a registry with the circuit's depth {} and leaf format {leaf_format}; this registry has depth \
                 {} and leaf format {}",
                depth.levels(),
                registry.depth.levels(),
                registry.leaf_format
            );
            return Err(InvalidField::new(ADDRESS, rule).into());
        }
        let wanted = WantedPath {
            index: leaf.index,
            root,
        };
        let path = match self.paths.get(&(registry.address, wanted)) {
            Some(path) => path.clone()?,
            None => self
                .read_one(registry, wanted)
                .await
                .map_err(invalid_field_or_error)?,
        };
        if path.leaf.element() == FieldElement::ZERO {
            let rule = "must be the index of a leaf; the tree has none there at this root, because the leaf was evicted \
                        or is not yet registered";
            return Err(InvalidField::new("registry.index", rule).into());
        }
        Ok((path.path, path.root))
    }

    async fn read_one(&self, registry: &Registry, wanted: WantedPath) -> Result<Path, StoreError> {
        let (WantedPath { index, root }, now) = (wanted, time::unix_seconds());
        let root = match root {
            Some(root) => root,
            None => self.store.root_to_prove(registry, Some(index), now).await?.root,
        };
        self.store.path(registry, root, index, now).await
    }
}

/// Returns the registry and the path that a request names. `None` if the request has no such path,
/// or if its check fails before the path is read.
fn wanted_path(circuits: &Circuits, request: &ProveRequest) -> Option<(Address, WantedPath)> {
    let (leaf, statement) = (request.registry.as_ref()?, request.statement.as_deref()?);
    circuits.find(statement, request.version, request.depth).ok()?;
    let wanted = WantedPath {
        index: leaf.index,
        root: request.public.as_ref()?.root,
    };
    Some((parse_address(&leaf.address)?.into(), wanted))
}

/// Converts an error of the store that the request caused. It names the request's field.
fn invalid_field(error: StoreError) -> Result<InvalidField, StoreError> {
    let field = match error {
        StoreError::Unknown { .. } => ADDRESS,
        StoreError::UnknownRoot { .. }
        | StoreError::RootNotValid { .. }
        | StoreError::TreeNotStored { .. } => "public.root",
        StoreError::Value(_) => "registry.index",
        _ => return Err(error),
    };
    Ok(InvalidField::new(field, error.to_string()))
}

fn invalid_field_or_error(error: StoreError) -> RequestError {
    match invalid_field(error) {
        Ok(field) => field.into(),
        Err(error) => error.into(),
    }
}
