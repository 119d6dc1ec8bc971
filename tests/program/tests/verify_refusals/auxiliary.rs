//! The auxiliary registry and its root.

use crate::elements::plus_modulus;
use crate::scene::scene;
use bauta::errors::BautaError;
use bauta::state::RegistryKind;
use bauta_client::instructions::Verify;
use bauta_primitives::{FieldElement, Root};
use bauta_program_test::{RegistrySpec, ScopeSpec, World, assert_refused};

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
