use bauta::bubblegum::{CompressedLeaf, LeafData, Version};
use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{Collection, CollectionKind};
use bauta_program_test::{assert_refused, lookups};
use mpl_core::types::{
    Groups, PermanentFreezeDelegate, PermanentTransferDelegate, Plugin, PluginAuthority, TransferDelegate,
};
use solana_address::Address;
use solana_signer::Signer;

use super::Compressed;
use crate::core_assets::{make_unknown, set_authority};
use crate::{Fixture, evidence};

const RULES: u16 = Collection::COMPRESSED | Collection::ISSUER_MOVES;

#[test]
fn an_asset_of_v2_is_registered_again_and_evicted_when_it_moves() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    fixture.register(&nft).expect("the first registration");
    fixture.assert_holder(&nft);
    assert_refused(fixture.register(&nft), BautaError::ChangedTooRecently);
    fixture.inner.chain.advance_clock(60);
    fixture.register(&nft).expect("a later registration");
    assert_refused(fixture.evict(&nft, Some(&nft)), BautaError::NoEvidence);
    let sold = fixture.sell(&nft);
    let evicted = fixture.evict(&nft, Some(&sold)).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    assert_refused(fixture.evict(&nft, Some(&sold)), BautaError::AlreadyEvicted);
    fixture.inner.chain.advance_clock(60);
    fixture.register(&sold).expect("the buyer's registration");
    fixture.assert_holder(&sold);
    fixture.inner.assert_leaves(1);
}

#[test]
fn a_compressed_asset_is_refused_without_the_rule() {
    let mut fixture = Compressed::v2(Collection::ISSUER_MOVES);
    let nft = fixture.mint();
    assert_refused(fixture.register(&nft), BautaError::CompressedRefused);
    fixture.inner.assert_leaves(0);
}

/// The collection's update authority can move every leaf that is not bound to its owner.
#[test]
fn an_asset_that_is_not_bound_to_its_owner_needs_the_rule_issuer_moves() {
    let mut fixture = Compressed::v2(Collection::COMPRESSED);
    let nft = fixture.mint();
    assert_refused(fixture.register(&nft), BautaError::IssuerCanMove);
    let bound = fixture.mint_with_flags(CompressedLeaf::NON_TRANSFERABLE);
    fixture.register(&bound).expect("no one can move it");
    fixture.inner.assert_leaves(1);
}

#[test]
fn a_frozen_asset_of_v2_is_refused_without_the_rule_locked() {
    for flag in [CompressedLeaf::FROZEN, CompressedLeaf::PERMANENTLY_FROZEN] {
        let mut fixture = Compressed::v2(RULES);
        let nft = fixture.mint_with_flags(flag);
        assert_refused(fixture.register(&nft), BautaError::AssetLocked);
        let mut fixture = Compressed::v2(RULES | Collection::LOCKED);
        let nft = fixture.mint_with_flags(flag);
        fixture.register(&nft).expect("the rule allows it");
    }
    // The collection can freeze all of its assets.
    let frozen = Plugin::PermanentFreezeDelegate(PermanentFreezeDelegate { frozen: true });
    for rules in [RULES, RULES | Collection::LOCKED] {
        let mut fixture = Compressed::v2(rules);
        let key = fixture.inner.key;
        let plugins = std::slice::from_ref(&frozen);
        fixture.inner.chain.write_core_collection(&key, plugins);
        let nft = fixture.mint();
        let result = fixture.register(&nft);
        if rules == RULES {
            assert_refused(result, BautaError::AssetLocked);
        } else {
            result.expect("the rule allows it");
        }
    }
}

#[test]
fn every_unknown_flag_is_refused() {
    for bit in 3..8 {
        let mut fixture = Compressed::v2(RULES | Collection::LOCKED);
        let nft = fixture.mint_with_flags(1 << bit);
        assert_refused(fixture.register(&nft), BautaError::UnknownFlag);
    }
}

#[test]
fn a_core_collection_whose_delegate_moves_assets_is_refused_without_the_rule() {
    let plugins = [Plugin::PermanentTransferDelegate(PermanentTransferDelegate {})];
    for rules in [Collection::COMPRESSED, RULES] {
        let mut fixture = Compressed::v2(rules);
        let key = fixture.inner.key;
        fixture.inner.chain.write_core_collection(&key, &plugins);
        let bound = fixture.mint_with_flags(CompressedLeaf::NON_TRANSFERABLE);
        let result = fixture.register(&bound);
        if rules == RULES {
            result.expect("the rule allows it");
        } else {
            assert_refused(result, BautaError::HasPermanentTransferDelegate);
        }
    }
}

