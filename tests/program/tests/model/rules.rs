//! The model of the rules, with the test chain that it is compared with.

use std::collections::{BTreeMap, HashSet};

use crate::{Boundary, Step};
use bauta::bubblegum::Version;
use bauta::errors::BautaError;
use bauta::state::{Collection, CollectionKind, ScopeMode};
use bauta_client::instructions::{OnChainPath, RegisterCompressedHolder, Verify};
use bauta_client::{Event, ReferenceTree, addresses};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf, Nullifier, Root};
use bauta_program_test::{
    CompressedNft, CompressedTree, CoreAsset, Member, MetadataSpec, Nft, Receipt, Refusal, RegistrySpec,
    ScopeSpec, TestChain, TestRegistry, TestScope,
};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// The number of tokens.
pub(crate) const TOKENS: usize = 8;
/// The number of types of tokens.
const KINDS: usize = 4;
/// The number of wallets.
pub(crate) const WALLETS: usize = 3;

/// The expected state of a token.
struct TokenModel {
    nft: Nft,
    /// The asset, if the token is an asset of Core. Its address is the token's mint.
    core: Option<CoreAsset>,
    /// The asset, if the token is a compressed one. Its id is the token's mint.
    compressed: Option<CompressedNft>,
    /// The key of the token's collection.
    collection: Address,
    burnt: bool,
    /// The last registration.
    member: Option<Member>,
    live: bool,
    last_change: i64,
}

impl TokenModel {
    fn is_programmable(&self) -> bool {
        self.nft.token_metadata.token_record.is_some()
    }

    fn has_token_account(&self) -> bool {
        self.core.is_none() && self.compressed.is_none()
    }
}

/// The expected state of a scope.
struct ScopeModel {
    scope: TestScope,
    mode: ScopeMode,
    snapshot: Root,
    closes_at: i64,
    closed: bool,
    used: HashSet<Nullifier>,
}

/// A kept root and its expiry time.
struct KeptRoot {
    root: Root,
    expires_at: i64,
}

/// The expected state, the test chain, and the tree from the events.
pub(crate) struct Model {
    chain: TestChain,
    registry: TestRegistry,
    /// The tree of the compressed assets.
    tree: CompressedTree,
    ttl: i64,
    tokens: Vec<TokenModel>,
    wallets: Vec<Keypair>,
    scopes: Vec<ScopeModel>,
    verifications: Vec<(usize, Verify)>,
    /// Every root that was ever current.
    history: Vec<Root>,
    kept: Vec<KeptRoot>,
    last_kept: Option<i64>,
    last_recent: Option<i64>,
    /// The tree from the events.
    indexed: ReferenceTree,
    sequence: u64,
    lamports: u64,
}

impl Model {
    /// Creates a chain with a registry. Kept roots are accepted for `ttl` seconds.
    pub(crate) fn new(ttl: i64) -> Self {
        let mut chain = TestChain::new();
        let registry = chain.create_registry(RegistrySpec {
            root_ttl: ttl,
            ..RegistrySpec::default()
        });
        let wallets: Vec<_> = (0..WALLETS).map(|_| chain.funded_keypair("wallet")).collect();
        let metaplex = chain.new_keypair("collection of Token Metadata").pubkey();
        let [core, bubblegum] = [(); 2].map(|()| chain.core_collection(&[]));
        let mut tree = chain.compressed_tree(Version::V2, 5, 2);
        let tokens = (0..TOKENS)
            .map(|i| {
                let owner = &wallets[i % WALLETS];
                let mut compressed = None;
                // Plain tokens, programmable tokens, Core assets and compressed assets.
                let (nft, asset, key, kind) = match i % KINDS {
                    0 => {
                        let nft = chain.mint_nft(owner);
                        let mint = nft.mint;
                        (nft, None, mint, CollectionKind::Asset)
                    }
                    1 => {
                        let spec = MetadataSpec::programmable(&metaplex);
                        let nft = chain.mint_with_metadata(owner, &spec);
                        (nft, None, metaplex, CollectionKind::TokenMetadata)
                    }
                    2 => {
                        let asset = chain.core_asset(owner, Some(core), &[]);
                        (asset.as_token(), Some(asset), core, CollectionKind::Core)
                    }
                    _ => {
                        let asset = chain.mint_compressed(&mut tree, owner, Some(bubblegum), 0);
                        let nft = asset.as_token();
                        compressed = Some(asset);
                        (nft, None, bubblegum, CollectionKind::Core)
                    }
                };
                // The tokens of a kind share a collection, and with it the track.
                if i < KINDS || kind == CollectionKind::Asset {
                    let rules = match compressed {
                        Some(_) => Collection::COMPRESSED | Collection::ISSUER_MOVES,
                        None => 0,
                    };
                    let added = chain.add_collection_with_rules(&registry, &key, kind, rules, i as u64);
                    added.unwrap();
                }
                TokenModel {
                    nft,
                    core: asset,
                    compressed,
                    collection: key,
                    burnt: false,
                    member: None,
                    live: false,
                    last_change: 0,
                }
            })
            .collect();
        let lamports = chain.lamports();
        Self {
            history: vec![registry.root()],
            chain,
            registry,
            tree,
            ttl,
            tokens,
            wallets,
            scopes: vec![],
            verifications: vec![],
            kept: vec![],
            last_kept: None,
            last_recent: None,
            indexed: ReferenceTree::new(Depth::Ten),
            sequence: 0,
            lamports,
        }
    }

