//! Compressed assets of Bubblegum.
//!
//! Bubblegum and the compression programs do not run here: their accounts are written into the
//! chain. The official crates encode them, hash the leaves and compute the roots. Proofs and
//! canopies are computed from all leaves. In `cargo xtask drill collections`, the real compression
//! programs make the same changes, and each tree that is written has the bytes of theirs.

use bauta::bubblegum::{
    BUBBLEGUM_PROGRAM, CompressedLeaf, LeafData, MPL_COMPRESSION_PROGRAM, SPL_COMPRESSION_PROGRAM, Version,
};
use bauta_client::addresses;
use bauta_client::instructions::{self, OnChainPath, StagePath};
use bauta_primitives::{Commitment, FieldElement, Leaf};
use mpl_account_compression::ConcurrentMerkleTree;
use mpl_account_compression::concurrent_tree_wrapper::SetLeafArgs;
use mpl_account_compression::state::{CONCURRENT_MERKLE_TREE_HEADER_SIZE_V1, ConcurrentMerkleTreeHeader};
use mpl_bubblegum::accounts::TreeConfig;
use mpl_bubblegum::hash::{hash_collection_option, hash_metadata};
use mpl_bubblegum::types::{
    Collection, DecompressibleState, LeafSchema, MetadataArgs, TokenProgramVersion, TokenStandard,
    Version as SchemaVersion,
};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::real_trees::RealTree;
use crate::{Member, Nft, Receipt, Refusal, TestChain, TestRegistry};

/// A node of a tree.
type Node = [u8; 32];

/// The slot in which every tree is created.
const CREATION_SLOT: u64 = 7;

const ENCODED: &str = "writing to memory succeeds";

/// A tree of Bubblegum. It has no leaves at first.
pub struct CompressedTree {
    /// The version of its leaves.
    pub version: Version,
    /// The address of the Merkle tree account.
    pub address: Address,
    depth: u32,
    canopy_levels: u32,
    leaves: Vec<Node>,
    /// The canopy's nodes, from node 2 onwards.
    canopy: Vec<Node>,
    state: Box<dyn State>,
    header: Vec<u8>,
    /// The same tree of the real compression program, in the drill.
    real: Option<RealTree>,
}

/// The part of a tree account between the header and the canopy.
trait State {
    fn append(&mut self, leaf: Node);
    fn bytes(&self) -> Vec<u8>;
    fn set(&mut self, index: u32, old: Node, new: Node, proof: Vec<Node>);
}

impl<const DEPTH: usize, const BUFFER: usize> State for ConcurrentMerkleTree<DEPTH, BUFFER> {
    fn append(&mut self, leaf: Node) {
        self.append(leaf).expect("the tree has space");
    }

    fn bytes(&self) -> Vec<u8> {
        bytemuck::bytes_of(self).to_vec()
    }

    fn set(&mut self, index: u32, old: Node, new: Node, proof: Vec<Node>) {
        let args = SetLeafArgs {
            current_root: self.get_root(),
            previous_leaf: old,
            new_leaf: new,
            proof_vec: proof,
            index,
        };
        self.set_leaf(&args).expect("the proof is current");
    }
}

/// A compressed asset.
pub struct CompressedNft {
    /// The id of the asset: an address derived from the tree and the nonce.
    pub id: Address,
    /// The index of the leaf in its tree.
    pub index: u32,
    /// The contents of the leaf.
    pub leaf: CompressedLeaf,
    /// The Core collection of a leaf of V2, if it has one.
    pub core_collection: Option<Address>,
    /// The keypair of the owner.
    pub owner: Keypair,
}

impl Clone for CompressedNft {
    fn clone(&self) -> Self {
        Self {
            owner: self.owner.insecure_clone(),
            leaf: self.leaf.clone(),
            ..*self
        }
    }
}

impl CompressedNft {
    /// Returns the asset as a token whose mint is the asset's id.
    #[must_use]
    pub fn as_token(&self) -> Nft {
        Nft {
            mint: self.id,
            account: self.id,
            owner: self.owner.insecure_clone(),
            program: BUBBLEGUM_PROGRAM,
            token_metadata: instructions::TokenMetadataAccounts::default(),
        }
    }

