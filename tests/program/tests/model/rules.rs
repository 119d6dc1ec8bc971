//! The rules in plain Rust, beside the world in which the ELF follows them.

use std::collections::{BTreeMap, HashSet};

use crate::{Boundary, Step};
use bauta::errors::BautaError;
use bauta::state::ScopeMode;
use bauta_client::instructions::Verify;
use bauta_client::{Event, ReferenceTree};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf, Nullifier, Root};
use bauta_program_test::{
    Member, Nft, Refused, RegistrySpec, ScopeSpec, Sent, TestRegistry, TestScope, World,
};
use solana_keypair::Keypair;
use solana_signer::Signer;

/// Tokens in play.
pub(crate) const TOKENS: usize = 6;
/// Wallets between which they move.
pub(crate) const WALLETS: usize = 3;

/// What the rules say of one token.
struct Token {
    nft: Nft,
    burnt: bool,
    /// The registration that is or was in the leaf.
    member: Option<Member>,
    live: bool,
    last_change: i64,
}

struct OpenScope {
    scope: TestScope,
    mode: ScopeMode,
    snapshot: Root,
    closes_at: i64,
    closed: bool,
    used: HashSet<Nullifier>,
}

/// A replaced root and until when it is accepted.
struct Kept {
    root: Root,
    expires_at: i64,
}

/// What the rules say, what the chain did, and what its events told.
pub(crate) struct Model {
    world: World,
    registry: TestRegistry,
    ttl: i64,
    tokens: Vec<Token>,
    wallets: Vec<Keypair>,
    scopes: Vec<OpenScope>,
    uses: Vec<(usize, Verify)>,
    /// Every root that ever was current.
    history: Vec<Root>,
    kept: Vec<Kept>,
    last_kept: Option<i64>,
    /// What an indexer knows.
    indexed: ReferenceTree,
    sequence: u64,
    lamports: u64,
}

impl Model {
    /// A world in which nothing has happened yet; kept roots live `ttl` seconds.
    pub(crate) fn new(ttl: i64) -> Self {
        let mut world = World::new();
        let registry = world.create_registry(RegistrySpec {
            root_ttl: ttl,
            ..RegistrySpec::default()
        });
        let wallets: Vec<_> = (0..WALLETS).map(|_| world.person("wallet")).collect();
        let tokens = (0..TOKENS)
            .map(|i| {
                let nft = world.mint_nft(&wallets[i % WALLETS]);
                world
                    .add_collection(&registry, &nft.mint, false, i as u64)
                    .unwrap();
                Token {
                    nft,
                    burnt: false,
                    member: None,
                    live: false,
                    last_change: 0,
                }
            })
            .collect();
        let lamports = world.lamports();
        Self {
            history: vec![registry.root()],
            world,
            registry,
            ttl,
            tokens,
            wallets,
            scopes: vec![],
            uses: vec![],
            kept: vec![],
            last_kept: None,
            indexed: ReferenceTree::new(Depth::Ten),
            sequence: 0,
            lamports,
        }
    }

    /// Takes one step in both, and compares.
    pub(crate) fn take(&mut self, step: &Step) {
        match *step {
            Step::Wait(seconds) => self.world.wait(seconds),
            Step::WaitUntil(ref boundary, offset) => self.wait_until(boundary, offset),
            Step::Register(token) => self.register(token),
            Step::Transfer { token, wallet } => self.transfer(token, wallet),
            Step::Burn(token) => self.burn(token),
            Step::Evict { token, show_holder } => self.evict(token, show_holder),
            Step::CreateScope { live, closes_in } => self.create_scope(live, closes_in),
            Step::CloseScope(scope) => self.close_scope(scope),
            Step::Verify { token, scope, age } => self.verify(token, scope, age),
            Step::Replay(which) => self.replay(which),
            Step::Reclaim(which) => self.reclaim(which),
        }
        self.check();
    }