    /// Applies a step to the chain and to the model, and compares them.
    pub(crate) fn apply(&mut self, step: &Step) {
        match *step {
            Step::Wait(seconds) => self.chain.advance_clock(seconds),
            Step::WaitUntil(ref boundary, offset) => self.wait_until(boundary, offset),
            Step::Register(token) => self.register(token),
            Step::Transfer { token, wallet } => self.transfer(token, wallet),
            Step::Burn(token) => self.burn(token),
            Step::Evict { token, with_evidence } => self.evict(token, with_evidence),
            Step::CreateScope { live, closes_in } => self.create_scope(live, closes_in),
            Step::CloseScope(scope) => self.close_scope(scope),
            Step::Verify { token, scope, age } => self.verify(token, scope, age),
            Step::Replay(which) => self.replay(which),
            Step::Reclaim(which) => self.reclaim(which),
        }
        self.check();
    }

    /// Advances the clock to a boundary. Has no effect if the boundary doesn't exist or has passed.
    fn wait_until(&mut self, boundary: &Boundary, offset: i64) {
        let now = self.chain.now();
        let moment = match *boundary {
            Boundary::Keeping => self.last_kept.map(|last| last + self.interval()),
            Boundary::Expiry => self.kept.iter().map(|kept| kept.expires_at).find(|at| *at > now),
            Boundary::Change(token) => Some(self.tokens[token].last_change + 60),
            Boundary::End(scope) => self.scopes.get(scope).map(|scope| scope.closes_at),
        };
        if let Some(seconds) = moment.map(|at| at + offset - now).filter(|seconds| *seconds > 0) {
            self.chain.advance_clock(seconds);
        }
    }

    fn register(&mut self, i: usize) {
        let now = self.chain.now();
        let token = &self.tokens[i];
        let expected = if token.burnt && token.core.is_some() {
            Err(BautaError::NotACoreAsset)
        } else if token.burnt && token.compressed.is_some() {
            Err(BautaError::StaleProof)
        } else if token.burnt {
            Err(BautaError::SupplyNotOne)
        } else if token.member.is_some() && now - token.last_change < 60 {
            Err(BautaError::ChangedTooRecently)
        } else {
            Ok(())
        };
        let (nft, core, key) = (token.nft.clone(), token.core.clone(), token.collection);
        let compressed = token.compressed.clone();
        let track = if key == nft.mint { i } else { i % KINDS } as u64;
        let before = self.registry.root();
        let result = if let Some(asset) = compressed {
            let register = self.compressed_registration(&asset, &key);
            self.chain
                .send_compressed_registration(&mut self.registry, &asset, register, track)
        } else if let Some(asset) = core {
            self.chain.register_core(&mut self.registry, &asset, &key, track)
        } else {
            self.chain.register(&mut self.registry, &nft, Some(key), track)
        };
        let (member, receipt) = split(result);
        if self.check_result(receipt, expected) {
            let token = &mut self.tokens[i];
            token.member = member;
            token.live = true;
            token.last_change = now;
            self.root_changed(before);
        }
    }