    /// Returns the asset after a transfer. The leaf has no delegate then.
    #[must_use]
    pub fn sold_to(&self, buyer: &Keypair) -> Self {
        let mut sold = self.clone();
        sold.owner = buyer.insecure_clone();
        sold.leaf.owner = buyer.pubkey();
        sold.leaf.delegate = None;
        sold
    }

    /// Returns the asset with its data hash in place of its metadata.
    ///
    /// # Panics
    /// If the metadata is malformed.
    #[must_use]
    pub fn hashed(&self) -> Self {
        let mut hashed = self.clone();
        hashed.leaf.data = LeafData::Hash(data_hash(&self.leaf.data));
        hashed
    }

    /// Returns the asset's position in its tree, with a proof.
    #[must_use]
    pub fn place(&self, tree: &Address, proof: Vec<Node>) -> instructions::CompressedTreeLeaf {
        instructions::CompressedTreeLeaf {
            merkle_tree: *tree,
            core_collection: self.core_collection,
            index: self.index,
            proof,
        }
    }

    /// Hashes the leaf with the official client crate.
    fn node(&self, version: Version) -> Node {
        let leaf = &self.leaf;
        let [id, owner, delegate] = [self.id, leaf.owner, leaf.delegate.unwrap_or(leaf.owner)]
            .map(|address| address.to_bytes().into());
        let (nonce, data_hash) = (u64::from(self.index), data_hash(&leaf.data));
        let creator_hash = leaf.creator_hash;
        let schema = match version {
            Version::V1 => LeafSchema::V1 {
                id,
                owner,
                delegate,
                nonce,
                data_hash,
                creator_hash,
            },
            Version::V2 => LeafSchema::V2 {
                id,
                owner,
                delegate,
                nonce,
                data_hash,
                creator_hash,
                collection_hash: hash_collection_option(
                    self.core_collection.map(|address| address.to_bytes().into()),
                )
                .expect(ENCODED),
                asset_data_hash: leaf
                    .asset_data_hash
                    .unwrap_or(mpl_bubblegum::hash::DEFAULT_ASSET_DATA_HASH),
                flags: leaf.flags,
            },
        };
        schema.hash()
    }
}

fn data_hash(data: &LeafData) -> Node {
    match data {
        LeafData::Hash(hash) => *hash,
        LeafData::Metadata(bytes) => {
            let metadata: MetadataArgs = borsh::from_slice(bytes).expect("the metadata is well-formed");
            hash_metadata(&metadata).expect(ENCODED)
        }
    }
}

/// Returns the metadata of an asset of V1, which names a collection and says whether the membership
/// is verified.
///
/// # Panics
/// Never, because writing to memory succeeds.
#[must_use]
pub fn compressed_metadata(collection: Option<(Address, bool)>) -> Vec<u8> {
    let metadata = MetadataArgs {
        name: "Compressed".into(),
        symbol: "C".into(),
        uri: "https://example.com/compressed.json".into(),
        seller_fee_basis_points: 500,
        primary_sale_happened: false,
        is_mutable: true,
        edition_nonce: Some(0),
        token_standard: Some(TokenStandard::NonFungible),
        collection: collection.map(|(key, verified)| Collection {
            verified,
            key: key.to_bytes().into(),
        }),
        uses: None,
        token_program_version: TokenProgramVersion::Original,
        creators: vec![],
    };
    borsh::to_vec(&metadata).expect(ENCODED)
}

impl CompressedTree {
    /// Returns the number of nodes of a proof.
    #[must_use]
    pub fn proof_length(&self) -> usize {
        (self.depth - self.canopy_levels) as usize
    }

    /// Returns the siblings of a leaf below the canopy.
    #[must_use]
    pub fn proof(&self, index: u32) -> Vec<Node> {
        let mut proof = self.whole_proof(index);
        proof.truncate(self.proof_length());
        proof
    }

    /// Returns all siblings of a leaf, with those in the canopy.
    #[must_use]
    pub fn whole_proof(&self, index: u32) -> Vec<Node> {
        (0..self.depth)
            .map(|level| self.node(level, (index >> level) ^ 1))
            .collect()
    }

    /// Returns the hash of a leaf.
    #[must_use]
    pub fn leaf(&self, index: u32) -> [u8; 32] {
        self.leaves[index as usize]
    }

