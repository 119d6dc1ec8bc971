//! Tests that members can act while an attacker changes the tree as often as the program allows.
//!
//! The attacker holds many tokens whose leaves are in the same subtree of 1,024 leaves as those of
//! the honest members. In 60 seconds, each token can be registered once and, after it has moved,
//! evicted once.

use bauta::errors::BautaError;
use bauta_client::{instructions as ix, root_to_prove};
use bauta_primitives::{Leaf, Root};
use bauta_program_test::{
    Member, Receipt, Refusal, RegistrySpec, ScopeSpec, TestChain, TestRegistry, TestScope, assert_refused,
};

/// The number of changes in the program's changelog.
const CHANGELOG: usize = 64;
const ROOT_TTL: i64 = 3_600;

struct Attack {
    chain: TestChain,
    registry: TestRegistry,
    tokens: Vec<Member>,
    next: usize,
}

impl Attack {
    /// Registers the tokens of an attacker. Their leaves can change at once.
    fn with_tokens(count: usize) -> Self {
        Self::with_root_ttl(count, ROOT_TTL)
    }

    fn with_root_ttl(count: usize, root_ttl: i64) -> Self {
        let mut chain = TestChain::new();
        let mut registry = chain.create_registry(RegistrySpec {
            root_ttl,
            ..RegistrySpec::default()
        });
        let tokens = (0..count).map(|_| chain.add_holder(&mut registry, 5)).collect();
        Self {
            chain,
            registry,
            tokens,
            next: 0,
        }
    }

    /// Registers a member and burns its token. An eviction of the member succeeds.
    fn add_burnt(&mut self) -> Member {
        let member = self.chain.add_holder(&mut self.registry, 5);
        self.burn(&member);
        member
    }

    fn burn(&mut self, member: &Member) {
        self.chain
            .burn_nft(&member.nft)
            .expect("the token program burns it");
    }

    /// Changes a leaf of the attacker. The token must not have been changed in the last minute.
    fn change(&mut self) {
        let nft = self.tokens[self.next % self.tokens.len()].nft.clone();
        self.next += 1;
        self.chain
            .register(&mut self.registry, &nft, None, 5)
            .expect("the attacker's token may change");
    }

    fn evict(&mut self, member: &Member, path: ix::OnChainPath) -> Result<Receipt, Refusal> {
        let evict = ix::EvictHolder {
            registry: self.registry.address,
            tree: self.registry.tree_account,
            mint: member.nft.mint,
            token_account: None,
            left_collection: None,
            metadata: None,
            path,
        };
        self.chain.send(&[evict.instruction()], &[])
    }

    /// Asserts that the program has the root of a tree in which `evicted` are empty.
    #[track_caller]
    fn assert_root_without(&mut self, evicted: &[&Member]) {
        for member in evicted {
            self.registry
                .tree
                .set(member.index, Leaf::EMPTY)
                .expect("the index is in the tree");
        }
        let state = self.chain.registry_state(&self.registry);
        assert_eq!(state.root, self.registry.root().to_bytes());
    }
}

#[test]
fn an_honest_eviction_succeeds_while_every_transaction_changes_the_path() {
    let mut attack = Attack::with_tokens(CHANGELOG + 1);
    let burnt = attack.add_burnt();
    attack.chain.advance_clock(60);
    let stale = attack.chain.on_chain_path(&attack.registry, burnt.index);
    for _ in 0..CHANGELOG {
        attack.change();
    }
    assert_ne!(stale, attack.chain.on_chain_path(&attack.registry, burnt.index));
    attack
        .evict(&burnt, stale)
        .expect("the changelog has every change since the path was read");
    attack.assert_root_without(&[&burnt]);
}

#[test]
fn a_path_older_than_the_changelog_is_refused() {
    let mut attack = Attack::with_tokens(CHANGELOG + 1);
    let burnt = attack.add_burnt();
    attack.chain.advance_clock(60);
    let stale = attack.chain.on_chain_path(&attack.registry, burnt.index);
    // The first change is of the neighbouring leaf. No later change is below the same sibling.
    attack.next = CHANGELOG;
    for _ in 0..=CHANGELOG {
        attack.change();
    }
    assert_refused(attack.evict(&burnt, stale), BautaError::StalePath);
    let fresh = attack.chain.on_chain_path(&attack.registry, burnt.index);
    attack.evict(&burnt, fresh).expect("the path is current");
    attack.assert_root_without(&[&burnt]);
}