    /// Returns the registration of a compressed asset, with a staged path if it needs one.
    fn compressed_registration(&mut self, asset: &CompressedNft, key: &Address) -> RegisterCompressedHolder {
        let proof = self.tree.proof(asset.index);
        let tree = &self.tree.address;
        let mut register = self
            .chain
            .compressed_registration(&self.registry, tree, asset, proof, key);
        if let Some(path) = register.path.take() {
            register.staged = Some(self.stage(&asset.owner, path));
        }
        register
    }

    /// Stages a path and returns its account. The signer pays the fee, and the rent moves to the
    /// account.
    fn stage(&mut self, signer: &Keypair, path: OnChainPath) -> Address {
        let receipt = self.chain.stage_path(signer, 0, path).unwrap();
        self.lamports -= receipt.fee;
        assert_eq!(self.chain.lamports(), self.lamports);
        addresses::staged(&signer.pubkey(), 0).address
    }

    fn transfer(&mut self, i: usize, wallet: usize) {
        let token = &mut self.tokens[i];
        if token.burnt || token.nft.owner.pubkey() == self.wallets[wallet].pubkey() {
            return;
        }
        let (chain, to) = (&mut self.chain, &self.wallets[wallet]);
        if let Some(asset) = &token.core {
            let sold = chain.transfer_core_asset(asset, to);
            token.nft = sold.as_token();
            token.core = Some(sold);
        } else if let Some(asset) = &token.compressed {
            let sold = asset.sold_to(to);
            self.tree.set(sold.index, Some(&sold));
            chain.write_tree(&self.tree);
            token.nft = sold.as_token();
            token.compressed = Some(sold);
        } else if token.is_programmable() {
            token.nft = chain.transfer_programmable(&token.nft, to);
        } else {
            token.nft = chain.transfer_nft(&token.nft, to);
        }
        self.lamports = self.chain.lamports();
    }

    fn burn(&mut self, i: usize) {
        let token = &mut self.tokens[i];
        if !token.burnt {
            if token.is_programmable() {
                self.chain.thaw_nft(&token.nft).unwrap();
            }
            if let Some(asset) = &token.core {
                self.chain.burn_core_asset(asset);
            } else if let Some(asset) = &token.compressed {
                self.tree.set(asset.index, None);
                self.chain.write_tree(&self.tree);
            } else {
                self.chain.burn_nft(&token.nft).unwrap();
            }
            token.burnt = true;
            self.lamports = self.chain.lamports();
        }
    }

    fn evict(&mut self, i: usize, with_evidence: bool) {
        let token = &self.tokens[i];
        let Some(member) = &token.member else { return };
        let moved = token.nft.owner.pubkey() != member.nft.owner.pubkey();
        let expected = if !token.live {
            Err(BautaError::AlreadyEvicted)
        } else if token.burnt || (moved && (with_evidence || !token.has_token_account())) {
            Ok(())
        } else {
            Err(BautaError::NoEvidence)
        };
        // The evidence for the other assets is the asset itself. The path of a compressed asset can
        // be staged.
        let is_staged = with_evidence;
        let with_evidence = with_evidence && token.has_token_account();
        let (compressed, burnt) = (token.compressed.clone(), token.burnt);
        let (mint, account) = (token.nft.mint, token.nft.account);
        let now = self.chain.now();
        let before = self.registry.root();
        let result = if let Some(asset) = &compressed {
            let leaf = (!burnt).then_some(asset);
            let registry = &self.registry;
            let mut evict = self.chain.compressed_eviction(registry, &self.tree, asset, leaf);
            if let Some(path) = evict.path.take_if(|_| is_staged) {
                evict.staged = Some(self.stage(&asset.owner, path));
            }
            self.chain.evict_compressed(&mut self.registry, &evict)
        } else {
            let evidence = with_evidence.then_some(account);
            self.chain.evict_holder(&mut self.registry, &mint, evidence)
        };
        if self.check_result(result, expected) {
            self.tokens[i].live = false;
            self.tokens[i].last_change = now;
            self.root_changed(before);
        }
    }

