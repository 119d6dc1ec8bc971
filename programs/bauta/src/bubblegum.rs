//! Reads the trees of Bubblegum's compressed tokens in place, and hashes their leaves.
//!
//! A test compares the readers with the types of the official client crate.
//!
//! ```text
//!   tree        owned by SPL's compression program (V1) or by Metaplex's (V2)
//!               0 type (1), 1 version of the header (0), 2 u32 B: the number of buffered changes,
//!               6 u32 D: the depth, 10 authority, 42 slot, 50 whether the tree was initialised
//!               with a root (0), 51 zeros, 56 u64, 64 u64 the last change, 72 u64 the number of
//!               changes, 80 B changes, the path of the last leaf: 40 + 32 D bytes, then the canopy
//!   change      the root after the change, the D nodes of the changed path from the leaf upwards,
//!               the index of the changed leaf (u32), 4 bytes. The changes are a ring
//!   canopy      node n is at 32 (n - 2). The root is node 1, and the children of node n are the
//!               nodes 2 n and 2 n + 1. Zero bytes mean an empty subtree
//!   TreeConfig  0 discriminator, 8 creator, 40 delegate, 72 u64, 80 u64, 88 flag, 89 flag,
//!               90 version (0 V1, 1 V2)
//!
//!   leaf        V1  keccak(1, id, owner, delegate, index u64, data hash, creator hash)
//!               V2  keccak(2, the same, collection hash, asset data hash, flags)
//!   data hash   keccak(keccak(metadata), seller fee u16)
//!
//!   addresses   TreeConfig: tree. Asset id: "asset", tree, index u64
//! ```

use crate::{
    account::find_under,
    errors::{BautaError, refused, require},
    instructions::read_bytes,
    state::Node,
    view::{AccountView, Cursor},
};
use anchor_lang::{prelude::*, pubkey};
use std::io::{self, Read};

/// The address of the Bubblegum program.
pub const BUBBLEGUM_PROGRAM: Pubkey = pubkey!("BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY");
/// The address of SPL's compression program, which owns the trees of V1.
pub const SPL_COMPRESSION_PROGRAM: Pubkey = pubkey!("cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK");
/// The address of Metaplex's compression program, which owns the trees of V2.
pub const MPL_COMPRESSION_PROGRAM: Pubkey = pubkey!("mcmt6YrQEMKw8Mw43FmpRLmf7BqRnFMKmAcbxE3xkAW");

const TREE_CONFIG_DISCRIMINATOR: [u8; 8] = [122, 245, 175, 248, 171, 34, 0, 207];
/// The position of the version in a `TreeConfig`.
const VERSION_AT: usize = 90;
/// The position of the first buffered change in a tree.
const CHANGES_AT: usize = 80;
/// The highest depth that the compression programs support.
const MAX_DEPTH: u32 = 30;
/// The largest number of changes that a proof is brought up to date with.
const MAX_CHANGES: usize = 64;

/// The contents of a leaf, as a node that indexes assets returns them.
#[derive(AnchorSerialize, Clone, PartialEq, Eq, Debug)]
pub struct CompressedLeaf {
    /// The owner.
    pub owner: Pubkey,
    /// The delegate. `None` if it is the owner.
    pub delegate: Option<Pubkey>,
    /// The metadata, or its hash.
    pub data: LeafData,
    /// The hash of the creators.
    pub creator_hash: [u8; 32],
    /// The hash of the asset data. `None` if there is none. A leaf of V1 has no such hash.
    pub asset_data_hash: Option<[u8; 32]>,
    /// The flags: 1 and 2 frozen, 4 bound to its owner. A leaf of V1 has no flags.
    pub flags: u8,
}

/// The metadata of a leaf, or its hash.
#[derive(AnchorSerialize, Clone, PartialEq, Eq, Debug)]
pub enum LeafData {
    /// The data hash.
    Hash([u8; 32]),
    /// The `MetadataArgs` of V1, in Borsh.
    Metadata(Vec<u8>),
}

impl CompressedLeaf {
    /// Flag: the delegate froze the asset.
    pub const FROZEN: u8 = 1;
    /// Flag: the freeze delegate of the Core collection froze the asset.
    pub const PERMANENTLY_FROZEN: u8 = 2;
    /// Flag: the asset is bound to its owner for ever.
    pub const NON_TRANSFERABLE: u8 = 4;

    /// Computes the node of a leaf. `core_collection` is the Core collection of a leaf of V2.
    ///
    /// # Errors
    /// `InvalidMetadata` if the metadata ends before the seller fee.
    pub fn hash(
        &self,
        version: Version,
        id: &Pubkey,
        index: u32,
        core_collection: Option<&Pubkey>,
    ) -> Result<Node> {
        let data_hash = match &self.data {
            LeafData::Hash(hash) => *hash,
            LeafData::Metadata(metadata) => {
                let fee = seller_fee(metadata).ok_or_else(|| refused(BautaError::InvalidMetadata))?;
                keccak(&[&keccak(&[metadata]), &fee])
            }
        };
        let nonce = u64::from(index).to_le_bytes();
        let collection_hash = keccak(&[core_collection.unwrap_or(&Pubkey::default()).as_ref()]);
        let asset_data_hash = self.asset_data_hash.unwrap_or_else(|| keccak(&[]));
        let parts: [&[u8]; 10] = [
            &[version as u8 + 1],
            id.as_ref(),
            self.owner.as_ref(),
            self.delegate.as_ref().unwrap_or(&self.owner).as_ref(),
            &nonce,
            &data_hash,
            &self.creator_hash,
            &collection_hash,
            &asset_data_hash,
            &[self.flags],
        ];
        Ok(keccak(match version {
            Version::V1 => &parts[..7],
            Version::V2 => &parts,
        }))
    }
}