    /// Does nothing when there is no such moment, or it has passed.
    fn wait_until(&mut self, boundary: &Boundary, offset: i64) {
        let now = self.world.now();
        let moment = match *boundary {
            Boundary::Keeping => self.last_kept.map(|last| last + self.interval()),
            Boundary::Expiry => self.kept.iter().map(|kept| kept.expires_at).find(|at| *at > now),
            Boundary::Change(token) => Some(self.tokens[token].last_change + 60),
            Boundary::End(scope) => self.scopes.get(scope).map(|scope| scope.closes_at),
        };
        if let Some(seconds) = moment.map(|at| at + offset - now).filter(|seconds| *seconds > 0) {
            self.world.wait(seconds);
        }
    }

    fn register(&mut self, i: usize) {
        let now = self.world.now();
        let token = &self.tokens[i];
        let expected = if token.burnt {
            Err(BautaError::SupplyNotOne)
        } else if token.member.is_some() && now - token.last_change < 60 {
            Err(BautaError::ChangedTooRecently)
        } else {
            Ok(())
        };
        let nft = token.nft.clone();
        let before = self.registry.root();
        let result = self.world.enter(&mut self.registry, &nft, None, i as u64);
        let (member, sent) = split(result);
        if self.settle(sent, expected) {
            let token = &mut self.tokens[i];
            token.member = member;
            token.live = true;
            token.last_change = now;
            self.root_changed(before);
        }
    }

    fn transfer(&mut self, i: usize, wallet: usize) {
        let token = &mut self.tokens[i];
        if token.burnt || token.nft.owner.pubkey() == self.wallets[wallet].pubkey() {
            return;
        }
        token.nft = self.world.transfer_nft(&token.nft, &self.wallets[wallet]);
        self.lamports = self.world.lamports();
    }

    fn burn(&mut self, i: usize) {
        let token = &mut self.tokens[i];
        if !token.burnt {
            self.world.burn_nft(&token.nft).unwrap();
            token.burnt = true;
            self.lamports = self.world.lamports();
        }
    }