    /// Computes the root from all leaves.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.node(self.depth, 0)
    }

    /// Computes a node from all leaves.
    fn node(&self, level: u32, position: u32) -> Node {
        let first = u64::from(position) << level;
        if first >= self.leaves.len() as u64 {
            return empty_node(level);
        }
        match level.checked_sub(1) {
            None => self.leaves[position as usize],
            Some(below) => parent(
                &self.node(below, 2 * position),
                &self.node(below, 2 * position + 1),
            ),
        }
    }

    /// Updates the nodes of the canopy above a leaf, as the compression programs do.
    fn update_canopy(&mut self, index: u32) {
        for level in self.depth - self.canopy_levels..self.depth {
            let position = index >> level;
            let number = (1 << (self.depth - level)) | position;
            self.canopy[number as usize - 2] = self.node(level, position);
        }
    }

    /// Sets a leaf. `None` empties it.
    pub fn set(&mut self, index: u32, nft: Option<&CompressedNft>) {
        let new = nft.map_or([0; 32], |nft| nft.node(self.version));
        self.set_node(index, new);
    }

    /// Sets a leaf to any node.
    pub fn set_node(&mut self, index: u32, new: Node) {
        let (old, proof) = (self.leaves[index as usize], self.whole_proof(index));
        let (root, below_canopy) = (self.root(), self.proof(index));
        if let Some(real) = &mut self.real {
            real.replace(root, index, [old, new], &below_canopy);
        }
        self.state.set(index, old, new, proof);
        self.leaves[index as usize] = new;
        self.update_canopy(index);
    }

    /// Appends the leaf of an asset. Returns the asset with its id and its index.
    pub fn append(&mut self, spec: CompressedNft) -> CompressedNft {
        let index = u32::try_from(self.leaves.len()).expect("the tree is small");
        let nft = CompressedNft {
            id: addresses::compressed_asset(&self.address, index).address,
            index,
            ..spec
        };
        let node = nft.node(self.version);
        if let Some(real) = &mut self.real {
            real.append(node);
        }
        self.state.append(node);
        self.leaves.push(node);
        self.update_canopy(index);
        nft
    }

    /// Returns the data of the account.
    ///
    /// # Panics
    /// In the drill, if the real compression program wrote other data.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let data = [self.header.clone(), self.state.bytes(), self.canopy.concat()].concat();
        if let Some(real) = &self.real {
            let first = real.data().iter().zip(&data).position(|(real, own)| real != own);
            assert_eq!(first, None, "the real program wrote another byte here");
            assert_eq!(real.data().len(), data.len());
        }
        data
    }
}

/// Returns the addresses of an instruction that a lookup table of the registry, its collections and
/// its trees has: all but those of the signers, the asset's holding and the program.
#[must_use]
pub fn lookups(instruction: &Instruction, holder: &Address) -> Vec<Address> {
    let is_listed = |address: &Address| *address != bauta::ID && address != holder;
    let holding = if instruction.accounts.len() > 10 { 8 } else { 2 };
    let metas = instruction.accounts.iter().enumerate();
    let metas = metas.filter(|(i, meta)| *i != holding && !meta.is_signer && is_listed(&meta.pubkey));
    let mut listed: Vec<Address> = metas.map(|(_, meta)| meta.pubkey).collect();
    listed.sort();
    listed.dedup();
    listed
}

fn parent(left: &Node, right: &Node) -> Node {
    solana_keccak_hasher::hashv(&[left, right]).to_bytes()
}

fn empty_node(level: u32) -> Node {
    (0..level).fold([0; 32], |node, _| parent(&node, &node))
}

/// Returns the state of an empty tree.
fn empty_state(depth: u32) -> (u32, Box<dyn State>) {
    macro_rules! state {
        ($depth:literal, $buffer:literal) => {{
            let mut state = Box::new(ConcurrentMerkleTree::<$depth, $buffer>::new());
            state.initialize().expect("the state is new");
            ($buffer, state)
        }};
    }
    match depth {
        3 => state!(3, 8),
        5 => state!(5, 8),
        14 => state!(14, 64),
        24 => state!(24, 64),
        _ => panic!("no test needs trees of depth {depth}"),
    }
}

impl TestChain {
    /// Creates a tree of Bubblegum of depth 3, 5, 14 or 24.
    ///
    /// # Panics
    /// If the depth is another one.
    pub fn compressed_tree(&mut self, version: Version, depth: u32, canopy_levels: u32) -> CompressedTree {
        let address = self.new_keypair("compressed tree").pubkey();
        self.compressed_tree_at(address, version, depth, canopy_levels)
    }

