//! Registries, their trees and their members.

use bauta::state::{CollectionKind, Holding, Registry, RegistryKind};
use bauta_client::instructions::OnChainPath;
use bauta_client::{ReferenceTree, addresses, instructions};
use bauta_primitives::tree::{Depth, MembershipPath};
use bauta_primitives::{Attributes, Commitment, EntryId, IdentitySecret, Leaf, MasterSecret, Root};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;

use crate::{Nft, Receipt, Refusal, TestChain, seed};

/// The properties of a registry to create.
///
/// The default is a registry of holders whose kept roots are accepted for an hour.
#[derive(Debug, Clone, Copy)]
pub struct RegistrySpec {
    /// Who writes the leaves.
    pub kind: RegistryKind,
    /// The depth of the tree.
    pub depth: u8,
    /// The number of the leaf format.
    pub leaf_format: u8,
    /// The number of seconds for which a kept root is accepted.
    pub root_ttl: i64,
}

impl Default for RegistrySpec {
    fn default() -> Self {
        Self {
            kind: RegistryKind::Holders,
            depth: 10,
            leaf_format: 1,
            root_ttl: 3600,
        }
    }
}

impl RegistrySpec {
    /// Returns the default properties with another kind.
    #[must_use]
    pub fn of_kind(kind: RegistryKind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }
}

/// A registry with a reference tree.
///
/// The methods of [`TestChain`] apply every change to both. The reference tree is never read from
/// the chain, so tests can compare them.
pub struct TestRegistry {
    /// The registry account.
    pub address: Address,
    /// The Tree account. Zero in a registry of kind `Attested`.
    pub tree_account: Address,
    /// The registry's authority.
    pub authority: Keypair,
    /// The number that the authority chose for the registry.
    pub nonce: u64,
    /// The properties of the registry.
    pub spec: RegistrySpec,
    /// The reference tree.
    pub tree: ReferenceTree,
    /// The index of the next new leaf.
    pub next_index: u64,
}

impl Clone for TestRegistry {
    fn clone(&self) -> Self {
        Self {
            authority: self.authority.insecure_clone(),
            tree: self.tree.clone(),
            ..*self
        }
    }
}

impl TestRegistry {
    /// Returns the root of the reference tree.
    #[must_use]
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    /// Sets a leaf of the reference tree.
    ///
    /// # Panics
    /// If the tree has no such index.
    pub fn set_leaf(&mut self, index: u64, leaf: Leaf) {
        self.tree.set(index, leaf).expect("the index is in the tree");
        self.next_index = self.next_index.max(index + 1);
    }
}

/// A holder with a registered token.
pub struct Member {
    /// The token.
    pub nft: Nft,
    /// The position of its leaf.
    pub index: u64,
    /// The track in the leaf.
    pub track: u64,
    /// The address of the registry.
    pub registry: Address,
    master: [u8; 32],
}

impl Clone for Member {
    fn clone(&self) -> Self {
        Self {
            nft: self.nft.clone(),
            ..*self
        }
    }
}

impl Member {
    /// Returns the secret of the token's entry.
    #[must_use]
    pub fn identity(&self) -> IdentitySecret {
        MasterSecret::from_bytes(&mut self.master.clone()).identity(
            &self.registry.to_bytes(),
            self.entry_id(),
            0,
        )
    }

    /// Returns the commitment in the leaf.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.identity().commitment()
    }

    /// Returns the token's entry.
    #[must_use]
    pub fn entry_id(&self) -> EntryId {
        EntryId::of_mint(&self.nft.mint.to_bytes())
    }

    /// Returns the member's leaf.
    #[must_use]
    pub fn leaf(&self) -> Leaf {
        Leaf::of(
            self.commitment(),
            self.entry_id(),
            Attributes::of_track(self.track),
        )
    }

    /// Returns the path of the leaf in the reference tree.
    ///
    /// # Panics
    /// Never, because the member's leaf is in the tree.
    #[must_use]
    pub fn path(&self, registry: &TestRegistry) -> MembershipPath {
        registry
            .tree
            .path(self.index)
            .expect("the member's leaf is in the tree")
    }
}

impl TestChain {
    /// Creates a registry, and its Tree account if the kind has one.
    ///
    /// # Panics
    /// If the program refuses. [`TestChain::try_create_registry`] returns the refusal instead.
    pub fn create_registry(&mut self, spec: RegistrySpec) -> TestRegistry {
        self.try_create_registry(spec)
            .unwrap_or_else(|refusal| panic!("create_registry: {refusal}"))
            .0
    }

