//! Uploads of the trees of Attested registries. Their authorities keep the leaves off chain and
//! publish only roots.
//!
//! ```text
//!   body --32 bytes each--> leaves, at most MAX_UPLOADED_LEAVES --store--> the published root?
//!                                                                 yes: tiles and leaves
//! ```
//!
//! Nothing but the published root decides whether leaves are accepted. One upload runs at a time,
//! so the limit of its leaves bounds the memory.

use bauta_primitives::{FieldElement, Leaf, Root};
use bauta_service_common::Secret;
use bauta_store::{Registry, RegistryKind, Store, StoreError};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Semaphore;

use crate::{settings::UploadSettings, time::unix_seconds};

/// Connections to the database: one upload uses one at a time.
const CONNECTIONS: u32 = 2;
/// Bytes of a leaf.
const LEAF_BYTES: usize = 32;

/// Why a tree is not stored. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The service is configured without uploads.
    #[error("this service accepts no trees (UPLOAD_DATABASE_URL)")]
    Disabled,
    /// Another upload runs.
    #[error("another tree is being uploaded; retry later")]
    Busy,
    /// The trees of other registries are on chain.
    #[error("the registry is of the kind {kind}; only trees of attested registries are uploaded")]
    WrongKind {
        /// The kind of the registry.
        kind: &'static str,
    },
    /// The root is not the published one.
    #[error("{root} is not the current root of the registry: publish it first, and wait until it is indexed")]
    NotCurrent {
        /// The root of the request.
        root: Root,
    },
    /// The body has too many leaves.
    #[error("the tree has more than {max} leaves (MAX_UPLOADED_LEAVES)")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// The body ends within a leaf.
    #[error("the body has {bytes} bytes; it must have {LEAF_BYTES} bytes for each leaf")]
    PartOfLeaf {
        /// The length of the body.
        bytes: u64,
    },
    /// A leaf is not a field element.
    #[error("leaf {index} is not a field element: it must be below the modulus, big-endian")]
    InvalidLeaf {
        /// The index of the leaf.
        index: u64,
    },
    /// The body can't be read.
    #[error("the body can't be read: {0}")]
    Interrupted(String),
    /// The leaves have another root.
    #[error("the leaves give the root {computed}, and not {root}")]
    OtherRoot {
        /// The root of the leaves.
        computed: Root,
        /// The root of the request.
        root: Root,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores trees.
pub struct TreeUploads {
    store: Option<Store>,
    max_leaves: u64,
    running: Semaphore,
}

impl TreeUploads {
    /// Uses the database of the settings, if there is one. Doesn't connect.
    pub fn new(settings: &UploadSettings) -> Result<Self, StoreError> {
        let url = settings.database_url.as_ref().map(Secret::expose);
        let store = url.map(|url| Store::connect_lazily(url, CONNECTIONS));
        Ok(Self {
            store: store.transpose()?,
            max_leaves: settings.max_leaves,
            running: Semaphore::new(1),
        })
    }

    /// Stores the tree of a registry at its current root. `body` has 32 bytes for each leaf from
    /// index 0, and `announced` is its length, if the client says it. Returns the number of leaves.
    pub async fn store<B: AsRef<[u8]>, E: std::fmt::Display>(
        &self,
        registry: &Registry,
        root: Root,
        announced: Option<u64>,
        body: impl Stream<Item = Result<B, E>> + Unpin,
    ) -> Result<u64, UploadError> {
        let store = self.store.as_ref().ok_or(UploadError::Disabled)?;
        if registry.kind != RegistryKind::Attested {
            let kind = registry.kind.as_str();
            return Err(UploadError::WrongKind { kind });
        }
        let roots = store.valid_roots(registry, unix_seconds()).await?;
        if !roots
            .iter()
            .any(|known| known.root == root && known.replaced_at.is_none())
        {
            return Err(UploadError::NotCurrent { root });
        }
        let max = self.max_leaves.min(registry.depth.capacity());
        if announced.is_some_and(|bytes| bytes / LEAF_BYTES as u64 > max) {
            return Err(UploadError::TooLarge { max });
        }
        let _permit = self.running.try_acquire().map_err(|_| UploadError::Busy)?;
        let leaves = read_leaves(body, max).await?;
        let count = leaves.len() as u64;
        match store.import_tree(registry, leaves).await {
            Ok(_) => Ok(count),
            Err(StoreError::RootMismatch { computed, .. }) => Err(UploadError::OtherRoot { computed, root }),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads leaves. Fails as soon as there are more than `max`.
async fn read_leaves<B: AsRef<[u8]>, E: std::fmt::Display>(
    mut body: impl Stream<Item = Result<B, E>> + Unpin,
    max: u64,
) -> Result<Vec<Leaf>, UploadError> {
    let (mut leaves, mut bytes) = (Vec::new(), 0_u64);
    let (mut part, mut filled) = ([0; LEAF_BYTES], 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| UploadError::Interrupted(error.to_string()))?;
        let mut rest = chunk.as_ref();
        bytes += rest.len() as u64;
        while !rest.is_empty() {
            let taken = rest.len().min(LEAF_BYTES - filled);
            let (now, later) = rest.split_at(taken);
            part[filled..filled + taken].copy_from_slice(now);
            (rest, filled) = (later, filled + taken);
            if filled < LEAF_BYTES {
                break;
            }
            filled = 0;
            let index = leaves.len() as u64;
            if index >= max {
                return Err(UploadError::TooLarge { max });
            }
            let leaf = FieldElement::from_bytes("leaf", part);
            leaves.push(Leaf::new(leaf.map_err(|_| UploadError::InvalidLeaf { index })?));
        }
    }
    if filled > 0 {
        return Err(UploadError::PartOfLeaf { bytes });
    }
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read(chunks: &[&[u8]], max: u64) -> Result<Vec<Leaf>, UploadError> {
        let body = stream::iter(chunks.iter().map(|chunk| Ok::<_, UploadError>(*chunk)));
        read_leaves(body, max).await
    }

    #[tokio::test]
    async fn leaves_are_the_same_whatever_the_chunks_are() {
        let leaves: Vec<Leaf> = (1..=5)
            .map(|number| Leaf::new(FieldElement::from_u64(number)))
            .collect();
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.to_bytes()).collect();
        for size in [1, 31, 32, 33, 64, 100, 160] {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(read(&chunks, 5).await.unwrap(), leaves, "{size}");
        }
        assert_eq!(read(&[], 0).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_body_with_too_many_leaves_a_part_of_a_leaf_or_an_invalid_leaf_is_refused() {
        let zeros = [0; 64];
        assert!(matches!(
            read(&[&zeros], 1).await,
            Err(UploadError::TooLarge { max: 1 })
        ));
        let part = read(&[&zeros[..33]], 2).await;
        assert!(matches!(part, Err(UploadError::PartOfLeaf { bytes: 33 })));
        let modulus_or_more = [&zeros[..32], &[0xff; 32]].concat();
        let invalid = read(&[&modulus_or_more], 2).await;
        assert!(matches!(invalid, Err(UploadError::InvalidLeaf { index: 1 })));
    }
}