    fn create_scope(&mut self, live: bool, closes_in: i64) {
        let mode = if live {
            ScopeMode::Live
        } else {
            ScopeMode::Snapshot
        };
        let closes_at = self.chain.now() + closes_in;
        let spec = ScopeSpec {
            mode: Some(mode),
            closes_at: Some(closes_at),
            ..ScopeSpec::default()
        };
        let scope = self.chain.create_scope(&self.registry, &spec);
        self.lamports = self.chain.lamports();
        self.scopes.push(ScopeModel {
            scope,
            mode,
            snapshot: self.registry.root(),
            closes_at,
            closed: false,
            used: HashSet::new(),
        });
    }

    fn close_scope(&mut self, i: usize) {
        let Some(scope) = self.scopes.get_mut(i) else {
            return;
        };
        let expected = if scope.closed {
            Err(BautaError::ScopeClosed)
        } else {
            Ok(())
        };
        let result = self.chain.close_scope(&scope.scope);
        scope.closed = true;
        self.check_result(result, expected);
    }

    fn verify(&mut self, token: usize, scope: usize, age: usize) {
        let (Some(open), Some(member)) = (self.scopes.get(scope), &self.tokens[token].member) else {
            return;
        };
        let root = self.history[self.history.len().saturating_sub(1 + age)];
        // The forged proof is always valid, so the result depends on root, scope and nullifier.
        let context = self.chain.context_spec();
        let mut verify = Verify {
            payer: self.chain.payer.pubkey(),
            scope: open.scope.address,
            circuit: open.scope.circuit,
            registry: (open.mode == ScopeMode::Live).then_some(self.registry.address),
            auxiliary_registry: None,
            gate: None,
            recipient: context.recipient,
            relayer: None,
            proof: [0; 256],
            root,
            nullifier: member.identity().nullifier(member.entry_id(), open.scope.element),
            claim: bauta_primitives::Claim::of_track(member.track),
            auxiliary_root: None,
            expiry: self.chain.now() + 1_000_000,
            payload: context.payload,
        };
        verify.proof = self.chain.forge(&open.scope, &verify);
        self.submit(scope, verify);
    }

    fn replay(&mut self, which: usize) {
        if let Some((scope, verify)) = self.verifications.get(which).cloned() {
            self.submit(scope, verify);
        }
    }

    fn submit(&mut self, scope: usize, verify: Verify) {
        let now = self.chain.now();
        let open = &self.scopes[scope];
        let known = match open.mode {
            ScopeMode::Snapshot if verify.root == open.snapshot => Ok(()),
            ScopeMode::Snapshot => Err(BautaError::NotTheSnapshot),
            ScopeMode::Live if self.accepts(verify.root, now) => Ok(()),
            ScopeMode::Live => Err(BautaError::UnknownRoot),
        };
        let expected = if open.closed {
            Err(BautaError::ScopeClosed)
        } else if now >= open.closes_at {
            Err(BautaError::ScopeEnded)
        } else if known.is_err() {
            known
        } else if open.used.contains(&verify.nullifier) {
            Err(BautaError::NullifierUsed)
        } else {
            Ok(())
        };
        let result = self.chain.verify(&verify, &[]);
        if self.check_result(result, expected) {
            let first = self.scopes[scope].used.insert(verify.nullifier);
            assert!(first, "a nullifier was accepted twice in a scope");
            self.verifications.push((scope, verify));
        }
    }

    fn reclaim(&mut self, which: usize) {
        let Some((scope, verify)) = self.verifications.get(which).cloned() else {
            return;
        };
        if self.chain.account(&verify.nullifier_account()).is_none() {
            return;
        }
        let open = &self.scopes[scope];
        let over = open.closed || self.chain.now() >= open.closes_at;
        let expected = if over {
            Ok(())
        } else {
            Err(BautaError::ScopeStillOpen)
        };
        let result = self.chain.reclaim_nullifier(&verify);
        self.check_result(result, expected);
    }

