//! Tests the auxiliary registry and its root.

use crate::elements::plus_modulus;
use crate::fixture::Fixture;
use bauta::errors::BautaError;
use bauta::state::RegistryKind;
use bauta_client::instructions::Verify;
use bauta_primitives::{FieldElement, Root};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain, TrapdoorKey, assert_refused};

#[test]
fn an_auxiliary_root_that_the_prover_chose_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let auxiliary = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Attested));
    let published = Root::new(FieldElement::from_u64(77));
    chain.publish_root(&auxiliary, published).unwrap();
    let circuit = chain
        .register_trapdoor_with_auxiliary(TrapdoorKey::new(2), 1)
        .unwrap();
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            circuit: Some(circuit),
            auxiliary_registry: Some(auxiliary.address),
            ..ScopeSpec::default()
        },
    );
    let mut verify = chain.prove(&registry, &member, &scope);
    let with = |chain: &TestChain, verify: &Verify, root: Option<Root>| {
        let mut verify = Verify {
            auxiliary_root: root,
            ..verify.clone()
        };
        verify.proof = chain.forge(&scope, &verify);
        verify
    };
    let chosen = with(&chain, &verify, Some(Root::new(FieldElement::from_u64(78))));
    assert_refused(chain.verify(&chosen, &[]), BautaError::UnknownAuxiliaryRoot);
    let absent = with(&chain, &verify, None);
    assert_refused(chain.verify(&absent, &[]), BautaError::MissingAuxiliary);
    let good = with(&chain, &verify, Some(published));
    let omitted = Verify {
        auxiliary_registry: None,
        ..good.clone()
    };
    assert_refused(chain.verify(&omitted, &[]), BautaError::MissingAuxiliary);
    let other = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Attested));
    chain.publish_root(&other, published).unwrap();
    let swapped = Verify {
        auxiliary_registry: Some(other.address),
        ..good.clone()
    };
    assert_refused(chain.verify(&swapped, &[]), BautaError::WrongAuxiliaryRegistry);
    // A proof for the claim without the auxiliary root.
    verify.auxiliary_root = None;
    let unbound = Verify {
        proof: chain.forge(&scope, &verify),
        auxiliary_root: Some(published),
        ..verify.clone()
    };
    assert_refused(chain.verify(&unbound, &[]), BautaError::ProofRefused);
    let mut unreduced = good.instruction();
    let at = 8 + 256 + 3 * 32 + 1;
    assert_eq!(unreduced.data[at..at + 32], published.to_bytes());
    unreduced.data[at..at + 32].copy_from_slice(&plus_modulus(published.to_bytes()));
    assert_refused(
        chain.send(&[unreduced], &[]),
        BautaError::AuxiliaryRootNotCanonical,
    );
    chain.verify(&good, &[]).unwrap();
}

/// Without an auxiliary registry, the prover could choose the root in the claim.
#[test]
fn a_scope_has_an_auxiliary_registry_exactly_if_its_circuit_includes_a_root_of_that_format() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let without = chain.circuit();
    let with = chain
        .register_trapdoor_with_auxiliary(TrapdoorKey::new(2), 2)
        .unwrap();
    let attested = RegistrySpec::of_kind(RegistryKind::Attested);
    let [good, other_format, deep] = [(2, 10), (1, 10), (2, 16)].map(|(leaf_format, depth)| {
        chain
            .create_registry(RegistrySpec {
                leaf_format,
                depth,
                ..attested
            })
            .address
    });
    for (circuit, auxiliary_registry, error) in [
        (with, None, BautaError::MissingAuxiliaryRegistry),
        (with, Some(other_format), BautaError::AuxiliaryFormatMismatch),
        (with, Some(deep), BautaError::AuxiliaryDepthMismatch),
        (without, Some(good), BautaError::UnexpectedAuxiliaryRegistry),
    ] {
        let spec = ScopeSpec {
            circuit: Some(circuit),
            auxiliary_registry,
            ..ScopeSpec::default()
        };
        let created = chain.try_create_scope(&registry, &spec);
        assert_refused(created.map(|(_, receipt)| receipt), error);
    }
    for (circuit, auxiliary_registry) in [(with, Some(good)), (without, None)] {
        let spec = ScopeSpec {
            circuit: Some(circuit),
            auxiliary_registry,
            ..ScopeSpec::default()
        };
        chain.create_scope(&registry, &spec);
    }
}

#[test]
fn an_auxiliary_root_is_refused_if_the_scope_has_no_auxiliary_registry() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let verify = fixture.forged(|verify| verify.auxiliary_root = Some(Root::new(FieldElement::from_u64(1))));
    fixture.refuses(&verify, BautaError::UnexpectedAuxiliary);
}