    /// Creates a tree like [`TestChain::compressed_tree`] at an address. It replaces the tree that
    /// is there.
    ///
    /// # Panics
    /// If there are no trees of this depth.
    pub fn compressed_tree_at(
        &mut self,
        address: Address,
        version: Version,
        depth: u32,
        canopy_levels: u32,
    ) -> CompressedTree {
        let (buffer, state) = empty_state(depth);
        let mut header: ConcurrentMerkleTreeHeader =
            anchor_lang::AnchorDeserialize::try_from_slice(&[0; CONCURRENT_MERKLE_TREE_HEADER_SIZE_V1])
                .expect("a new account is zero");
        let authority = addresses::tree_config(&address).address;
        header.initialize(depth, buffer, &authority, CREATION_SLOT);
        let mut bytes = vec![];
        anchor_lang::AnchorSerialize::serialize(&header, &mut bytes).expect(ENCODED);
        let canopy = vec![[0; 32]; (2 << canopy_levels) - 2];
        let length = bytes.len() + state.bytes().len() + 32 * canopy.len();
        let tree = CompressedTree {
            version,
            address,
            depth,
            canopy_levels,
            leaves: vec![],
            canopy,
            state,
            header: bytes,
            real: RealTree::create((version, address), (depth, buffer), CREATION_SLOT, length),
        };
        self.write_tree(&tree);
        self.write_tree_config(&tree);
        tree
    }

    /// Writes the account of a tree.
    pub fn write_tree(&mut self, tree: &CompressedTree) {
        let owner = match tree.version {
            Version::V1 => SPL_COMPRESSION_PROGRAM,
            Version::V2 => MPL_COMPRESSION_PROGRAM,
        };
        self.write_foreign(&tree.address, tree.data(), owner);
    }

    /// Writes the `TreeConfig` of a tree.
    pub fn write_tree_config(&mut self, tree: &CompressedTree) {
        let creator: [u8; 32] = [9; 32];
        let config = TreeConfig {
            discriminator: [122, 245, 175, 248, 171, 34, 0, 207],
            tree_creator: creator.into(),
            tree_delegate: creator.into(),
            total_mint_capacity: 1 << tree.depth,
            num_minted: tree.leaves.len() as u64,
            is_public: false,
            is_decompressible: DecompressibleState::Disabled,
            version: match tree.version {
                Version::V1 => SchemaVersion::V1,
                Version::V2 => SchemaVersion::V2,
            },
        };
        let mut data = borsh::to_vec(&config).expect(ENCODED);
        data.resize(TreeConfig::LEN, 0);
        let address = addresses::tree_config(&tree.address).address;
        self.write_foreign(&address, data, BUBBLEGUM_PROGRAM);
    }

    fn write_foreign(&mut self, address: &Address, data: Vec<u8>, owner: Address) {
        let account = Account {
            lamports: self.rent(data.len()),
            data,
            owner,
            ..Account::default()
        };
        self.set_account(address, account);
    }

    /// Mints a compressed asset of V2 with flags.
    pub fn mint_compressed(
        &mut self,
        tree: &mut CompressedTree,
        owner: &Keypair,
        core_collection: Option<Address>,
        flags: u8,
    ) -> CompressedNft {
        let data = LeafData::Hash([5; 32]);
        self.mint_leaf(tree, owner, core_collection, data, flags)
    }

    /// Mints a compressed asset of V1, whose metadata names a collection and says whether the
    /// membership is verified.
    pub fn mint_compressed_v1(
        &mut self,
        tree: &mut CompressedTree,
        owner: &Keypair,
        collection: Option<(Address, bool)>,
    ) -> CompressedNft {
        let data = LeafData::Metadata(compressed_metadata(collection));
        self.mint_leaf(tree, owner, None, data, 0)
    }

    fn mint_leaf(
        &mut self,
        tree: &mut CompressedTree,
        owner: &Keypair,
        core_collection: Option<Address>,
        data: LeafData,
        flags: u8,
    ) -> CompressedNft {
        let nft = tree.append(CompressedNft {
            id: Address::default(),
            index: 0,
            leaf: CompressedLeaf {
                owner: owner.pubkey(),
                delegate: None,
                data,
                creator_hash: [6; 32],
                asset_data_hash: None,
                flags,
            },
            core_collection,
            owner: owner.insecure_clone(),
        });
        self.write_tree(tree);
        nft
    }

