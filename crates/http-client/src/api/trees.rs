//! The leaves of trees, and paths by tiles.

use bauta_primitives::{
    FieldElement, Leaf, Root,
    tree::{Depth, MembershipPath},
};
use bauta_wire::api::{MAX_TILES, StoredTreeDocument, TileRequest};
use solana_address::Address;

use super::Api;
use crate::{
    HttpError, Tile,
    tiles::{Descent, MAX_TILE_BYTES},
    transport::Request,
};

/// The longest list of leaves in bytes: 1,048,576 leaves.
const MAX_LEAVES_BYTES: usize = 32 << 20;

impl Api {
    /// Returns the leaves of the tree with a root, from index 0 on, without the empty ones at the
    /// end. The caller computes the root again, for example with
    /// [`ReferenceTree`](bauta_client::ReferenceTree).
    pub async fn leaves(&self, registry: &Address, root: Root) -> Result<Vec<Leaf>, HttpError> {
        let request = Request::get(leaves_path(registry, root)).limit(MAX_LEAVES_BYTES);
        let bytes = self.0.send(&request).await?.body;
        let (leaves, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            let reason = format!("{} bytes of leaves, which are not 32 for each", bytes.len());
            return Err(self.0.malformed(reason));
        }
        let leaves = leaves.iter().map(|leaf| Leaf::from_bytes(*leaf));
        let leaves: Result<_, _> = leaves.collect();
        leaves.map_err(|error| self.0.malformed(error.to_string()))
    }

    /// Stores the leaves of the current root of an attested registry, from index 0 on. Needs a key
    /// with the permission `trees`.
    pub async fn store_leaves(
        &self,
        registry: &Address,
        root: Root,
        leaves: &[Leaf],
    ) -> Result<StoredTreeDocument, HttpError> {
        let octets = leaves.iter().flat_map(|leaf| leaf.to_bytes()).collect();
        let request = Request::put(leaves_path(registry, root), octets).keyed();
        self.0.document(&request).await
    }

    /// Returns a tile by its hash, which is computed again.
    pub async fn tile(&self, hash: FieldElement) -> Result<Tile, HttpError> {
        let request = Request::get(format!("v1/tiles/{hash}")).limit(MAX_TILE_BYTES);
        let bytes = self.0.send(&request).await?.body;
        Tile::decode(&bytes, hash).map_err(|reason| self.0.malformed(reason))
    }

    /// Returns tiles by their hashes, which are computed again. `None` for a tile that is not
    /// stored.
    pub async fn tiles(&self, hashes: &[FieldElement]) -> Result<Vec<Option<Tile>>, HttpError> {
        if !(1..=MAX_TILES).contains(&hashes.len()) {
            return Err(HttpError::InvalidParameter {
                parameter: "hashes",
                rule: "must have 1 to 64 elements",
            });
        }
        let body = TileRequest {
            hashes: hashes.iter().map(ToString::to_string).collect(),
        };
        let limit = hashes.len() * (2 + MAX_TILE_BYTES);
        let request = Request::post("v1/tiles", &body)?.limit(limit);
        let bytes = self.0.send(&request).await?.body;
        let (mut rest, mut tiles) = (bytes.as_slice(), Vec::with_capacity(hashes.len()));
        for hash in hashes {
            let length = rest.split_off(..2).and_then(|length| length.try_into().ok());
            let length = length.map_or(usize::MAX, |length| u16::from_be_bytes(length).into());
            let Some(tile) = rest.split_off(..length) else {
                return Err(self.0.malformed("the list of tiles ends too early"));
            };
            let tile = (!tile.is_empty()).then(|| Tile::decode(tile, *hash)).transpose();
            tiles.push(tile.map_err(|reason| self.0.malformed(reason))?);
        }
        if !rest.is_empty() {
            return Err(self.0.malformed("the list of tiles has further bytes"));
        }
        Ok(tiles)
    }

    /// Returns a leaf and its path to a root, read in tiles. The service learns that the client
    /// needs one of 256 leaves. Each tile is checked, so the path leads to `root`.
    pub async fn path_by_tiles(
        &self,
        root: Root,
        depth: Depth,
        index: u64,
    ) -> Result<(Leaf, MembershipPath), HttpError> {
        let mut descent = Descent::new(root, depth, index)?;
        while let Some(hash) = descent.wanted() {
            let tile = self.tile(hash).await?;
            descent.add(&tile).map_err(|reason| self.0.malformed(reason))?;
        }
        descent.finish().map_err(|reason| self.0.malformed(reason))
    }
}

fn leaves_path(registry: &Address, root: Root) -> String {
    format!("v1/registries/{registry}/roots/{root}/leaves")
}
