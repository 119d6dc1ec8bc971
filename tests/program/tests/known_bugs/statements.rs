//! Tests `reputation` and `address` with their real circuits.

use std::sync::LazyLock;

use bauta::errors::BautaError;
use bauta::state::{RegistryKind, ScopeMode};
use bauta_circuits::statements::{AddressInputs, NotRevoked, ReputationInputs};
use bauta_circuits::{Address, AnyKey, Reputation, Statement};
use bauta_client::RevocationList;
use bauta_client::instructions::Verify;
use bauta_primitives::statements::{
    Address as Contents, AddressClaim, Gap, Handle, Pattern, Salt, Score, ScoreClaim, parse_pid,
};
use bauta_primitives::tree::Depth;
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Leaf, ProofInputs, Scope,
};
use bauta_program_test::{
    Receipt, RegistrySpec, ScopeSpec, TestChain, TestRegistry, TestScope, assert_refused,
};
use solana_signer::Signer;

static REPUTATION: LazyLock<AnyKey> = LazyLock::new(|| key(Reputation::NAME));
static ADDRESS: LazyLock<AnyKey> = LazyLock::new(|| key(Address::NAME));

/// The time for which kept roots are accepted.
const ROOT_TTL: i64 = 600;

fn key(statement: &str) -> AnyKey {
    AnyKey::load_or_setup_development(statement, Depth::Ten)
        .unwrap()
        .unwrap()
}

fn element(value: u64) -> FieldElement {
    FieldElement::from_u64(value)
}

/// The first member of a managed registry.
struct Person {
    secret: u64,
    entry: u64,
}

const PERSON: Person = Person {
    secret: 21,
    entry: 22,
};

impl Person {
    fn identity(&self) -> IdentitySecret {
        IdentitySecret::from_bytes(&mut element(self.secret).to_bytes()).unwrap()
    }

    fn leaf(&self, attributes: Attributes) -> Leaf {
        Leaf::of(
            self.identity().commitment(),
            EntryId::new(element(self.entry)),
            attributes,
        )
    }

    fn inputs(
        &self,
        registry: &TestRegistry,
        attributes: Attributes,
        bound: (Scope, Context),
    ) -> ProofInputs {
        ProofInputs {
            secret: self.identity(),
            entry_id: EntryId::new(element(self.entry)),
            attributes,
            path: registry.tree.path(0).unwrap(),
            root: registry.root(),
            scope: bound.0,
            claim: Claim::new(FieldElement::ZERO),
            context: bound.1,
            private: (),
        }
    }
}

