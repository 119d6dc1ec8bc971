//! Tests accounts of the program whose length is wrong.

use anchor_lang::error::ErrorCode;
use bauta_client::{addresses, instructions::EvictHolder};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain, assert_refused};
use solana_address::Address;

/// Returns copies of the chain in which an account has one byte less and one byte more.
fn with_other_lengths(chain: &TestChain, address: &Address) -> [TestChain; 2] {
    let account = chain.account(address).expect("the account exists");
    let length = account.data.len();
    [length - 1, length + 1].map(|length| {
        let (mut chain, mut account) = (chain.clone(), account.clone());
        account.data.resize(length, 0);
        chain.set_account(address, account);
        chain
    })
}

#[test]
fn an_account_of_another_length_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::live());
    let verify = chain.prove(&registry, &member, &scope);
    let config = addresses::config().address;
    for address in [config, scope.address, scope.circuit, registry.address] {
        for mut changed in with_other_lengths(&chain, &address) {
            let result = changed.verify(&verify, &[]);
            assert_refused(result, ErrorCode::AccountDiscriminatorMismatch);
            assert!(changed.account(&verify.nullifier_account()).is_none());
        }
    }
    chain.verify(&verify, &[]).expect("the accounts are right");
}

#[test]
fn an_account_of_another_length_is_not_written_to() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    chain.burn_nft(&member.nft).expect("the token program burns it");
    let evict = EvictHolder {
        registry: registry.address,
        tree: registry.tree_account,
        mint: member.nft.mint,
        token_account: None,
        left_collection: None,
        metadata: None,
        path: chain.on_chain_path(&registry, member.index),
    };
    for mut changed in with_other_lengths(&chain, &registry.address) {
        let before = changed.account(&registry.address);
        let result = changed.send(&[evict.instruction()], &[]);
        assert_refused(result, ErrorCode::AccountDiscriminatorMismatch);
        assert_eq!(changed.account(&registry.address), before);
    }
    chain
        .send(&[evict.instruction()], &[])
        .expect("the account is right");
}
