//! Tests what an account costs. The rent of public clusters falls in steps (SIMD-0437).

use bauta::state::Nullifier;
use bauta_client::addresses;
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain};
use solana_address::Address;

#[test]
fn every_account_has_exactly_the_rent_that_the_sysvar_states() {
    for lamports_per_byte in [6_960, 5_080, 696] {
        let mut chain = TestChain::new();
        chain.set_rent(lamports_per_byte);
        let mut registry = chain.create_registry(RegistrySpec::default());
        let member = chain.add_holder(&mut registry, 5);
        let scope = chain.create_scope(&registry, &ScopeSpec::default());
        let verify = chain.prove(&registry, &member, &scope);
        chain.verify(&verify, &[]).unwrap();
        let assert_rent = |address: Address| {
            let account = chain.account(&address).expect("the account exists");
            let bytes = u64::try_from(account.data.len()).unwrap();
            assert_eq!(account.lamports, (128 + bytes) * lamports_per_byte, "{address}");
        };
        let mint = &member.nft.mint;
        for address in [
            registry.address,
            registry.tree_account,
            addresses::collection(&registry.address, mint).address,
            addresses::holding(&registry.address, mint).address,
            scope.address,
            verify.nullifier_account(),
        ] {
            assert_rent(address);
        }
    }
}

/// The page docs/costs.md states these figures.
#[test]
fn a_verification_locks_the_rent_of_72_bytes_and_gets_it_back() {
    for (lamports_per_byte, locked) in [(6_960, 1_392_000), (5_080, 1_016_000), (696, 139_200)] {
        let mut chain = TestChain::new();
        chain.set_rent(lamports_per_byte);
        assert_eq!(chain.rent(Nullifier::SPACE), locked);
        let mut registry = chain.create_registry(RegistrySpec::default());
        let member = chain.add_holder(&mut registry, 5);
        let scope = chain.create_scope(&registry, &ScopeSpec::default());
        let verify = chain.prove(&registry, &member, &scope);
        let balance = |chain: &TestChain| chain.account(&verify.payer).unwrap().lamports;
        let before = balance(&chain);
        let verified = chain.verify(&verify, &[]).unwrap();
        assert_eq!(balance(&chain), before - verified.fee - locked);
        let closed = chain.close_scope(&scope).unwrap();
        let reclaimed = chain.reclaim_nullifier(&verify).unwrap();
        let fees = verified.fee + closed.fee + reclaimed.fee;
        assert_eq!(balance(&chain), before - fees);
    }
}