    /// Creates a registry, or returns the program's refusal.
    ///
    /// # Panics
    /// If the program accepts a depth other than 10 and 16.
    pub fn try_create_registry(&mut self, spec: RegistrySpec) -> Result<(TestRegistry, Receipt), Refusal> {
        let authority = self.funded_keypair("authority");
        let tree = (spec.kind != RegistryKind::Attested).then(|| self.new_keypair("tree"));
        let nonce = 7;
        let address = addresses::registry(&authority.pubkey(), nonce).address;
        let mut instructions = vec![];
        let mut signers = vec![&authority];
        if let Some(tree) = &tree {
            let space = bauta::state::Tree::SPACE;
            instructions.push(create_account(
                &self.payer.pubkey(),
                &tree.pubkey(),
                self.rent(space),
                space as u64,
                &bauta::ID,
            ));
            signers.push(tree);
        }
        instructions.push(
            instructions::CreateRegistry {
                authority: authority.pubkey(),
                payer: self.payer.pubkey(),
                tree: tree.as_ref().map(Signer::pubkey),
                nonce,
                kind: spec.kind,
                depth: spec.depth,
                leaf_format: spec.leaf_format,
                root_ttl: spec.root_ttl,
            }
            .instruction(),
        );
        let receipt = self.send(&instructions, &signers)?;
        let depth = Depth::try_from(spec.depth).expect("the program accepts only depths 10 and 16");
        let registry = TestRegistry {
            address,
            tree_account: tree.as_ref().map(Signer::pubkey).unwrap_or_default(),
            authority,
            nonce,
            spec,
            tree: ReferenceTree::new(depth),
            next_index: 0,
        };
        Ok((registry, receipt))
    }

    /// Adds a collection without rules: its assets may then be registered on the track.
    pub fn add_collection(
        &mut self,
        registry: &TestRegistry,
        key: &Address,
        kind: CollectionKind,
        track: u64,
    ) -> Result<Receipt, Refusal> {
        self.add_collection_with_rules(registry, key, kind, 0, track)
    }

    /// Adds a collection with rules.
    pub fn add_collection_with_rules(
        &mut self,
        registry: &TestRegistry,
        key: &Address,
        kind: CollectionKind,
        rules: u16,
        track: u64,
    ) -> Result<Receipt, Refusal> {
        let add = instructions::AddCollection {
            registry: registry.address,
            authority: registry.authority.pubkey(),
            payer: self.payer.pubkey(),
            key: *key,
            kind,
            rules,
            track,
        };
        self.send(&[add.instruction()], &[&registry.authority])
    }

    /// Seals a registry.
    pub fn seal_registry(&mut self, registry: &TestRegistry) -> Result<Receipt, Refusal> {
        let seal = instructions::SealRegistry {
            registry: registry.address,
            authority: registry.authority.pubkey(),
        };
        self.send(&[seal.instruction()], &[&registry.authority])
    }

    /// Creates a holder with a token, adds a collection for the token, and registers it.
    ///
    /// # Panics
    /// If the program refuses.
    pub fn add_holder(&mut self, registry: &mut TestRegistry, track: u64) -> Member {
        let owner = self.funded_keypair("holder");
        let nft = self.mint_nft(&owner);
        self.add_collection(registry, &nft.mint, CollectionKind::Asset, track)
            .unwrap_or_else(|refusal| panic!("add_collection: {refusal}"));
        self.register(registry, &nft, None, track)
            .unwrap_or_else(|refusal| panic!("register_holder: {refusal}"))
            .0
    }

    /// Registers a token with a new secret. Its collection must exist.
    ///
    /// `group` is the collection's key if it isn't the mint.
    pub fn register(
        &mut self,
        registry: &mut TestRegistry,
        nft: &Nft,
        group: Option<Address>,
        track: u64,
    ) -> Result<(Member, Receipt), Refusal> {
        let member = self.new_member(registry, nft, track);
        let commitment = member.commitment();
        let receipt = self.send_register_holder(registry, nft, group, commitment)?;
        let leaf = member.leaf();
        registry.set_leaf(member.index, leaf);
        Ok((member, receipt))
    }

    /// Returns a holder of a token with a new secret, who is not registered yet.
    pub(crate) fn new_member(&mut self, registry: &TestRegistry, nft: &Nft, track: u64) -> Member {
        self.counter += 1;
        let holding = self.holding(registry, &nft.mint);
        Member {
            nft: nft.clone(),
            index: holding.map_or(registry.next_index, |holding| holding.index),
            track,
            registry: registry.address,
            master: seed(&format!("master {}", self.counter)),
        }
    }

    /// Sends `register_holder` with the path that the token needs, without a change of the
    /// reference tree.
    pub fn send_register_holder(
        &mut self,
        registry: &TestRegistry,
        nft: &Nft,
        group: Option<Address>,
        commitment: Commitment,
    ) -> Result<Receipt, Refusal> {
        let path = self
            .holding(registry, &nft.mint)
            .map(|holding| self.on_chain_path(registry, holding.index));
        let register = instructions::RegisterHolder {
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: group.unwrap_or(nft.mint),
            mint: nft.mint,
            token_account: nft.account,
            token_metadata: nft.token_metadata,
            owner: nft.owner.pubkey(),
            payer: self.payer.pubkey(),
            commitment,
            path,
        };
        self.send(&[register.instruction()], &[&nft.owner])
    }

