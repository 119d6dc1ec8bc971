//! Everything that `verify` refuses, one thing wrong at a time, each with its own error.
//!
//! Proofs come from a key whose trapdoor is known, so a valid proof can be had for any digest: what is refused here is
//! refused by the program's rules, not because a circuit happened not to allow it. The last test shows the same digest
//! binding with the real circuit.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta::state::RegistryKind;
use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, FieldElement, Nullifier, Root};
use bauta_svm::{
    Member, RegistrySpec, ScopeSpec, TestRegistry, TestScope, TrapdoorKey, World, assert_refused, keypair,
};
use solana_address::Address;
use solana_signer::Signer;

/// A world, a registry of two members, a scope and the first member's valid use.
struct Scene {
    world: World,
    registry: TestRegistry,
    members: [Member; 2],
    scope: TestScope,
    verify: Verify,
}

fn scene(spec: &ScopeSpec) -> Scene {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let members = [world.holder(&mut registry, 5), world.holder(&mut registry, 6)];
    let scope = world.create_scope(&registry, spec);
    let verify = world.prove(&registry, &members[0], &scope);
    Scene {
        world,
        registry,
        members,
        scope,
        verify,
    }
}

impl Scene {
    /// The use with one thing changed and a proof that is valid for it as changed.
    fn forged(&self, change: impl FnOnce(&mut Verify)) -> Verify {
        let mut verify = self.verify.clone();
        change(&mut verify);
        verify.proof = self.world.forge(&self.scope, &verify);
        verify
    }

    #[track_caller]
    fn refuses(&mut self, verify: &Verify, error: BautaError) {
        assert_refused(self.world.verify(verify, &[]), error);
        // a refusal leaves nothing behind that would stand in the way of the rightful use
        assert!(self.world.account(&self.verify.nullifier_account()).is_none());
    }

    #[track_caller]
    fn accepts(&mut self, verify: &Verify) {
        if let Err(refused) = self.world.verify(verify, &[]) {
            panic!("{refused}\n{}", refused.logs.join("\n"));
        }
    }
}

#[test]
fn the_same_nullifier_is_refused_whatever_else_is_new() {
    let mut s = scene(&ScopeSpec::default());
    let first = s.verify.clone();
    s.accepts(&first);
    assert_refused(s.world.verify(&first, &[]), BautaError::NullifierUsed);
    let other = s.forged(|v| {
        v.recipient = keypair("another recipient").pubkey();
        v.payload = b"another payload".to_vec();
    });
    assert_refused(s.world.verify(&other, &[]), BautaError::NullifierUsed);
    let digest = s.world.digest(&s.scope, &first);
    let mauled = Verify {
        proof: s.world.trapdoor().prove_with(digest, 4242),
        ..first.clone()
    };
    assert_ne!(mauled.proof, first.proof);
    assert_refused(s.world.verify(&mauled, &[]), BautaError::NullifierUsed);
}

type Change = Box<dyn Fn(&mut Verify)>;

#[test]
fn every_component_of_the_digest_changed_alone_breaks_the_proof() {
    // a Live scope without required claim, so that no earlier rule hides the proof's own
    let mut s = scene(&ScopeSpec::live());
    let old_root = s.registry.root();
    s.world.wait(3600);
    s.world.holder(&mut s.registry, 5);
    assert_ne!(s.registry.root(), old_root);
    s.verify.expiry = s.world.now() + 600;
    s.verify.proof = s.world.forge(&s.scope, &s.verify);
    let current = s.registry.root();
    let changes: [(&str, Change); 7] = [
        (
            "root, to another that is accepted",
            Box::new(move |v| v.root = current),
        ),
        (
            "nullifier",
            Box::new(|v| v.nullifier = Nullifier::new(FieldElement::from_u64(1))),
        ),
        ("claim", Box::new(|v| v.claim = Claim::of_track(6))),
        ("recipient", Box::new(|v| v.recipient = keypair("thief").pubkey())),
        ("expiry", Box::new(|v| v.expiry += 1)),
        ("payload", Box::new(|v| v.payload.push(0))),
        ("payload, emptied", Box::new(|v| v.payload.clear())),
    ];
    for (what, change) in changes {
        let mut verify = s.verify.clone();
        change(&mut verify);
        let refused = s.world.verify(&verify, &[]).expect_err(what);
        assert_eq!(refused.name(), "ProofRefused", "{what}");
    }
    // relayer, from anyone to somebody who signs
    let relayer = keypair("relayer");
    let relayed = Verify {
        relayer: Some(relayer.pubkey()),
        ..s.verify.clone()
    };
    assert_refused(s.world.verify(&relayed, &[&relayer]), BautaError::ProofRefused);
    // scope, to another of the same registry
    let other = s.world.create_scope(&s.registry, &ScopeSpec::live());
    let elsewhere = Verify {
        scope: other.address,
        ..s.verify.clone()
    };
    assert_refused(s.world.verify(&elsewhere, &[]), BautaError::ProofRefused);
    let verify = s.verify.clone();
    s.accepts(&verify);
}

