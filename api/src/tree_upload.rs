//! Uploads of the trees of Attested registries. Their authorities keep the leaves off chain and
//! publish only roots.
//!
//! ```text
//!   body --32 bytes each--> leaves, at most MAX_UPLOADED_LEAVES --store--> the published root?
//!                                                                 yes: tiles and leaves
//! ```
//!
//! The roots of recently refused leaves are kept, so that the same leaves are not hashed again.
//!
//! Nothing but the published root decides whether leaves are accepted. Few bodies are read at a
//! time, one for each client. One tree is hashed and stored at a time, even after its client has
//! disconnected. So the limit of leaves bounds the memory.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bauta_primitives::{FieldElement, Leaf, Root, tree::Depth};
use bauta_service_common::{HttpSettings, Secret, Streams};
use bauta_store::{Registry, RegistryKind, Store, StoreError};
use futures_util::{Stream, StreamExt as _};
use solana_address::Address;
use tokio::{sync::Semaphore, time::Instant};

use crate::{metrics, settings::UploadSettings, time::unix_seconds, upload_authority::UploadAuthority};

/// Connections to the database: one upload uses one at a time.
const CONNECTIONS: u32 = 2;
/// Bytes of a leaf.
const LEAF_BYTES: usize = 32;
/// Largest number of bodies that are read at a time, and of those of one client.
const MAX_BODIES: usize = 4;
const MAX_BODIES_OF_CLIENT: usize = 1;
/// Largest number of refused trees whose roots are kept.
const MAX_REFUSED: usize = 256;

