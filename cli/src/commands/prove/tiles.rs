//! Paths from tiles: only the part of the tree above the member's leaf is read.
//!
//! ```text
//!   holdings by prefix, or --index ──> index of the leaf
//!   API: one tile after the other, each with its hash ┐
//!   database: one statement                           ┴──> leaf and path at a root of the program
//! ```
//!
//! The path is right if it leads to the root. The command computes the root again.

use anyhow::{Context as _, Result, ensure};
use bauta::state::Registry;
use bauta_client::root_to_prove;
use bauta_http::{Api, HttpError, PageOf};
use bauta_primitives::{
    Leaf, Root,
    tree::{Depth, MembershipPath},
};
use bauta_store::{Store, StoreError};
use solana_address::Address;

use crate::failure::{Failure, Kind};

/// The largest number of pages of holdings that are read. A page has up to 1,024.
const MAX_PAGES: usize = 64;
/// The largest number of roots that are tried in a scope of mode live.
const MAX_ROOTS: usize = 8;

/// A service or a database that serves tiles.
pub enum Tiles {
    Api(Box<Api>),
    Database(Store),
}

/// Where a member's leaf is, as an asset was registered.
pub struct Place {
    pub index: u64,
    pub track: u64,
}

/// A leaf at a root, with its path.
pub struct Found {
    pub root: Root,
    pub leaf: Leaf,
    pub path: MembershipPath,
}

impl Tiles {
    /// Uses an API. Does not connect.
    pub fn of_api(url: &str) -> Result<Self> {
        Ok(Self::Api(Box::new(
            Api::new(url).map_err(|error| of_api(&error))?,
        )))
    }

    /// Connects to a database, and checks its schema.
    pub async fn of_database(url: &str) -> Result<Self> {
        let store = Store::connect(url, 1)
            .await
            .map_err(|error| of_database(&error))?;
        store.check_schema().await.map_err(|error| of_database(&error))?;
        Ok(Self::Database(store))
    }

    /// Returns the index and the track of a registered asset. `None` if it is not registered.
    pub async fn place(&self, registry: &Address, asset: &Address) -> Result<Option<Place>> {
        match self {
            Self::Api(api) => holding(api, registry, asset).await,
            Self::Database(store) => {
                let registry = store
                    .registry(*registry)
                    .await
                    .map_err(|error| of_database(&error))?;
                let found = store
                    .holding(&registry, *asset)
                    .await
                    .map_err(|error| of_database(&error))?;
                Ok(found.filter(|holding| holding.live).map(|holding| Place {
                    index: holding.index.get(),
                    track: holding.track,
                }))
            }
        }
    }

    /// Returns a leaf and its path at a root.
    async fn path(
        &self,
        registry: &Address,
        root: Root,
        depth: Depth,
        index: u64,
        now: i64,
    ) -> Result<(Leaf, MembershipPath)> {
        match self {
            Self::Api(api) => api
                .path_by_tiles(root, depth, index)
                .await
                .map_err(|error| of_api(&error)),
            Self::Database(store) => {
                let stored = store
                    .registry(*registry)
                    .await
                    .map_err(|error| of_database(&error))?;
                let found = store
                    .path(&stored, root, index, now)
                    .await
                    .map_err(|error| of_database(&error))?;
                // The database is not trusted with the integrity of the tree.
                ensure!(
                    found.path.root(found.leaf) == root,
                    Failure::new(
                        Kind::Node,
                        format!("the path of the database does not lead to the root {root}")
                    )
                    .next("check the database with `bauta-indexer check`, or use another source")
                );
                Ok((found.leaf, found.path))
            }
        }
    }

    /// Finds one of the leaves at an index: at the root of a snapshot, or at a root that the registry
    /// accepts. `None` if no tried root has one of them there.
    pub async fn find(
        &self,
        address: &Address,
        (registry, snapshot): (&Registry, Option<Root>),
        (index, leaves): (u64, &[Leaf]),
        now: i64,
    ) -> Result<Option<Found>> {
        let depth = Depth::try_from(registry.depth)?;
        let mut tried: Vec<Root> = Vec::new();
        while tried.len() < MAX_ROOTS {
            let next = match snapshot {
                Some(root) => (!tried.contains(&root)).then_some(root),
                None => root_to_prove(registry, now, |root| !tried.contains(&root))?,
            };
            let Some(root) = next else {
                break;
            };
            let (leaf, path) = self.path(address, root, depth, index, now).await?;
            if leaves.contains(&leaf) {
                return Ok(Some(Found { root, leaf, path }));
            }
            tried.push(root);
        }
        Ok(None)
    }
}

/// Finds the holding of an asset among those whose mints begin with the same bits.
async fn holding(api: &Api, registry: &Address, asset: &Address) -> Result<Option<Place>> {
    let first = PageOf {
        limit: Some(1),
        cursor: None,
    };
    let bits = api
        .holdings(registry, None, &first)
        .await
        .map_err(|error| of_api(&error))?
        .prefix_bits;
    let prefix = prefix(asset, bits);
    let mut page = PageOf::default();
    for _ in 0..MAX_PAGES {
        let found = api
            .holdings(registry, Some(&prefix), &page)
            .await
            .map_err(|error| of_api(&error))?;
        let text = asset.to_string();
        if let Some(holding) = found.data.iter().find(|holding| holding.asset == text) {
            return place(holding).with_context(|| format!("{} sent a holding of another form", api.host()));
        }
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(None),
        }
    }
    anyhow::bail!("{} sends more than {MAX_PAGES} pages of holdings", api.host())
}

fn place(holding: &bauta_http::wire::api::HoldingDocument) -> Result<Option<Place>> {
    if !holding.live {
        return Ok(None);
    }
    Ok(Some(Place {
        index: holding.index.parse().context("index")?,
        track: holding.track.parse().context("track")?,
    }))
}

/// Returns the first bits of an address as a prefix: hexadecimal digits, with zeros for unused bits,
/// and the number of bits.
fn prefix(address: &Address, bits: u8) -> String {
    let bits = bits.min(32);
    let [a, b, c, d, ..] = address.to_bytes();
    let unused = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
    let start = u32::from_be_bytes([a, b, c, d]) & !unused;
    let digits = format!("{start:08x}");
    format!("{}/{bits}", &digits[..usize::from(bits.div_ceil(4))])
}

fn of_api(error: &HttpError) -> anyhow::Error {
    Failure::new(Kind::Node, error.to_string())
        .next("check that the service serves this cluster and has followed it, or rebuild the tree without --tiles")
        .into()
}

fn of_database(error: &StoreError) -> anyhow::Error {
    Failure::new(Kind::Node, format!("the database: {error}"))
        .next("check --database, and that the indexer has followed the chain to the registry's root")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_only_the_first_bits() {
        let address = Address::new_from_array([0xa4; 32]);
        for (bits, expected) in [
            (0, "/0"),
            (1, "8/1"),
            (4, "a/4"),
            (6, "a4/6"),
            (11, "a4a/11"),
            (12, "a4a/12"),
            (32, "a4a4a4a4/32"),
            (60, "a4a4a4a4/32"),
        ] {
            assert_eq!(prefix(&address, bits), expected);
        }
    }
}