// The code that Anchor derives formats a message for each tag and has 6 kB.
impl AnchorDeserialize for CompressedLeaf {
    fn deserialize_reader<R: Read>(reader: &mut R) -> io::Result<Self> {
        let node = |reader: &mut R| Node::deserialize_reader(reader);
        let flag = |reader: &mut R| match u8::deserialize_reader(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        };
        let optional =
            |reader: &mut R| io::Result::Ok(if flag(reader)? { Some(node(reader)?) } else { None });
        Ok(Self {
            owner: Pubkey::new_from_array(node(reader)?),
            delegate: optional(reader)?.map(Pubkey::new_from_array),
            data: if flag(reader)? {
                LeafData::Metadata(read_bytes(reader)?)
            } else {
                LeafData::Hash(node(reader)?)
            },
            creator_hash: node(reader)?,
            asset_data_hash: optional(reader)?,
            flags: u8::deserialize_reader(reader)?,
        })
    }
}

fn seller_fee(metadata: &[u8]) -> Option<[u8; 2]> {
    let mut fields = Cursor::new(metadata);
    // The name, the symbol and the URI.
    for _ in 0..3 {
        fields.skip_list(1)?;
    }
    fields.array()
}

/// The version of a tree and of its leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Collections of Token Metadata, in the metadata.
    V1,
    /// Collections of Core, in the leaf.
    V2,
}

/// Derives the id of the asset at an index of a tree.
pub fn asset_id(tree: &Pubkey, index: u32) -> Result<Pubkey> {
    let nonce = u64::from(index).to_le_bytes();
    Ok(find_under([b"asset", tree.as_ref(), &nonce], &BUBBLEGUM_PROGRAM)?.0)
}

/// A tree of Bubblegum.
#[derive(Clone, Copy, Debug)]
pub struct MerkleTree<'a> {
    /// The version of its leaves.
    pub version: Version,
    authority: Pubkey,
    depth: u32,
    /// The current root. A buffered root would admit a leaf that was sold since.
    root: &'a Node,
    /// The ring of changes.
    changes: &'a [u8],
    change_bytes: usize,
    /// The position of the last change in the ring.
    last_change: usize,
    /// The number of changes in the ring that were made.
    made: usize,
    canopy: &'a [Node],
    /// The number of levels in the canopy.
    canopy_levels: u32,
}

impl<'a> MerkleTree<'a> {
    /// Reads a tree and its `TreeConfig`. Returns `None` if the `TreeConfig` does not exist.
    /// Bubblegum closes it together with the tree, and only if the tree has no leaf.
    ///
    /// # Errors
    /// `NotABubblegumTree` if `config` is not the tree's `TreeConfig`, or Bubblegum does not
    /// control the tree. `WrongTreeProgram` if no compression program owns the tree. `InvalidTree`
    /// if the tree is malformed.
    pub fn read(tree: &AccountView<'a>, config: &AccountView<'_>) -> Result<Option<Self>> {
        let (address, _) = find_under([tree.key.as_ref(), &[], &[]], &BUBBLEGUM_PROGRAM)?;
        require!(*config.key == address, BautaError::NotABubblegumTree);
        if *config.owner != BUBBLEGUM_PROGRAM {
            return Ok(None);
        }
        let version = match *tree.owner {
            SPL_COMPRESSION_PROGRAM => Version::V1,
            MPL_COMPRESSION_PROGRAM => Version::V2,
            _ => return Err(refused(BautaError::WrongTreeProgram)),
        };
        let own = Self::parse(tree.data, version).ok_or_else(|| refused(BautaError::InvalidTree))?;
        require!(
            own.authority == address
                && config.data.starts_with(&TREE_CONFIG_DISCRIMINATOR)
                && config.data.get(VERSION_AT) == Some(&(own.version as u8)),
            BautaError::NotABubblegumTree
        );
        Ok(Some(own))
    }