#[test]
fn a_proof_of_another_cluster_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let mut elsewhere = s.world.clone();
    elsewhere.cluster_tag = [9; 32];
    let scope = TestScope {
        element: elsewhere.scope_element(&s.scope.address),
        creator: s.scope.creator.insecure_clone(),
        ..s.scope
    };
    let verify = elsewhere.prove(&s.registry, &s.members[0], &scope);
    s.refuses(&verify, BautaError::ProofRefused);
    // with the nullifier of this cluster the other cluster's proof still doesn't fit
    let verify = Verify {
        nullifier: s.verify.nullifier,
        ..verify
    };
    s.refuses(&verify, BautaError::ProofRefused);
}

#[test]
fn somebody_who_is_no_member_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    // they can prove in a tree of their own, but not at the scope's root
    let mut own = s.world.create_registry(RegistrySpec::default());
    let stranger = s.world.holder(&mut own, 5);
    let mut verify = s.world.prove(&own, &stranger, &s.scope);
    s.refuses(&verify, BautaError::NotTheSnapshot);
    verify.root = s.registry.root();
    s.refuses(&verify, BautaError::ProofRefused);
}

#[test]
fn a_proof_at_another_registrys_root_is_refused_in_a_live_scope() {
    let mut s = scene(&ScopeSpec::live());
    let mut own = s.world.create_registry(RegistrySpec::default());
    let stranger = s.world.holder(&mut own, 5);
    let verify = s.world.prove(&own, &stranger, &s.scope);
    s.refuses(&verify, BautaError::UnknownRoot);
    let theirs = Verify {
        registry: Some(own.address),
        ..verify
    };
    s.refuses(&theirs, BautaError::WrongRegistry);
    let missing = Verify {
        registry: None,
        ..s.verify.clone()
    };
    s.refuses(&missing, BautaError::MissingRegistry);
}

#[test]
fn a_root_of_a_live_registry_is_refused_in_a_snapshot_scope() {
    let mut s = scene(&ScopeSpec::default());
    s.world.holder(&mut s.registry, 5);
    let verify = s.world.prove(&s.registry, &s.members[0], &s.scope);
    s.refuses(&verify, BautaError::NotTheSnapshot);
}

#[test]
fn an_expired_proof_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let verify = s.verify.clone();
    s.world.wait(601);
    s.refuses(&verify, BautaError::ProofExpired);
    let late = s.forged(|v| v.expiry = i64::MIN);
    s.refuses(&late, BautaError::ProofExpired);
    let mut on_time = s.verify.clone();
    on_time.expiry = s.world.now();
    on_time.proof = s.world.forge(&s.scope, &on_time);
    s.accepts(&on_time);
}

#[test]
fn a_call_around_the_gate_is_refused() {
    let gate = keypair("gate");
    let mut s = scene(&ScopeSpec {
        gate: Some(gate.pubkey()),
        ..ScopeSpec::default()
    });
    let around = Verify {
        gate: None,
        ..s.verify.clone()
    };
    s.refuses(&around, BautaError::GateMustSign);
    let other = keypair("another gate");
    let wrong = Verify {
        gate: Some(other.pubkey()),
        ..s.verify.clone()
    };
    assert_refused(s.world.verify(&wrong, &[&other]), BautaError::GateMustSign);
    // named but not signing
    let mut unsigned = s.verify.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != gate.pubkey();
    }
    assert_refused(s.world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let verify = s.verify.clone();
    s.world.verify(&verify, &[&gate]).unwrap();
}

