//! Registries with their trees, and the members in them.

use bauta::state::{Holding, Registry, RegistryKind};
use bauta_client::{MembershipPath, ON_CHAIN_LEVELS, ReferenceTree, addresses, instructions};
use bauta_primitives::tree::{Depth, Siblings};
use bauta_primitives::{Attributes, Commitment, EntryId, IdentitySecret, Leaf, MasterSecret, Root};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;

use crate::{Nft, Refused, Sent, World, seed};

/// What kind of registry to create. The default is one of holders whose kept roots live an hour.
#[derive(Debug, Clone, Copy)]
pub struct RegistrySpec {
    /// Who decides about its leaves.
    pub kind: RegistryKind,
    /// Its depth.
    pub depth: u8,
    /// What its leaves' attributes mean.
    pub leaf_format: u8,
    /// Seconds for which a kept root is accepted.
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
    /// One of the default's settings but of another kind.
    #[must_use]
    pub fn of_kind(kind: RegistryKind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }
}

/// A registry and what a careful observer knows of it: its tree is kept by [`ReferenceTree`], never read from the chain.
pub struct TestRegistry {
    /// The registry account.
    pub address: Address,
    /// The Tree account; zero in an Attested registry.
    pub tree_account: Address,
    /// Its authority.
    pub authority: Keypair,
    /// The authority's number for it.
    pub nonce: u64,
    /// What it was made as.
    pub spec: RegistrySpec,
    /// The observer's tree.
    pub tree: ReferenceTree,
    /// Where the next leaf goes.
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
    /// The root that the observer computes.
    #[must_use]
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    fn observe(&mut self, index: u64, leaf: Leaf) {
        self.tree.set(index, leaf).expect("an index within the tree");
        self.next_index = self.next_index.max(index + 1);
    }
}

/// Somebody with a token in a registry.
pub struct Member {
    /// The token.
    pub nft: Nft,
    /// Where its leaf is.
    pub index: u64,
    /// The leaf's track.
    pub track: u64,
    /// The registry.
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
    /// The secret of this token's entry.
    #[must_use]
    pub fn identity(&self) -> IdentitySecret {
        MasterSecret::from_bytes(&mut self.master.clone())
            .identity(&self.registry.to_bytes(), self.entry_id())
    }

    /// What is published of it.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.identity().commitment()
    }

    /// The token's entry.
    #[must_use]
    pub fn entry_id(&self) -> EntryId {
        EntryId::of_mint(&self.nft.mint.to_bytes())
    }

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> Leaf {
        Leaf::of(
            self.commitment(),
            self.entry_id(),
            Attributes::of_track(self.track),
        )
    }

    /// The leaf's path in the registry's tree as it is.
    ///
    /// # Panics
    /// Never: a member's index is within the tree.
    #[must_use]
    pub fn path(&self, registry: &TestRegistry) -> MembershipPath {
        MembershipPath::in_tree(&registry.tree, self.index).expect("a member has a leaf in the tree")
    }
}

/// A path as instructions carry it.
pub type OnChainPath = [Siblings; ON_CHAIN_LEVELS];

impl World {
    /// Creates a registry, with its Tree account in a top-level instruction of its own where the kind has one.
    ///
    /// # Panics
    /// When the program refuses; [`World::try_create_registry`] gives the refusal.
    pub fn create_registry(&mut self, spec: RegistrySpec) -> TestRegistry {
        self.try_create_registry(spec)
            .unwrap_or_else(|refused| panic!("create_registry: {refused}"))
            .0
    }

