use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::Collection;
use bauta_program_test::assert_refused;
use mpl_token_metadata::types::TokenStandard;

use super::super::evidence;
use super::{fixture, issuer};

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn a_token_whose_membership_token_metadata_removed_is_evicted_only_with_the_rule_leaving() {
    for (rules, is_evicted) in [(0, false), (Collection::LEAVING, true)] {
        let (mut fixture, collection) = fixture(rules);
        let nft = issuer::member(&mut fixture.chain, TokenStandard::NonFungible, &collection);
        fixture.register(&nft).expect("register_holder");
        let key = collection.mint;
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
        assert_refused(evicted, BautaError::NoEvidence);
        issuer::unverify(&mut fixture.chain, &nft, &collection);
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.mint, key);
        if is_evicted {
            assert_eq!(evidence(&evicted.expect("evict")), Evidence::LeftCollection);
        } else {
            assert_refused(evicted, BautaError::NoEvidence);
        }
        fixture.assert_leaves(1);
    }
}