/// Why a tree is not stored. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The service is configured without uploads.
    #[error("this service accepts no trees (UPLOAD_DATABASE_URL)")]
    Disabled,
    /// Other uploads run.
    #[error(
        "too many trees are being uploaded (limit {MAX_BODIES_OF_CLIENT} for each API key, and {MAX_BODIES} in all); \
         retry later"
    )]
    Busy,
    /// The body arrives too slowly.
    #[error(
        "the body didn't arrive in time: the limit is {} ms for each pause (CLIENT_TIMEOUT_MS), and {} ms in all (half \
         of REQUEST_TIMEOUT_MS)", .0.pause.as_millis(), .0.total.as_millis()
    )]
    Slow(BodyTimeouts),
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
    Interrupted(#[source] Box<dyn Error + Send + Sync>),
    /// The leaves have another root.
    #[error("the leaves give the root {computed}, and not {root}")]
    OtherRoot {
        /// The root of the leaves.
        computed: Root,
        /// The root of the request.
        root: Root,
    },
    /// The task that stores the tree panicked.
    #[error("the tree was not stored")]
    Stopped,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How long a body may take.
#[derive(Debug, Clone, Copy)]
pub struct BodyTimeouts {
    /// The longest time without a byte.
    pause: Duration,
    /// The longest time for all bytes. The rest of the request's time is for storing the tree.
    total: Duration,
}

/// A tree that is stored.
pub struct StoredTree {
    /// The root. If the authority has published the next root during the upload, and the leaves
    /// give that one, it differs from that of the request.
    pub root: Root,
    /// The number of leaves, as uploaded.
    pub leaves: u64,
}

/// Stores trees.
pub struct TreeUploads {
    store: Option<Store>,
    max_leaves: u64,
    authorities: Vec<UploadAuthority>,
    timeouts: BodyTimeouts,
    bodies: Streams,
    storing: Arc<Semaphore>,
    refused: Refused,
}

/// The leaves of a body.
struct Body {
    leaves: Vec<Leaf>,
    /// A hash of the leaves. It takes milliseconds, and the root takes seconds.
    digest: blake3::Hash,
}

/// The roots of trees that were refused, the newest last.
#[derive(Default)]
struct Refused(Mutex<VecDeque<(Depth, blake3::Hash, Root)>>);

impl Refused {
    /// Returns the root of leaves that were refused before.
    fn root(&self, depth: Depth, digest: blake3::Hash) -> Option<Root> {
        let trees = self.trees();
        let tree = trees.iter().find(|tree| (tree.0, tree.1) == (depth, digest));
        tree.map(|(_, _, root)| *root)
    }

    fn add(&self, depth: Depth, digest: blake3::Hash, root: Root) {
        let mut trees = self.trees();
        if trees.len() >= MAX_REFUSED {
            trees.pop_front();
        }
        trees.push_back((depth, digest, root));
    }

    fn trees(&self) -> MutexGuard<'_, VecDeque<(Depth, blake3::Hash, Root)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TreeUploads {
    /// Uses the database of the settings, if there is one. Doesn't connect.
    pub fn new(settings: &UploadSettings, http: &HttpSettings) -> Result<Self, StoreError> {
        let url = settings.database_url.as_ref().map(Secret::expose);
        let store = url.map(|url| Store::connect_lazily(url, CONNECTIONS));
        Ok(Self {
            store: store.transpose()?,
            max_leaves: settings.max_leaves,
            authorities: settings.authorities.clone(),
            timeouts: BodyTimeouts {
                pause: Duration::from_millis(http.client_timeout_ms),
                total: Duration::from_millis(http.request_timeout_ms / 2),
            },
            bodies: Streams::new(MAX_BODIES_OF_CLIENT, MAX_BODIES),
            storing: Arc::new(Semaphore::new(1)),
            refused: Refused::default(),
        })
    }

    /// Returns whether a wallet may upload the trees of its registries.
    pub fn accepts_wallet(&self, authority: &Address) -> bool {
        self.authorities.contains(&UploadAuthority::new(*authority))
    }

    /// Stores the tree of a registry at its current root, for the owner of an API key. `body` has
    /// 32 bytes for each leaf from index 0, and `announced` is its length, if the client sends it.
    pub async fn store<B: AsRef<[u8]>, E: Error + Send + Sync + 'static>(
        &self,
        owner: &str,
        registry: &Registry,
        root: Root,
        announced: Option<u64>,
        body: impl Stream<Item = Result<B, E>> + Unpin,
    ) -> Result<StoredTree, UploadError> {
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
        // A repeated upload must not be hashed again.
        if let Some(leaves) = store.stored_leaf_count(registry, root).await? {
            metrics::record_upload("known");
            return Ok(StoredTree { root, leaves });
        }
        let max = self.max_leaves.min(registry.depth.capacity());
        if announced.is_some_and(|bytes| bytes / LEAF_BYTES as u64 > max) {
            return Err(UploadError::TooLarge { max });
        }
        let body_guard = self.bodies.open(owner).map_err(|_| UploadError::Busy)?;
        let Body { leaves, digest } = read_leaves(body, max, self.timeouts).await?;
        let (count, depth) = (leaves.len() as u64, registry.depth);
        if let Some(computed) = self.refused.root(depth, digest)
            && computed != root
        {
            metrics::record_upload("refused_again");
            return Err(UploadError::OtherRoot { computed, root });
        }
        // The semaphore is never closed.
        let storing = self.storing.clone().acquire_owned().await;
        // Another client may have uploaded the tree meanwhile.
        if let Some(leaves) = store.stored_leaf_count(registry, root).await? {
            metrics::record_upload("known");
            return Ok(StoredTree { root, leaves });
        }
        let (store, registry) = (store.clone(), registry.clone());
        // A task of its own: it holds what it counts for until it has ended, even if the client
        // disconnects meanwhile.
        let import = tokio::spawn(async move {
            let _guards = (body_guard, storing);
            store.import_tree(&registry, leaves).await
        });
        let stored = import.await.map_err(|_| UploadError::Stopped)?;
        if let Err(StoreError::RootMismatch { computed, .. }) = &stored {
            metrics::record_upload("refused");
            self.refused.add(depth, digest, *computed);
        }
        match stored {
            Ok(root) => {
                metrics::record_upload("stored");
                Ok(StoredTree { root, leaves: count })
            }
            // The root was replaced during the upload.
            Err(StoreError::RootMismatch { computed, .. }) if computed == root => {
                Err(UploadError::NotCurrent { root })
            }
            Err(StoreError::RootMismatch { computed, .. }) => Err(UploadError::OtherRoot { computed, root }),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads leaves. Fails as soon as there are more than `max`, or if they arrive too slowly.
async fn read_leaves<B: AsRef<[u8]>, E: Error + Send + Sync + 'static>(
    mut body: impl Stream<Item = Result<B, E>> + Unpin,
    max: u64,
    timeouts: BodyTimeouts,
) -> Result<Body, UploadError> {
    let (mut leaves, mut bytes, mut hasher) = (Vec::new(), 0_u64, blake3::Hasher::new());
    let (mut part, mut filled) = ([0; LEAF_BYTES], 0);
    let end = Instant::now() + timeouts.total;
    loop {
        let deadline = end.min(Instant::now() + timeouts.pause);
        let chunk = tokio::time::timeout_at(deadline, body.next()).await;
        let Some(chunk) = chunk.map_err(|_| UploadError::Slow(timeouts))? else {
            break;
        };
        let chunk = chunk.map_err(|error| UploadError::Interrupted(Box::new(error)))?;
        let mut rest = chunk.as_ref();
        bytes += rest.len() as u64;
        hasher.update(rest);
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
    let digest = hasher.finalize();
    Ok(Body { leaves, digest })
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const PATIENT: BodyTimeouts = BodyTimeouts {
        pause: Duration::from_mins(10),
        total: Duration::from_mins(10),
    };

    async fn read(chunks: &[&[u8]], max: u64) -> Result<Vec<Leaf>, UploadError> {
        let body = stream::iter(chunks.iter().map(|chunk| Ok::<_, UploadError>(*chunk)));
        let body = read_leaves(body, max, PATIENT).await?;
        // The digest does not depend on the chunks either.
        assert_eq!(body.digest, blake3::hash(&chunks.concat()));
        Ok(body.leaves)
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

    #[test]
    fn the_roots_of_refused_trees_are_kept_for_their_depth_and_their_number_is_bounded() {
        let (refused, root) = (Refused::default(), Root::new(FieldElement::from_u64(1)));
        let digest = |number: usize| blake3::hash(&number.to_be_bytes());
        for number in 0..=MAX_REFUSED {
            refused.add(Depth::Ten, digest(number), root);
        }
        assert_eq!(refused.root(Depth::Ten, digest(0)), None);
        assert_eq!(refused.root(Depth::Ten, digest(1)), Some(root));
        assert_eq!(refused.root(Depth::Sixteen, digest(1)), None);
    }

    #[tokio::test]
    async fn a_body_that_pauses_or_trickles_is_refused() {
        let read = async |pause: Duration, body: stream::BoxStream<'static, Result<[u8; 1], UploadError>>| {
            let timeouts = BodyTimeouts {
                pause,
                total: Duration::from_millis(20),
            };
            let slow = read_leaves(body, u64::MAX, timeouts).await;
            assert!(matches!(slow, Err(UploadError::Slow(_))), "{pause:?}");
        };
        read(Duration::from_millis(1), stream::pending().boxed()).await;
        let trickle = stream::repeat(()).then(|()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok([0])
        });
        read(Duration::from_mins(1), trickle.boxed()).await;
    }
}