    /// The same, or why the program refused.
    ///
    /// # Panics
    /// When `spec.depth` is neither 10 nor 16 and the program accepts it all the same.
    pub fn try_create_registry(&mut self, spec: RegistrySpec) -> Result<(TestRegistry, Sent), Refused> {
        let authority = self.person("authority");
        let tree = (spec.kind != RegistryKind::Attested).then(|| self.next_keypair("tree"));
        let nonce = 7;
        let address = addresses::registry(&authority.pubkey(), nonce).address;
        let mut list = vec![];
        let mut signers = vec![&authority];
        if let Some(tree) = &tree {
            let space = bauta::state::Tree::SPACE;
            list.push(create_account(
                &self.payer.pubkey(),
                &tree.pubkey(),
                self.rent(space),
                space as u64,
                &bauta::ID,
            ));
            signers.push(tree);
        }
        list.push(
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
        let sent = self.send(&list, &signers)?;
        let depth = Depth::try_from(spec.depth).expect("the program accepts no other depths");
        let registry = TestRegistry {
            address,
            tree_account: tree.as_ref().map(Signer::pubkey).unwrap_or_default(),
            authority,
            nonce,
            spec,
            tree: ReferenceTree::new(depth),
            next_index: 0,
        };
        Ok((registry, sent))
    }

    /// Lets the tokens of a mint or of a group register on a track.
    pub fn add_collection(
        &mut self,
        registry: &TestRegistry,
        key: &Address,
        is_group: bool,
        track: u64,
    ) -> Result<Sent, Refused> {
        let add = instructions::AddCollection {
            registry: registry.address,
            authority: registry.authority.pubkey(),
            payer: self.payer.pubkey(),
            key: *key,
            is_group,
            track,
        };
        self.send(&[add.instruction()], &[&registry.authority])
    }

    /// Fixes a registry's collections for ever.
    pub fn seal_registry(&mut self, registry: &TestRegistry) -> Result<Sent, Refused> {
        let seal = instructions::SealRegistry {
            registry: registry.address,
            authority: registry.authority.pubkey(),
        };
        self.send(&[seal.instruction()], &[&registry.authority])
    }

    /// A new person with a new token, in a collection of its own, registered on this track.
    ///
    /// # Panics
    /// When the program refuses.
    pub fn holder(&mut self, registry: &mut TestRegistry, track: u64) -> Member {
        let owner = self.person("holder");
        let nft = self.mint_nft(&owner);
        self.add_collection(registry, &nft.mint, false, track)
            .unwrap_or_else(|refused| panic!("add_collection: {refused}"));
        self.enter(registry, &nft, None, track)
            .unwrap_or_else(|refused| panic!("register_holder: {refused}"))
            .0
    }

    /// Registers a token whose collection exists, by a fresh secret; `group` names the collection where it isn't the mint's own.
    pub fn enter(
        &mut self,
        registry: &mut TestRegistry,
        nft: &Nft,
        group: Option<Address>,
        track: u64,
    ) -> Result<(Member, Sent), Refused> {
        self.made += 1;
        let mut member = Member {
            nft: nft.clone(),
            index: registry.next_index,
            track,
            registry: registry.address,
            master: seed(&format!("master {}", self.made)),
        };
        if let Some(holding) = self.holding(registry, &nft.mint) {
            member.index = holding.index;
        }
        let commitment = member.commitment();
        let sent = self.register(registry, nft, group, commitment)?;
        let leaf = member.leaf();
        registry.observe(member.index, leaf);
        Ok((member, sent))
    }

    /// Sends `register_holder` with the path that the token needs. Leaves the observer's tree alone; [`World::enter`] minds it.
    pub fn register(
        &mut self,
        registry: &TestRegistry,
        nft: &Nft,
        group: Option<Address>,
        commitment: Commitment,
    ) -> Result<Sent, Refused> {
        let path = self
            .holding(registry, &nft.mint)
            .map(|holding| self.on_chain_path(registry, holding.index));
        let register = instructions::RegisterHolder {
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: group.unwrap_or(nft.mint),
            mint: nft.mint,
            token_account: nft.account,
            owner: nft.owner.pubkey(),
            payer: self.payer.pubkey(),
            commitment,
            path,
        };
        self.send(&[register.instruction()], &[&nft.owner])
    }

    /// Empties a token's leaf; `evidence` is a token account of another owner, where it is not the mint that tells.
    ///
    /// # Panics
    /// When the token never registered.
    pub fn evict(
        &mut self,
        registry: &mut TestRegistry,
        mint: &Address,
        evidence: Option<Address>,
    ) -> Result<Sent, Refused> {
        let holding = self
            .holding(registry, mint)
            .expect("the token has registered once");
        let evict = instructions::EvictHolder {
            registry: registry.address,
            tree: registry.tree_account,
            mint: *mint,
            token_account: evidence,
            path: self.on_chain_path(registry, holding.index),
        };
        let sent = self.send(&[evict.instruction()], &[])?;
        registry.observe(holding.index, Leaf::EMPTY);
        Ok(sent)
    }

    /// Appends leaves to a Managed registry.
    pub fn append(&mut self, registry: &mut TestRegistry, leaves: &[Leaf]) -> Result<Sent, Refused> {
        let append = instructions::AppendLeaves {
            registry: registry.address,
            tree: registry.tree_account,
            authority: registry.authority.pubkey(),
            leaves: leaves.to_vec(),
        };
        let sent = self.send(&[append.instruction()], &[&registry.authority])?;
        for leaf in leaves {
            registry.observe(registry.next_index, *leaf);
        }
        Ok(sent)
    }

    /// Replaces a leaf of a Managed registry; [`Leaf::EMPTY`] removes.
    ///
    /// # Panics
    /// When the index is past the tree's last leaf.
    pub fn replace(
        &mut self,
        registry: &mut TestRegistry,
        index: u64,
        new_leaf: Leaf,
    ) -> Result<Sent, Refused> {
        let replace = instructions::ReplaceLeaf {
            registry: registry.address,
            tree: registry.tree_account,
            authority: registry.authority.pubkey(),
            index,
            old_leaf: registry.tree.leaf(index).expect("an index within the tree"),
            new_leaf,
            path: self.on_chain_path(registry, index),
        };
        let sent = self.send(&[replace.instruction()], &[&registry.authority])?;
        registry.observe(index, new_leaf);
        Ok(sent)
    }

    /// Publishes a root of an Attested registry.
    pub fn publish_root(&mut self, registry: &TestRegistry, root: Root) -> Result<Sent, Refused> {
        let publish = instructions::PublishRoot {
            registry: registry.address,
            authority: registry.authority.pubkey(),
            root,
        };
        self.send(&[publish.instruction()], &[&registry.authority])
    }

    /// The registry as the chain has it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn registry_state(&self, registry: &TestRegistry) -> Registry {
        self.state(&registry.address)
            .expect("a registry that was created")
    }

    /// A token's holding, if it ever registered.
    #[must_use]
    pub fn holding(&self, registry: &TestRegistry, mint: &Address) -> Option<Holding> {
        self.state(&addresses::holding(&registry.address, mint).address)
    }

    /// The path of a leaf as instructions carry it, from the observer's tree.
    ///
    /// # Panics
    /// When the index is past the tree's last leaf.
    #[must_use]
    pub fn on_chain_path(&self, registry: &TestRegistry, index: u64) -> OnChainPath {
        registry
            .tree
            .on_chain_path(index)
            .expect("an index within the tree")
    }
}
