//! Tests the two kinds of transactions: those of at most 1,232 bytes, which every cluster accepts,
//! and those of version 1, which may have 4,096 bytes (SIMD-0385 and SIMD-0296).

use bauta::errors::BautaError;
use bauta::state::RegistryKind;
use bauta_client::instructions::AppendLeaves;
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{MAX_TRANSACTION_BYTES, RegistrySpec, ScopeSpec, TestChain, assert_refused};
use solana_signer::Signer;

/// Every instruction fits into the smaller transaction: `docs/benchmarks/compute-units.md` has the
/// lengths, and [`TestChain::send`] refuses longer transactions.
#[test]
fn a_verification_is_accepted_in_a_transaction_of_each_version() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let verify = chain.prove(&registry, &member, &scope);
    let small = chain.clone().send(&[verify.instruction()], &[]).unwrap();
    let large = chain.send_v1(&[verify.instruction()], &[]).unwrap();
    assert!(small.transaction_bytes <= MAX_TRANSACTION_BYTES);
    assert_eq!(large.events, small.events);
    assert_eq!(large.return_data, small.return_data);
    // A use of the nullifier counts for both versions.
    assert_refused(
        chain.send(&[verify.instruction()], &[]),
        BautaError::NullifierUsed,
    );
}

#[test]
fn a_payload_that_exceeds_1232_bytes_fits_into_a_transaction_of_version_1() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let mut context = chain.context_spec();
    context.payload = vec![7; 3_000];
    let verify = chain.prove_with_context(&registry, &member, &scope, context);
    assert!(chain.clone().send(&[verify.instruction()], &[]).is_err());
    let receipt = chain.send_v1(&[verify.instruction()], &[]).unwrap();
    assert!(receipt.transaction_bytes > 3_000);
}

#[test]
fn a_batch_of_110_leaves_fits_into_a_transaction_of_version_1() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    let leaves: Vec<Leaf> = (1..=110).map(|n| Leaf::new(FieldElement::from_u64(n))).collect();
    let append = AppendLeaves {
        authority: registry.authority.pubkey(),
        registry: registry.address,
        tree: registry.tree_account,
        leaves: leaves.clone(),
    };
    chain
        .send_v1(&[append.instruction()], &[&registry.authority])
        .unwrap();
    for (index, leaf) in (0..).zip(leaves) {
        registry.tree.set(index, leaf).unwrap();
    }
    assert_eq!(chain.registry_state(&registry).root, registry.root().to_bytes());
}