/// Core lets no collection have a `TransferDelegate`. The account could have one after an upgrade.
#[test]
fn a_core_collection_with_another_transfer_delegate_is_refused_without_the_rule() {
    let plugins = [Plugin::TransferDelegate(TransferDelegate {})];
    for rules in [Collection::COMPRESSED, RULES] {
        let mut fixture = Compressed::v2(rules);
        let key = fixture.inner.key;
        fixture.inner.chain.write_core_collection(&key, &plugins);
        set_authority(&mut fixture.inner, &key, &PluginAuthority::UpdateAuthority);
        let bound = fixture.mint_with_flags(CompressedLeaf::NON_TRANSFERABLE);
        let result = fixture.register(&bound);
        if rules == RULES {
            result.expect("the rule allows it");
        } else {
            assert_refused(result, BautaError::HasIssuerDelegate);
        }
    }
}

#[test]
fn a_core_collection_with_a_plugin_of_an_unknown_type_is_refused() {
    let plugins = [Plugin::Groups(Groups { groups: vec![] })];
    let mut fixture = Compressed::v2(RULES | Collection::LOCKED);
    let key = fixture.inner.key;
    fixture.inner.chain.write_core_collection(&key, &plugins);
    let nft = fixture.mint();
    fixture.inner.change(&key, |data| make_unknown(data));
    assert_refused(fixture.register(&nft), BautaError::UnknownPlugin);
    fixture.inner.chain.write_core_collection(&key, &plugins);
    fixture.register(&nft).expect("the plugin is known");
    fixture.inner.assert_leaves(1);
}

#[test]
fn an_asset_of_another_core_collection_is_refused_with_any_account() {
    let mut fixture = Compressed::v2(RULES);
    let other = fixture.inner.chain.core_collection(&[]);
    let owner = fixture.owner("holder");
    let (chain, tree) = (&mut fixture.inner.chain, &mut fixture.tree);
    let mut nfts = [Some(other), None].map(|key| chain.mint_compressed(tree, &owner, key, 0));
    for nft in &nfts {
        assert_refused(fixture.register(nft), BautaError::NotInCollection);
    }
    // The right account, which the leaf does not name.
    for nft in &mut nfts {
        nft.core_collection = Some(fixture.inner.key);
        assert_refused(fixture.register(nft), BautaError::StaleProof);
    }
    // The right address with the account of another program, and with a malformed account.
    let (member, key) = (fixture.mint(), fixture.inner.key);
    let genuine = fixture.inner.chain.account(&key).expect("the collection exists");
    fixture.inner.change_owner(&key);
    assert_refused(fixture.register(&member), BautaError::WrongCoreCollection);
    fixture.inner.chain.set_account(&key, genuine);
    fixture.inner.change(&key, |data| data.truncate(40));
    assert_refused(fixture.register(&member), BautaError::InvalidCoreCollection);
    fixture.inner.assert_leaves(0);
}

#[test]
fn a_compressed_asset_can_be_a_collection_of_its_own() {
    let mut fixture = Compressed::v2(RULES);
    let nft = fixture.mint();
    fixture.inner = Fixture::with_key(fixture.inner.chain, nft.id, CollectionKind::Asset, RULES);
    let other = fixture.inner.chain.core_collection(&[]);
    let owner = nft.owner.insecure_clone();
    let second = fixture
        .inner
        .chain
        .mint_compressed(&mut fixture.tree, &owner, Some(other), 0);
    assert_refused(fixture.register(&second), BautaError::NotInCollection);
    fixture.register(&nft).expect("the collection is the asset");
    fixture.inner.assert_leaves(1);
}

/// The flag binds a leaf to its owner, but the authority of a Core collection can take the leaf
/// into its collection and burn it there. The creator of a tree that is empty then creates the tree
/// again, and mints the same id to any owner.
#[test]
fn an_asset_of_v2_that_is_its_own_collection_needs_the_rule_issuer_moves() {
    for rules in [Collection::COMPRESSED, RULES] {
        let mut fixture = Compressed::v2(RULES);
        let bound = fixture.mint_with_flags(CompressedLeaf::NON_TRANSFERABLE);
        fixture.inner = Fixture::with_key(fixture.inner.chain, bound.id, CollectionKind::Asset, rules);
        let result = fixture.register(&bound);
        if rules == RULES {
            result.expect("the rule allows it");
        } else {
            assert_refused(result, BautaError::IssuerCanMove);
        }
    }
}