#[test]
fn a_relayer_who_does_not_sign_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let relayer = keypair("relayer");
    let mut wish = s.world.wish();
    wish.relayer = Some(relayer.pubkey());
    let verify = s.world.prove_for(&s.registry, &s.members[0], &s.scope, wish);
    let mut unsigned = verify.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != relayer.pubkey();
    }
    assert_refused(s.world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let left_out = Verify {
        relayer: None,
        ..verify.clone()
    };
    s.refuses(&left_out, BautaError::ProofRefused);
    let thief = keypair("another relayer");
    let stolen = Verify {
        relayer: Some(thief.pubkey()),
        ..verify.clone()
    };
    assert_refused(s.world.verify(&stolen, &[&thief]), BautaError::ProofRefused);
    s.world.verify(&verify, &[&relayer]).unwrap();
}

#[test]
fn a_wrong_claim_is_refused_where_the_scope_requires_one() {
    let mut s = scene(&ScopeSpec {
        required_claim: Some(Claim::of_track(5)),
        ..ScopeSpec::default()
    });
    let other = s.world.prove(&s.registry, &s.members[1], &s.scope);
    s.refuses(&other, BautaError::WrongClaim);
    let verify = s.verify.clone();
    s.accepts(&verify);
}

#[test]
fn verifications_are_refused_while_paused_and_nothing_else_is() {
    let mut s = scene(&ScopeSpec::default());
    s.world.pause(true).unwrap();
    let verify = s.verify.clone();
    s.refuses(&verify, BautaError::Paused);
    s.world.holder(&mut s.registry, 7);
    s.world.create_scope(&s.registry, &ScopeSpec::live());
    s.world.pause(false).unwrap();
    s.accepts(&verify);
}

#[test]
fn a_closed_scope_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    s.world.close_scope(&s.scope).unwrap();
    let verify = s.verify.clone();
    s.refuses(&verify, BautaError::ScopeClosed);
}

#[test]
fn a_scope_is_open_from_opens_at_until_before_closes_at() {
    let now = bauta_svm::BEGINNING;
    let mut s = scene(&ScopeSpec {
        opens_at: Some(now + 100),
        closes_at: Some(now + 200),
        ..ScopeSpec::default()
    });
    let first = s.verify.clone();
    s.world.wait(99);
    s.refuses(&first, BautaError::ScopeNotOpenYet);
    s.world.wait(1);
    let second = s.world.prove(&s.registry, &s.members[1], &s.scope);
    s.accepts(&second);
    s.world.wait(100);
    s.refuses(&first, BautaError::ScopeEnded);
}

#[test]
fn a_retired_circuit_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    s.world.retire_circuit(s.scope.circuit).unwrap();
    let verify = s.verify.clone();
    s.refuses(&verify, BautaError::CircuitRetired);
}

#[test]
fn another_circuit_than_the_scopes_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let key = TrapdoorKey::new(2);
    let circuit = s.world.register_trapdoor(key).unwrap();
    let digest = s.world.digest(&s.scope, &s.verify);
    let verify = Verify {
        circuit,
        proof: key.prove(digest),
        ..s.verify.clone()
    };
    s.refuses(&verify, BautaError::WrongCircuit);
}

#[test]
fn a_scope_of_another_program_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    // the same bytes in an account that another program owns
    let mut copy = s.world.account(&s.scope.address).unwrap();
    copy.owner = Address::new_from_array([7; 32]);
    let address = keypair("copied scope").pubkey();
    s.world.set_account(&address, copy);
    let verify = Verify {
        scope: address,
        ..s.verify.clone()
    };
    assert_refused(
        s.world.verify(&verify, &[]),
        ErrorCode::AccountOwnedByWrongProgram,
    );
}