/// If the program computed new nodes from the stale siblings, the second eviction would restore the
/// leaf of the first.
#[test]
fn two_evictions_with_paths_of_the_same_time_empty_both_leaves() {
    let mut attack = Attack::with_tokens(3);
    let burnt = [(); 2].map(|()| attack.add_burnt());
    let paths = [0, 1].map(|i| attack.chain.on_chain_path(&attack.registry, burnt[i].index));
    attack.evict(&burnt[0], paths[0]).expect("the path is current");
    attack
        .evict(&burnt[1], paths[1])
        .expect("the path is one change old");
    attack.assert_root_without(&[&burnt[0], &burnt[1]]);
}

/// A proof takes 10 seconds here. The root changes every second, and the ring of long-lived roots
/// keeps one root in 225 seconds.
#[test]
fn a_new_member_of_a_live_scope_proves_while_the_root_changes_every_second() {
    let mut attack = Attack::with_tokens(60);
    let scope = attack.chain.create_scope(&attack.registry, &ScopeSpec::live());
    attack.chain.advance_clock(300);
    for _ in 0..3 {
        attack.change();
        attack.chain.advance_clock(1);
    }
    let member = attack.chain.add_holder(&mut attack.registry, 5);
    // The member proves at a root that the short ring has kept and that contains the new leaf.
    let mut seen = vec![attack.registry.clone()];
    for _ in 0..4 {
        attack.chain.advance_clock(1);
        attack.change();
        seen.push(attack.registry.clone());
    }
    let state = attack.chain.registry_state(&attack.registry);
    let recent = |registry: &&TestRegistry| {
        let root = registry.root().to_bytes();
        state.recent.iter().any(|kept| kept.root == root) && state.root != root
    };
    let proved_at = seen
        .iter()
        .rev()
        .find(recent)
        .expect("a root of the last two seconds is kept");
    let verify = attack.chain.prove(proved_at, &member, &scope);
    for _ in 0..10 {
        attack.chain.advance_clock(1);
        attack.change();
    }
    let state = attack.chain.registry_state(&attack.registry);
    assert!(
        state.kept.iter().all(|kept| kept.root != verify.root.to_bytes()),
        "the long ring does not have the root"
    );
    attack
        .chain
        .verify(&verify, &[])
        .expect("the short ring has the root");
}

/// An attacker who changes the tree in every slot would otherwise prevent a snapshot of the members
/// that its creator has checked.
#[test]
fn a_snapshot_of_an_expected_root_is_created_while_the_root_changes_every_second() {
    let mut attack = Attack::with_tokens(60);
    let member = attack.chain.add_holder(&mut attack.registry, 5);
    attack.chain.advance_clock(300);
    for _ in 0..4 {
        attack.change();
        attack.chain.advance_clock(1);
    }
    // The creator chooses a root that the registry keeps, and needs up to 10 seconds to check its
    // members.
    let mut seen = vec![];
    for _ in 0..10 {
        seen.push(attack.registry.clone());
        attack.change();
        attack.chain.advance_clock(1);
    }
    let state = attack.chain.registry_state(&attack.registry);
    let kept = |registry: &&TestRegistry| {
        let root = registry.root().to_bytes();
        state.recent.iter().any(|kept| kept.root == root)
    };
    let checked = seen.iter().find(kept).expect("a root of two seconds is kept");
    let late = attack.chain.add_holder(&mut attack.registry, 5);
    let spec = ScopeSpec {
        expected_root: Some(checked.root()),
        ..ScopeSpec::default()
    };
    let scope = attack.chain.create_scope(&attack.registry, &spec);
    assert_eq!(attack.chain.snapshot_root(&scope), checked.root());
    let verify = attack.chain.prove(checked, &member, &scope);
    attack
        .chain
        .verify(&verify, &[])
        .expect("it is a member at the root");
    let verify = attack.chain.prove(&attack.registry, &late, &scope);
    assert_refused(attack.chain.verify(&verify, &[]), BautaError::NotTheSnapshot);
}