/// No rule would help the owner of such an asset.
#[test]
fn an_asset_outside_the_collection_is_refused_as_such_whatever_its_flags_are() {
    let mut fixture = Compressed::v2(Collection::COMPRESSED);
    let other = fixture.inner.chain.core_collection(&[]);
    let owner = fixture.owner("holder");
    for flags in [0, CompressedLeaf::FROZEN, 1 << 7] {
        let (chain, tree) = (&mut fixture.inner.chain, &mut fixture.tree);
        let nft = chain.mint_compressed(tree, &owner, Some(other), flags);
        assert_refused(fixture.register(&nft), BautaError::NotInCollection);
    }
    fixture.inner.assert_leaves(0);
}

/// Every byte is a tag, a length, or hashed.
#[test]
fn every_changed_byte_of_the_leaf_in_the_instruction_is_refused() {
    for mut fixture in [Compressed::v2(RULES), Compressed::v1(Collection::COMPRESSED)] {
        let nft = fixture.mint();
        let proof = fixture.tree.proof(nft.index);
        // The discriminator, the commitment, the missing path and the index are before the leaf,
        // and the proof with its length after it. The flags are last, and a leaf of V1 has none.
        let flags = usize::from(fixture.tree.version == Version::V1);
        let (before, after) = (8 + 32 + 1 + 4, flags + 4 + 32 * proof.len());
        let inner = &mut fixture.inner;
        let (registry, tree) = (&inner.registry, &fixture.tree.address);
        let register = inner
            .chain
            .compressed_registration(registry, tree, &nft, proof, &inner.key);
        let genuine = register.instruction();
        let table = lookups(&genuine, &nft.owner.pubkey());
        for at in before..genuine.data.len() - after {
            let mut changed = genuine.clone();
            changed.data[at] ^= 1;
            let sent = inner.chain.send_with_table(&[changed], &[&nft.owner], &table);
            assert!(sent.is_err(), "byte {at}");
        }
        let sent = inner.chain.send_with_table(&[genuine], &[&nft.owner], &table);
        sent.expect("the leaf is the same");
    }
}

#[test]
fn only_the_owner_of_the_leaf_registers() {
    let mut fixture = Compressed::v2(RULES);
    let mut nft = fixture.mint();
    let delegate = fixture.owner("delegate");
    nft.leaf.delegate = Some(solana_signer::Signer::pubkey(&delegate));
    fixture.set(nft.index, Some(&nft));
    // The delegate signs.
    let mut delegated = nft.clone();
    delegated.owner = delegate.insecure_clone();
    assert_refused(fixture.register(&delegated), BautaError::NotTokenOwner);
    // The delegate claims to be the owner.
    delegated.leaf.owner = solana_signer::Signer::pubkey(&delegate);
    assert_refused(fixture.register(&delegated), BautaError::StaleProof);
    fixture.register(&nft).expect("the owner signs");
    fixture.inner.assert_leaves(1);
}

#[test]
fn any_changed_field_of_a_leaf_of_v2_is_refused() {
    let mut fixture = Compressed::v2(RULES | Collection::LOCKED);
    let nft = fixture.mint();
    let changes: [fn(&mut CompressedLeaf); 6] = [
        |leaf| leaf.delegate = Some(Address::new_from_array([1; 32])),
        |leaf| leaf.data = LeafData::Hash([1; 32]),
        |leaf| leaf.creator_hash = [1; 32],
        |leaf| leaf.asset_data_hash = Some([1; 32]),
        |leaf| leaf.flags = CompressedLeaf::FROZEN,
        |leaf| leaf.flags = CompressedLeaf::NON_TRANSFERABLE,
    ];
    for change in changes {
        let mut changed = nft.clone();
        change(&mut changed.leaf);
        assert_refused(fixture.register(&changed), BautaError::StaleProof);
    }
    fixture.inner.assert_leaves(0);
    // The fields with a default may be written out.
    let mut explicit = nft.clone();
    explicit.leaf.delegate = Some(nft.leaf.owner);
    explicit.leaf.asset_data_hash = Some(mpl_bubblegum::hash::DEFAULT_ASSET_DATA_HASH);
    fixture.register(&explicit).expect("the leaf is the same");
    fixture.inner.assert_leaves(1);
}