/// r itself, and the honest value plus r, which is the same element: both are refused, for each argument.
#[test]
fn an_element_of_r_or_above_is_refused_for_each_argument() {
    let mut s = scene(&ScopeSpec::live());
    let honest = s.verify.clone();
    // where the argument's 32 bytes lie in the instruction's data: after the discriminator and the proof
    let arguments = [
        (0, honest.root.to_bytes(), BautaError::RootNotCanonical),
        (32, honest.nullifier.to_bytes(), BautaError::NullifierNotCanonical),
        (64, honest.claim.to_bytes(), BautaError::ClaimNotCanonical),
    ];
    for (offset, value, error) in arguments {
        for unreduced in [FieldElement::MODULUS, plus_modulus(value), [0xff; 32]] {
            let mut instruction = honest.instruction();
            let at = 8 + 256 + offset;
            assert_eq!(instruction.data[at..at + 32], value);
            instruction.data[at..at + 32].copy_from_slice(&unreduced);
            assert_refused(s.world.send(&[instruction], &[]), error);
        }
    }
}

/// `value + r` as 32 big-endian bytes; fits, since both are below 2^254.
fn plus_modulus(value: [u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0u16;
    for i in (0..32).rev() {
        let digit = u16::from(value[i]) + u16::from(FieldElement::MODULUS[i]) + carry;
        sum[i] = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    assert_eq!(carry, 0);
    sum
}

#[test]
fn damaged_proofs_are_refused() {
    let mut s = scene(&ScopeSpec::default());
    // each coordinate's lowest byte: off the curve
    for coordinate in 0..8 {
        let mut verify = s.verify.clone();
        verify.proof[32 * coordinate + 31] ^= 1;
        s.refuses(&verify, BautaError::ProofPointInvalid);
    }
    // a coordinate of q or above
    let mut verify = s.verify.clone();
    verify.proof[..32].fill(0xff);
    s.refuses(&verify, BautaError::ProofPointInvalid);
    // points at infinity: valid points, of no valid proof
    for range in [0..64, 64..192, 192..256, 0..256] {
        let mut verify = s.verify.clone();
        verify.proof[range].fill(0);
        s.refuses(&verify, BautaError::ProofRefused);
    }
    // A not negated: y becomes q - y
    let mut verify = s.verify.clone();
    let negated = minus(&verify.proof[32..64]);
    verify.proof[32..64].copy_from_slice(&negated);
    s.refuses(&verify, BautaError::ProofRefused);
    // G2 with the real part first, as arkworks has it
    let mut verify = s.verify.clone();
    verify.proof[64..128].rotate_left(32);
    verify.proof[128..192].rotate_left(32);
    s.refuses(&verify, BautaError::ProofPointInvalid);
}

/// q of EIP-196.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// q − y.
fn minus(y: &[u8]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = 0i16;
    for i in (0..32).rev() {
        let digit = i16::from(Q[i]) - i16::from(y[i]) - borrow;
        borrow = i16::from(digit < 0);
        difference[i] = digit.to_le_bytes()[0];
    }
    difference
}

#[test]
fn another_nullifier_account_than_the_derived_one_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let derived = s.verify.nullifier_account();
    let mut instruction = s.verify.instruction();
    for meta in &mut instruction.accounts {
        if meta.pubkey == derived {
            meta.pubkey = keypair("anywhere").pubkey();
        }
    }
    assert_refused(
        s.world.send(&[instruction], &[]),
        BautaError::WrongNullifierAddress,
    );
}

#[test]
fn a_token_sold_to_oneself_and_registered_again_counts_once_in_a_snapshot_scope() {
    let mut s = scene(&ScopeSpec::default());
    let first = s.verify.clone();
    s.accepts(&first);
    let other_wallet = s.world.person("the same person's other wallet");
    let sold = s.world.transfer_nft(&s.members[0].nft, &other_wallet);
    s.world.wait(60);
    let (again, _) = s.world.enter(&mut s.registry, &sold, None, 5).unwrap();
    assert_eq!(again.index, s.members[0].index, "the token keeps its leaf");
    // a new secret gives a new nullifier, but the snapshot knows only the old leaf
    let verify = s.world.prove(&s.registry, &again, &s.scope);
    assert_ne!(verify.nullifier, first.nullifier);
    s.refuses_new(&verify, BautaError::NotTheSnapshot);
    let at_snapshot = Verify {
        root: s.world.snapshot(&s.scope),
        ..verify
    };
    s.refuses_new(&at_snapshot, BautaError::ProofRefused);
    // in a Live scope it counts again: that is what Live means
    let live = s.world.create_scope(&s.registry, &ScopeSpec::live());
    let verify = s.world.prove(&s.registry, &again, &live);
    s.accepts(&verify);
}

impl Scene {
    #[track_caller]
    fn refuses_new(&mut self, verify: &Verify, error: BautaError) {
        assert_refused(self.world.verify(verify, &[]), error);
    }
}

#[test]
fn an_auxiliary_root_that_the_prover_chose_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let auxiliary = world.create_registry(RegistrySpec::of_kind(RegistryKind::Attested));
    let published = Root::new(FieldElement::from_u64(77));
    world.publish_root(&auxiliary, published).unwrap();
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            auxiliary_registry: Some(auxiliary.address),
            ..ScopeSpec::default()
        },
    );
    let mut verify = world.prove(&registry, &member, &scope);
    let with = |world: &World, verify: &Verify, root: Option<Root>| {
        let mut verify = Verify {
            auxiliary_root: root,
            ..verify.clone()
        };
        verify.proof = world.forge(&scope, &verify);
        verify
    };
    let chosen = with(&world, &verify, Some(Root::new(FieldElement::from_u64(78))));
    assert_refused(world.verify(&chosen, &[]), BautaError::UnknownAuxiliaryRoot);
    let absent = with(&world, &verify, None);
    assert_refused(world.verify(&absent, &[]), BautaError::MissingAuxiliary);
    let good = with(&world, &verify, Some(published));
    let left_out = Verify {
        auxiliary_registry: None,
        ..good.clone()
    };
    assert_refused(world.verify(&left_out, &[]), BautaError::MissingAuxiliary);
    let other = world.create_registry(RegistrySpec::of_kind(RegistryKind::Attested));
    world.publish_root(&other, published).unwrap();
    let swapped = Verify {
        auxiliary_registry: Some(other.address),
        ..good.clone()
    };
    assert_refused(world.verify(&swapped, &[]), BautaError::WrongAuxiliaryRegistry);
    // a proof that was made for the value alone
    verify.auxiliary_root = None;
    let unbound = Verify {
        proof: world.forge(&scope, &verify),
        auxiliary_root: Some(published),
        ..verify.clone()
    };
    assert_refused(world.verify(&unbound, &[]), BautaError::ProofRefused);
    let mut unreduced = good.instruction();
    let at = 8 + 256 + 3 * 32 + 1;
    assert_eq!(unreduced.data[at..at + 32], published.to_bytes());
    unreduced.data[at..at + 32].copy_from_slice(&plus_modulus(published.to_bytes()));
    assert_refused(
        world.send(&[unreduced], &[]),
        BautaError::AuxiliaryRootNotCanonical,
    );
    world.verify(&good, &[]).unwrap();
}

#[test]
fn an_auxiliary_root_is_refused_where_the_scope_has_no_auxiliary_registry() {
    let mut s = scene(&ScopeSpec::default());
    let verify = s.forged(|v| v.auxiliary_root = Some(Root::new(FieldElement::from_u64(1))));
    s.refuses(&verify, BautaError::UnexpectedAuxiliary);
}

#[test]
fn a_real_proof_is_bound_to_every_component() {
    let mut world = World::new();
    let circuit = world.register_ownership().unwrap();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            circuit: Some(circuit),
            ..ScopeSpec::default()
        },
    );
    let verify = world.prove(&registry, &member, &scope);
    let changes: [fn(&mut Verify); 5] = [
        |v| v.nullifier = Nullifier::new(FieldElement::from_u64(1)),
        |v| v.claim = Claim::of_track(6),
        |v| v.recipient = keypair("thief").pubkey(),
        |v| v.expiry += 1,
        |v| v.payload.push(0),
    ];
    for change in changes {
        let mut changed = verify.clone();
        change(&mut changed);
        assert_refused(world.verify(&changed, &[]), BautaError::ProofRefused);
    }
    world.verify(&verify, &[]).unwrap();
}