    /// Evicts a token's holder. `evidence` is a token account of another owner, if the mint itself
    /// is not the evidence.
    ///
    /// # Panics
    /// If the token was never registered.
    pub fn evict_holder(
        &mut self,
        registry: &mut TestRegistry,
        mint: &Address,
        evidence: Option<Address>,
    ) -> Result<Receipt, Refusal> {
        let holding = self.holding(registry, mint).expect("the token was registered");
        let evict = instructions::EvictHolder {
            registry: registry.address,
            tree: registry.tree_account,
            mint: *mint,
            token_account: evidence,
            left_collection: None,
            metadata: None,
            path: self.on_chain_path(registry, holding.index),
        };
        self.send_evict_holder(registry, holding.index, &evict)
    }

    /// Evicts the holder of an asset that left the collection with this key.
    ///
    /// # Panics
    /// If the asset was never registered.
    pub fn evict_left(
        &mut self,
        registry: &mut TestRegistry,
        asset: &Address,
        collection_key: Address,
    ) -> Result<Receipt, Refusal> {
        let holding = self.holding(registry, asset).expect("the asset was registered");
        let evict = instructions::EvictHolder {
            registry: registry.address,
            tree: registry.tree_account,
            mint: *asset,
            token_account: None,
            left_collection: Some(collection_key),
            metadata: Some(addresses::metadata(asset).address),
            path: self.on_chain_path(registry, holding.index),
        };
        self.send_evict_holder(registry, holding.index, &evict)
    }

    fn send_evict_holder(
        &mut self,
        registry: &mut TestRegistry,
        index: u64,
        evict: &instructions::EvictHolder,
    ) -> Result<Receipt, Refusal> {
        let receipt = self.send(&[evict.instruction()], &[])?;
        registry.set_leaf(index, Leaf::EMPTY);
        Ok(receipt)
    }

    /// Appends leaves to a registry of kind `Managed`.
    pub fn append_leaves(
        &mut self,
        registry: &mut TestRegistry,
        leaves: &[Leaf],
    ) -> Result<Receipt, Refusal> {
        let append = instructions::AppendLeaves {
            registry: registry.address,
            tree: registry.tree_account,
            authority: registry.authority.pubkey(),
            leaves: leaves.to_vec(),
        };
        let receipt = self.send(&[append.instruction()], &[&registry.authority])?;
        for leaf in leaves {
            registry.set_leaf(registry.next_index, *leaf);
        }
        Ok(receipt)
    }

    /// Replaces a leaf of a registry of kind `Managed`. [`Leaf::EMPTY`] removes it.
    ///
    /// # Panics
    /// If the index is past the last leaf of the tree.
    pub fn replace_leaf(
        &mut self,
        registry: &mut TestRegistry,
        index: u64,
        new_leaf: Leaf,
    ) -> Result<Receipt, Refusal> {
        let replace = instructions::ReplaceLeaf {
            registry: registry.address,
            tree: registry.tree_account,
            authority: registry.authority.pubkey(),
            index,
            old_leaf: registry.tree.leaf(index).expect("the index is in the tree"),
            new_leaf,
            path: self.on_chain_path(registry, index),
        };
        let receipt = self.send(&[replace.instruction()], &[&registry.authority])?;
        registry.set_leaf(index, new_leaf);
        Ok(receipt)
    }

    /// Publishes a root of a registry of kind `Attested`.
    pub fn publish_root(&mut self, registry: &TestRegistry, root: Root) -> Result<Receipt, Refusal> {
        let publish = instructions::PublishRoot {
            registry: registry.address,
            authority: registry.authority.pubkey(),
            root,
        };
        self.send(&[publish.instruction()], &[&registry.authority])
    }

    /// Returns the registry's state on chain.
    ///
    /// # Panics
    /// If there is no such account.
    #[must_use]
    pub fn registry_state(&self, registry: &TestRegistry) -> Registry {
        self.state(&registry.address).expect("the registry exists")
    }

    /// Returns a token's holding, or `None` if the token was never registered.
    #[must_use]
    pub fn holding(&self, registry: &TestRegistry, mint: &Address) -> Option<Holding> {
        self.state(&addresses::holding(&registry.address, mint).address)
    }

    /// Returns the path of a leaf in the form of an instruction, from the reference tree.
    ///
    /// # Panics
    /// If the index is past the last leaf of the tree.
    #[must_use]
    pub fn on_chain_path(&self, registry: &TestRegistry, index: u64) -> OnChainPath {
        registry
            .tree
            .on_chain_path(index)
            .expect("the index is in the tree")
    }
}