    #[inline(never)]
    fn parse(data: &'a [u8], version: Version) -> Option<Self> {
        let mut fields = Cursor::new(data);
        let is_tree = fields.array()? == [1u8, 0];
        let changes = u64::from(fields.u32()?);
        let depth = fields.u32()?;
        let authority = fields.key()?;
        fields.skip(8)?;
        // A tree that was initialised with a root can have leaves that Bubblegum did not write.
        let is_empty_at_first = fields.array()? == [0u8; 6];
        fields.skip(8)?;
        let last_change = fields.u64()?;
        let made = fields.u64()?.min(changes);
        if !is_tree || !is_empty_at_first || last_change >= changes || !(1..=MAX_DEPTH).contains(&depth) {
            return None;
        }
        // 32 bits times at most 1,000 bytes fit into 64 bits.
        let change_bytes = 40 + 32 * u64::from(depth);
        let at = |changes: u64| {
            let position = changes.wrapping_mul(change_bytes).wrapping_add(CHANGES_AT as u64);
            data.get(usize::try_from(position).ok()?..)
        };
        let root = at(last_change)?.first_chunk()?;
        let (canopy, rest) = at(changes + 1)?.as_chunks();
        let nodes = canopy.len() + 2;
        // There are at least two, so the logarithm is at least 1.
        let canopy_levels = nodes.ilog2() - 1;
        (rest.is_empty() && nodes.is_power_of_two() && canopy_levels <= depth).then_some(Self {
            version,
            authority,
            depth,
            root,
            changes: &data[CHANGES_AT..],
            change_bytes: usize::try_from(change_bytes).ok()?,
            last_change: usize::try_from(last_change).ok()?,
            made: usize::try_from(made).ok()?,
            canopy,
            canopy_levels,
        })
    }

    /// Returns the number of nodes of a proof: the levels below the canopy.
    #[must_use]
    pub fn proof_length(&self) -> usize {
        (self.depth - self.canopy_levels) as usize
    }

    /// Checks that a leaf is in the tree now. `proof` has the siblings below the canopy, from the
    /// leaf upwards. It may be as old as the changes of other leaves that the tree keeps, up to 64.
    ///
    /// # Errors
    /// `WrongProofLength` if the proof does not begin at a leaf and end at the canopy.
    /// `IndexOutOfTree` if the tree has no such leaf. `StaleProof` if the proof does not lead to
    /// the current root.
    pub fn check(&self, index: u32, leaf: &Node, proof: &[Node]) -> Result<()> {
        require!(proof.len() == self.proof_length(), BautaError::WrongProofLength);
        require!(index >> self.depth == 0, BautaError::IndexOutOfTree);
        let as_given = Newer::default();
        require!(
            self.leads_to_root(index, leaf, proof, &as_given)
                || self.leads_to_root(index, leaf, proof, &self.newer(index)),
            BautaError::StaleProof
        );
        Ok(())
    }

    /// Returns the siblings of a leaf that the last changes of other leaves wrote. A changed path
    /// meets the leaf's path above the sibling.
    ///
    /// The result is only a hint, like the canopy: with wrong siblings, a proof does not lead to
    /// the current root.
    #[inline(never)]
    fn newer(&self, index: u32) -> Newer<'a> {
        let mut newer = Newer::default();
        let ring = self.changes.chunks_exact(self.change_bytes);
        // The last change is the first one here.
        let before = ring.clone().take(self.last_change + 1).rev();
        let wrapped = ring.take(self.made).skip(self.last_change + 1).rev();
        for change in before.chain(wrapped).take(self.made.min(MAX_CHANGES)) {
            let (path, of) = change[32..].split_at(32 * self.depth as usize);
            let (path, _) = path.as_chunks::<32>();
            let changed = of.first_chunk().map_or(index, |bytes| u32::from_le_bytes(*bytes));
            // The highest bit in which the indices differ. Without one, it is a change of the leaf.
            let level = (changed ^ index)
                .checked_ilog2()
                .map_or(usize::MAX, |bit| bit as usize);
            if let (Some(newest @ None), Some(node)) = (newer.0.get_mut(level), path.get(level)) {
                *newest = Some(node);
            }
        }
        newer
    }

    /// Returns whether a leaf and its siblings lead to the current root.
    fn leads_to_root(&self, index: u32, leaf: &Node, proof: &[Node], newer: &Newer<'_>) -> bool {
        let below_canopy = self.depth - self.canopy_levels;
        // The depth is at most 30.
        let mut position = (1 << self.depth) | index;
        let (mut node, mut empty, mut empty_level) = (*leaf, [0; 32], 0);
        for level in 0..self.depth {
            let sibling = match proof.get(level as usize) {
                Some(given) => newer.0[level as usize].unwrap_or(given),
                None => &self.canopy[(position ^ 1) as usize - 2],
            };
            let is_empty_subtree = level >= below_canopy && *sibling == [0; 32];
            let sibling = if is_empty_subtree {
                while empty_level < level {
                    empty = keccak(&[&empty, &empty]);
                    empty_level += 1;
                }
                &empty
            } else {
                sibling
            };
            node = if position & 1 == 0 {
                keccak(&[&node, sibling])
            } else {
                keccak(&[sibling, &node])
            };
            position >>= 1;
        }
        node == *self.root
    }
}

/// Siblings of a leaf that are newer than those of a proof, by their levels.
#[derive(Default)]
struct Newer<'a>([Option<&'a Node>; MAX_DEPTH as usize]);

/// Hashes the concatenation of the parts with Keccak-256.
#[inline(never)]
fn keccak(parts: &[&[u8]]) -> Node {
    solana_keccak_hasher::hashv(parts).to_bytes()
}