fn managed(chain: &mut TestChain, leaf_format: u8, leaf: Leaf) -> TestRegistry {
    let mut registry = chain.create_registry(RegistrySpec {
        leaf_format,
        root_ttl: ROOT_TTL,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    chain.append_leaves(&mut registry, &[leaf]).unwrap();
    registry
}

#[test]
fn a_scope_with_a_required_claim_accepts_a_threshold_of_a_score_once() {
    let mut chain = TestChain::new();
    let now = u64::try_from(chain.now()).unwrap();
    let salt = Salt::from_bytes(&mut [3; 32]).unwrap();
    let score = Score::new(750_000, element(4), now - 10, now + 10_000, salt).unwrap();
    let registry = managed(&mut chain, 2, PERSON.leaf(score.attributes()));
    let circuit = chain.register_statement(&REPUTATION).unwrap();
    let claim = ScoreClaim {
        exact: false,
        shown: 500_000,
        domain: element(4),
        as_of: now,
    };
    let spec = ScopeSpec {
        circuit: Some(circuit),
        required_claim: Some(claim.claim()),
        ..ScopeSpec::default()
    };
    let scope = chain.create_scope(&registry, &spec);
    let prove = |chain: &mut TestChain, claim: ScoreClaim| {
        let score = score.clone();
        chain.prove_statement(&REPUTATION, &scope, (claim.claim(), None), |scope, context| {
            let inputs = PERSON.inputs(&registry, score.attributes(), (scope, context));
            inputs
                .with(claim.claim(), ReputationInputs { score, claim })
                .into()
        })
    };
    // A lower threshold is another claim.
    let lower = ScoreClaim { shown: 1, ..claim };
    let lower = prove(&mut chain, lower);
    assert_refused(chain.verify(&lower, &[]), BautaError::WrongClaim);
    let verify = prove(&mut chain, claim);
    // `verify` of `ownership` takes 92,213 if the address of the nullifier skips eight bumps.
    let receipt = chain.verify(&verify, &[]).unwrap();
    assert!(receipt.compute_units <= 95_213, "{}", receipt.compute_units);
    let again = prove(&mut chain, claim);
    assert_eq!(chain.verify(&again, &[]).unwrap_err().name(), "NullifierUsed");
}

/// The registries of addresses and of revocations, and a scope over both.
struct Places {
    chain: TestChain,
    registry: TestRegistry,
    list: TestRegistry,
    revocations: RevocationList,
    scope: TestScope,
    address: Contents,
    claim: AddressClaim,
}

impl Places {
    fn new() -> Self {
        let mut chain = TestChain::new();
        let now = u64::try_from(chain.now()).unwrap();
        let handle = Handle::new(1_000).unwrap();
        let address = Contents::new(parse_pid("JP-13-113").unwrap(), handle, 392, now + 100_000).unwrap();
        let registry = managed(&mut chain, 3, PERSON.leaf(address.attributes()));
        let list = managed(&mut chain, Gap::LEAF_FORMAT, Gap::ALL.leaf());
        let circuit = chain.register_statement(&ADDRESS).unwrap();
        let claim = AddressClaim::of(Pattern::Prefix(2), &address, now);
        let spec = ScopeSpec {
            mode: Some(ScopeMode::Live),
            circuit: Some(circuit),
            auxiliary_registry: Some(list.address),
            // The required claim is the value: it does not change with the list.
            required_claim: Some(Claim::new(claim.value())),
            ..ScopeSpec::default()
        };
        let scope = chain.create_scope(&registry, &spec);
        Self {
            chain,
            registry,
            list,
            revocations: RevocationList::default(),
            scope,
            address,
            claim,
        }
    }

    /// Proves with an element of a list. The chain's list can be another one.
    fn prove(&mut self, list: &TestRegistry, index: u64, gap: Gap) -> Verify {
        let not_revoked = NotRevoked::new(gap, list.tree.path(index).unwrap(), list.root()).unwrap();
        let (claim, root) = (self.claim, list.root());
        let address = self.address.clone();
        let registry = &self.registry;
        let shown = (Claim::new(claim.value()), Some(root));
        self.chain
            .prove_statement(&ADDRESS, &self.scope, shown, |scope, context| {
                let inputs = PERSON.inputs(registry, address.attributes(), (scope, context));
                let private = AddressInputs {
                    address,
                    claim,
                    not_revoked,
                };
                inputs.with(claim.claim(root), private).into()
            })
    }

    /// Revokes a handle in one transaction.
    fn revoke(&mut self, handle: u128) -> Receipt {
        let revocation = self.revocations.revoke(&Handle::new(handle).unwrap()).unwrap();
        let list = &mut self.list;
        let authority = list.authority.pubkey();
        let instructions = revocation.instructions(authority, list.address, list.tree_account);
        let receipt = self.chain.send(&instructions, &[&list.authority]).unwrap();
        list.set_leaf(list.next_index, revocation.appended.leaf());
        list.set_leaf(revocation.index, revocation.new.leaf());
        assert_eq!(list.root(), self.revocations.root());
        receipt
    }
}

#[test]
fn a_revoked_address_is_refused_when_the_kept_root_has_expired_and_others_are_not() {
    let mut places = Places::new();
    let before = places.list.clone();
    let kept = places.prove(&before, 0, Gap::ALL);
    places.revoke(1_000);
    places.chain.advance_clock(ROOT_TTL + 1);
    let mut expired = places.prove(&before, 0, Gap::ALL);
    assert_refused(
        places.chain.verify(&expired, &[]),
        BautaError::UnknownAuxiliaryRoot,
    );
    // The proof is not valid for the current root.
    expired.auxiliary_root = Some(places.list.root());
    assert_refused(places.chain.verify(&expired, &[]), BautaError::ProofRefused);
    assert_refused(places.chain.verify(&kept, &[]), BautaError::ProofExpired);
}

#[test]
fn a_revocation_takes_effect_at_the_end_of_root_ttl_and_shuts_out_no_other_address() {
    let mut places = Places::new();
    let before = places.list.clone();
    // The handle 2,000 is greater than that of the address, which therefore uses the first element.
    let receipt = places.revoke(2_000);
    assert!(
        receipt.transaction_bytes <= 1_232,
        "{}",
        receipt.transaction_bytes
    );
    assert!(receipt.compute_units <= 80_000, "{}", receipt.compute_units);
    let first = Gap::new(0, 2_000).unwrap();
    let (list, other) = (places.list.clone(), places.list.clone());
    let verify = places.prove(&list, 0, first);
    // Another root in the claim is another digest.
    let mut wrong = verify.clone();
    wrong.auxiliary_root = Some(before.root());
    assert_refused(places.chain.verify(&wrong, &[]), BautaError::ProofRefused);
    // A list of the prover's own.
    let mut own = other;
    own.set_leaf(5, Leaf::new(element(1)));
    let chosen = places.prove(&own, 0, first);
    assert_refused(
        places.chain.verify(&chosen, &[]),
        BautaError::UnknownAuxiliaryRoot,
    );
    // The replaced root is kept for root_ttl.
    let kept = places.prove(&before, 0, Gap::ALL);
    let receipt = places.chain.verify(&kept, &[]).unwrap();
    assert!(receipt.compute_units <= 98_000, "{}", receipt.compute_units);
    // The kept root and the current one are the same use.
    assert_eq!(
        places.chain.verify(&verify, &[]).unwrap_err().name(),
        "NullifierUsed"
    );
}