    /// Registers a compressed asset with a new secret and a proof. The collection with this key
    /// must exist. In the result, the asset's id is the token's mint.
    pub fn register_compressed(
        &mut self,
        registry: &mut TestRegistry,
        tree: &Address,
        nft: &CompressedNft,
        proof: Vec<Node>,
        key: &Address,
        track: u64,
    ) -> Result<(Member, Receipt), Refusal> {
        let register = self.compressed_registration(registry, tree, nft, proof, key);
        self.send_compressed_registration(registry, nft, register, track)
    }

    /// Sends the registration of a compressed asset, with a new secret.
    pub fn send_compressed_registration(
        &mut self,
        registry: &mut TestRegistry,
        nft: &CompressedNft,
        mut register: instructions::RegisterCompressedHolder,
        track: u64,
    ) -> Result<(Member, Receipt), Refusal> {
        let member = self.new_member(registry, &nft.as_token(), track);
        register.commitment = member.commitment();
        let instruction = register.instruction();
        let table = lookups(&instruction, &nft.owner.pubkey());
        let receipt = self.send_with_table(&[instruction], &[&nft.owner], &table)?;
        registry.set_leaf(member.index, member.leaf());
        Ok((member, receipt))
    }

    /// Returns the registration of a compressed asset, with the commitment 1.
    #[must_use]
    pub fn compressed_registration(
        &self,
        registry: &TestRegistry,
        tree: &Address,
        nft: &CompressedNft,
        proof: Vec<Node>,
        key: &Address,
    ) -> instructions::RegisterCompressedHolder {
        let holding = self.holding(registry, &nft.id);
        let one = FieldElement::from_u64(1);
        instructions::RegisterCompressedHolder {
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: *key,
            place: nft.place(tree, proof),
            leaf: nft.leaf.clone(),
            owner: nft.owner.pubkey(),
            payer: self.payer.pubkey(),
            commitment: Commitment::new(one),
            path: holding.map(|holding| self.on_chain_path(registry, holding.index)),
            staged: None,
        }
    }

    /// Returns the eviction of a compressed asset with a leaf, or with the empty leaf.
    ///
    /// # Panics
    /// If the asset was never registered.
    #[must_use]
    pub fn compressed_eviction(
        &self,
        registry: &TestRegistry,
        tree: &CompressedTree,
        nft: &CompressedNft,
        leaf: Option<&CompressedNft>,
    ) -> instructions::EvictCompressedHolder {
        let holding = self.holding(registry, &nft.id).expect("the asset was registered");
        let proof = tree.proof(nft.index);
        instructions::EvictCompressedHolder {
            registry: registry.address,
            tree: registry.tree_account,
            place: leaf.unwrap_or(nft).place(&tree.address, proof),
            leaf: leaf.map(|nft| nft.leaf.clone()),
            left_collection: None,
            path: Some(self.on_chain_path(registry, holding.index)),
            staged: None,
        }
    }

    /// Stages a path. The number is part of the account's address.
    pub fn stage_path(
        &mut self,
        signer: &Keypair,
        number: u8,
        path: OnChainPath,
    ) -> Result<Receipt, Refusal> {
        let stage = StagePath {
            authority: signer.pubkey(),
            number,
            path,
        };
        self.send(&[stage.instruction()], &[signer])
    }

    /// Evicts the holder of a compressed asset. On success, the reference tree has the empty leaf.
    ///
    /// # Panics
    /// If the asset was never registered.
    pub fn evict_compressed(
        &mut self,
        registry: &mut TestRegistry,
        evict: &instructions::EvictCompressedHolder,
    ) -> Result<Receipt, Refusal> {
        let holding = self.holding(registry, &evict.place.id());
        let index = holding.expect("the asset was registered").index;
        let instruction = evict.instruction();
        let table = lookups(&instruction, &self.payer.pubkey());
        let receipt = self.send_with_table(&[instruction], &[], &table)?;
        registry.set_leaf(index, Leaf::EMPTY);
        Ok(receipt)
    }
}