/// Proves at the root that the client chooses. `seen` are the states that the client knows.
fn prove(attack: &mut Attack, seen: &[TestRegistry], member: &Member, scope: &TestScope) -> ix::Verify {
    let with_leaf = |root: Root| {
        let mut seen = seen.iter().rev();
        seen.find(|seen| seen.root() == root && seen.tree.leaf(member.index) == Ok(member.leaf()))
    };
    let state = attack.chain.registry_state(&attack.registry);
    let root = root_to_prove(&state, attack.chain.now(), |root| with_leaf(root).is_some())
        .expect("the program stores canonical roots")
        .expect("an accepted root contains the leaf");
    let registry = with_leaf(root).expect("the client knows the root");
    attack.chain.prove(registry, member, scope)
}

/// Returns the properties of a live scope that never closes.
fn lasting() -> ScopeSpec {
    ScopeSpec {
        closes_at: Some(i64::MAX),
        ..ScopeSpec::live()
    }
}

/// The long ring keeps one root in 45 hours here. The last entry is a day old.
#[test]
fn a_member_who_has_just_registered_proves_at_once_in_a_registry_with_a_long_root_ttl() {
    for delay in [0, 1, 2, 60] {
        let mut attack = Attack::with_root_ttl(1, 30 * 86_400);
        let scope = attack.chain.create_scope(&attack.registry, &lasting());
        attack.chain.advance_clock(86_400);
        let member = attack.chain.add_holder(&mut attack.registry, 5);
        attack.chain.advance_clock(delay);
        let seen = [attack.registry.clone()];
        let verify = prove(&mut attack, &seen, &member, &scope);
        let mut unchanged = attack.chain.clone();
        unchanged
            .verify(&verify, &[])
            .expect("the current root contains the leaf");
        // From 2 seconds on, a change does not invalidate the proof.
        if delay >= 2 {
            attack.change();
            attack.chain.advance_clock(63);
            attack
                .chain
                .verify(&verify, &[])
                .expect("the short ring keeps the root");
        }
    }
}

/// A proof takes 10 seconds here.
#[test]
fn the_root_that_a_client_chooses_outlives_the_proof_while_the_root_changes_every_second() {
    let mut attack = Attack::with_root_ttl(100, 30 * 86_400);
    let scope = attack.chain.create_scope(&attack.registry, &lasting());
    let early = attack.chain.add_holder(&mut attack.registry, 5);
    attack.chain.advance_clock(3 * 86_400);
    // The long ring keeps this root, which contains only the first member.
    let mut seen = vec![attack.registry.clone()];
    attack.change();
    attack.chain.advance_clock(1);
    let new = attack.chain.add_holder(&mut attack.registry, 5);
    for _ in 0..4 {
        seen.push(attack.registry.clone());
        attack.chain.advance_clock(1);
        attack.change();
    }
    seen.push(attack.registry.clone());
    let long = prove(&mut attack, &seen, &early, &scope);
    assert_eq!(long.root, seen[0].root());
    let short = prove(&mut attack, &seen, &new, &scope);
    for _ in 0..10 {
        attack.chain.advance_clock(1);
        attack.change();
    }
    attack
        .chain
        .verify(&short, &[])
        .expect("the short ring has the root");
    attack.chain.advance_clock(86_400);
    let mut late = long;
    late.expiry = attack.chain.now() + 600;
    late.proof = attack.chain.forge(&scope, &late);
    attack
        .chain
        .verify(&late, &[])
        .expect("the long ring has the root");
}

#[test]
fn an_evicted_member_is_refused_within_root_ttl_whichever_ring_keeps_the_last_root() {
    let mut attack = Attack::with_tokens(60);
    let scope = attack.chain.create_scope(&attack.registry, &ScopeSpec::live());
    let burnt = attack.chain.add_holder(&mut attack.registry, 5);
    attack.chain.advance_clock(300);
    for _ in 0..3 {
        attack.change();
        attack.chain.advance_clock(1);
    }
    attack.burn(&burnt);
    let verify = attack.chain.prove(&attack.registry, &burnt, &scope);
    let path = attack.chain.on_chain_path(&attack.registry, burnt.index);
    attack.evict(&burnt, path).expect("the path is current");
    let mut late = attack.chain.clone();
    attack.chain.advance_clock(63);
    attack
        .chain
        .verify(&verify, &[])
        .expect("the short ring accepts the root for 64 seconds");
    late.advance_clock(64);
    assert_refused(late.verify(&verify, &[]), BautaError::UnknownRoot);
}