    /// Compares a result with the expected one. Returns whether the instruction succeeded.
    fn check_result(&mut self, result: Result<Receipt, Refusal>, expected: Result<(), BautaError>) -> bool {
        let fee = match &result {
            Ok(receipt) => receipt.fee,
            Err(refusal) => refusal.fee,
        };
        let lamports = self.chain.lamports();
        assert_eq!(
            lamports,
            self.lamports - fee,
            "the sum of lamports changed by more than the fee"
        );
        self.lamports = lamports;
        match (result, expected) {
            (Ok(receipt), Ok(())) => {
                self.index(&receipt);
                true
            }
            (Err(refusal), Err(error)) => {
                assert_eq!(
                    refusal.code(),
                    Some(error.into()),
                    "{error:?} was expected, but the error is: {refusal}"
                );
                false
            }
            (Ok(_), Err(error)) => panic!("the instruction succeeded, but {error:?} was expected"),
            (Err(refusal), Ok(())) => panic!("refused: {refusal}\n{}", refusal.logs.join("\n")),
        }
    }

    fn index(&mut self, receipt: &Receipt) {
        for event in &receipt.events {
            let (index, leaf) = match event {
                Event::HolderRegistered(e) => {
                    let leaf = Leaf::of(
                        Commitment::from_bytes(e.commitment).unwrap(),
                        EntryId::of_mint(&e.mint.to_bytes()),
                        Attributes::of_track(e.track),
                    );
                    (e.index, leaf)
                }
                Event::HolderEvicted(e) => (e.index, Leaf::EMPTY),
                Event::MerkleRootUpdated(e) => {
                    assert_eq!(e.sequence, self.sequence + 1);
                    self.sequence = e.sequence;
                    assert_eq!(e.root, self.indexed.root().to_bytes());
                    continue;
                }
                _ => continue,
            };
            self.indexed.set(index, leaf).unwrap();
        }
    }

    /// Applies the kept-root rule, with a list of all roots in place of two rings.
    fn root_changed(&mut self, replaced: Root) {
        let now = self.chain.now();
        let interval = self.interval();
        let passed = |last: Option<i64>, interval| last.is_none_or(|last| now - last >= interval);
        let mut keep = |expires_at| {
            self.kept.push(KeptRoot {
                root: replaced,
                expires_at,
            });
        };
        if passed(self.last_kept, interval) {
            keep(now + self.ttl);
            self.last_kept = Some(now);
        } else if passed(self.last_recent, 2) {
            keep(now + self.ttl.min(64));
            self.last_recent = Some(now);
        }
        self.history.push(self.registry.root());
    }

    /// Returns the seconds between two roots of the long ring: `ttl` divided by the ring's 16
    /// entries, rounded up.
    fn interval(&self) -> i64 {
        (self.ttl + 15) / 16
    }

    fn accepts(&self, root: Root, at: i64) -> bool {
        root == self.registry.root()
            || self
                .kept
                .iter()
                .any(|kept| kept.root == root && at < kept.expires_at)
    }

    fn check(&self) {
        let state = self.chain.registry_state(&self.registry);
        let root = self.registry.root();
        assert_eq!(state.root, root.to_bytes());
        assert_eq!(self.indexed.root(), root);
        assert_eq!(state.sequence, self.sequence);
        let registered = self.tokens.iter().filter(|token| token.member.is_some()).count();
        assert_eq!(state.next_index, registered as u64);
        let mut leaves = BTreeMap::new();
        for token in &self.tokens {
            let Some(member) = &token.member else { continue };
            let leaf = if token.live { member.leaf() } else { Leaf::EMPTY };
            assert!(
                leaves.insert(member.index, leaf).is_none(),
                "two tokens share a leaf"
            );
            let holding = self.chain.holding(&self.registry, &token.nft.mint).unwrap();
            assert_eq!(holding.live == 1, token.live);
            assert_eq!(holding.index, member.index);
        }
        for index in 0..state.next_index + 4 {
            let expected = leaves.get(&index).copied().unwrap_or(Leaf::EMPTY);
            assert_eq!(self.indexed.leaf(index).unwrap(), expected);
        }
        let now = self.chain.now();
        for root in &self.history {
            for at in [now, now + self.ttl / 2, now + self.ttl - 1, now + self.ttl] {
                assert_eq!(
                    state.accepts(&root.to_bytes(), at),
                    self.accepts(*root, at),
                    "a root is accepted for a time that is not that of the rule"
                );
            }
        }
    }
}

fn split(result: Result<(Member, Receipt), Refusal>) -> (Option<Member>, Result<Receipt, Refusal>) {
    match result {
        Ok((member, receipt)) => (Some(member), Ok(receipt)),
        Err(refusal) => (None, Err(refusal)),
    }
}