    fn evict(&mut self, i: usize, show_holder: bool) {
        let token = &self.tokens[i];
        let Some(member) = &token.member else { return };
        let moved = token.nft.owner.pubkey() != member.nft.owner.pubkey();
        let expected = if !token.live {
            Err(BautaError::AlreadyEvicted)
        } else if token.burnt || (show_holder && moved) {
            Ok(())
        } else {
            Err(BautaError::NoEvidence)
        };
        let (mint, account) = (token.nft.mint, token.nft.account);
        let now = self.world.now();
        let before = self.registry.root();
        let result = self
            .world
            .evict(&mut self.registry, &mint, show_holder.then_some(account));
        if self.settle(result, expected) {
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
        let closes_at = self.world.now() + closes_in;
        let spec = ScopeSpec {
            mode: Some(mode),
            closes_at: Some(closes_at),
            ..ScopeSpec::default()
        };
        let scope = self.world.create_scope(&self.registry, &spec);
        self.lamports = self.world.lamports();
        self.scopes.push(OpenScope {
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
        let result = self.world.close_scope(&scope.scope);
        scope.closed = true;
        self.settle(result, expected);
    }

    fn verify(&mut self, token: usize, scope: usize, age: usize) {
        let (Some(open), Some(member)) = (self.scopes.get(scope), &self.tokens[token].member) else {
            return;
        };
        let root = self.history[self.history.len().saturating_sub(1 + age)];
        // the trapdoor proves anything, so what counts is what the program says of root, scope and nullifier
        let wish = self.world.wish();
        let mut verify = Verify {
            payer: self.world.payer.pubkey(),
            scope: open.scope.address,
            circuit: open.scope.circuit,
            registry: (open.mode == ScopeMode::Live).then_some(self.registry.address),
            auxiliary_registry: None,
            gate: None,
            recipient: wish.recipient,
            relayer: None,
            proof: [0; 256],
            root,
            nullifier: member.identity().nullifier(member.entry_id(), open.scope.element),
            claim: bauta_primitives::Claim::of_track(member.track),
            auxiliary_root: None,
            expiry: self.world.now() + 1_000_000,
            payload: wish.payload,
        };
        verify.proof = self.world.forge(&open.scope, &verify);
        self.submit(scope, verify);
    }

    fn replay(&mut self, which: usize) {
        if let Some((scope, verify)) = self.uses.get(which).cloned() {
            self.submit(scope, verify);
        }
    }

    fn submit(&mut self, scope: usize, verify: Verify) {
        let now = self.world.now();
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
        let result = self.world.verify(&verify, &[]);
        if self.settle(result, expected) {
            let first = self.scopes[scope].used.insert(verify.nullifier);
            assert!(first, "a nullifier was accepted twice in a scope");
            self.uses.push((scope, verify));
        }
    }

    fn reclaim(&mut self, which: usize) {
        let Some((scope, verify)) = self.uses.get(which).cloned() else {
            return;
        };
        if self.world.account(&verify.nullifier_account()).is_none() {
            return;
        }
        let open = &self.scopes[scope];
        let over = open.closed || self.world.now() >= open.closes_at;
        let expected = if over {
            Ok(())
        } else {
            Err(BautaError::ScopeStillOpen)
        };
        let result = self.world.reclaim(&verify);
        self.settle(result, expected);
    }

    /// Compares what happened with what the rules say; says whether it succeeded.
    fn settle(&mut self, result: Result<Sent, Refused>, expected: Result<(), BautaError>) -> bool {
        let fee = match &result {
            Ok(sent) => sent.fee,
            Err(refused) => refused.fee,
        };
        let lamports = self.world.lamports();
        assert_eq!(lamports, self.lamports - fee, "lamports were made or lost");
        self.lamports = lamports;
        match (result, expected) {
            (Ok(sent), Ok(())) => {
                self.index(&sent);
                true
            }
            (Err(refused), Err(error)) => {
                assert_eq!(
                    refused.code(),
                    Some(error.into()),
                    "{error:?} was due, but: {refused}"
                );
                false
            }
            (Ok(_), Err(error)) => panic!("succeeded where {error:?} was due"),
            (Err(refused), Ok(())) => panic!("refused: {refused}\n{}", refused.logs.join("\n")),
        }
    }

    fn index(&mut self, sent: &Sent) {
        for event in &sent.events {
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

    /// The kept-root rule, with a list that forgets nothing instead of a ring.
    fn root_changed(&mut self, replaced: Root) {
        let now = self.world.now();
        if self.last_kept.is_none_or(|last| now - last >= self.interval()) {
            self.kept.push(Kept {
                root: replaced,
                expires_at: now + self.ttl,
            });
            self.last_kept = Some(now);
        }
        self.history.push(self.registry.root());
    }

    /// Seconds between two kept roots: the time-to-live over the ring's 16 places, rounded up.
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
        let state = self.world.registry_state(&self.registry);
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
            let holding = self.world.holding(&self.registry, &token.nft.mint).unwrap();
            assert_eq!(holding.live == 1, token.live);
            assert_eq!(holding.index, member.index);
        }
        for index in 0..state.next_index + 4 {
            let expected = leaves.get(&index).copied().unwrap_or(Leaf::EMPTY);
            assert_eq!(self.indexed.leaf(index).unwrap(), expected);
        }
        let now = self.world.now();
        for root in &self.history {
            for at in [now, now + self.ttl / 2, now + self.ttl - 1, now + self.ttl] {
                assert_eq!(
                    state.accepts(&root.to_bytes(), at),
                    self.accepts(*root, at),
                    "a root's life isn't what the rule says"
                );
            }
        }
    }
}

fn split(result: Result<(Member, Sent), Refused>) -> (Option<Member>, Result<Sent, Refused>) {
    match result {
        Ok((member, sent)) => (Some(member), Ok(sent)),
        Err(refused) => (None, Err(refused)),
    }
}
