use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{AssetForm, Collection, CollectionKind};
use bauta_program_test::{CoreAsset, TestChain, assert_refused};
use mpl_core::types::{
    AddBlocker, Attributes, Autograph, BubblegumV2, BurnDelegate, Edition, ExternalPluginAdapterType,
    ExternalRegistryRecord, FreezeDelegate, FreezeExecute, Groups, ImmutableMetadata, MasterEdition,
    PermanentBurnDelegate, PermanentFreezeDelegate, PermanentFreezeExecute, PermanentTransferDelegate,
    Plugin, PluginAuthority, Royalties, RuleSet, TransferDelegate, UpdateDelegate, VerifiedCreators,
};
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

use super::{Fixture, evidence};

const FROZEN: Plugin = Plugin::FreezeDelegate(FreezeDelegate { frozen: true });
const THAWED: Plugin = Plugin::FreezeDelegate(FreezeDelegate { frozen: false });
const PERMANENTLY_FROZEN: Plugin = Plugin::PermanentFreezeDelegate(PermanentFreezeDelegate { frozen: true });
const PERMANENTLY_THAWED: Plugin = Plugin::PermanentFreezeDelegate(PermanentFreezeDelegate { frozen: false });
const TRANSFERABLE: Plugin = Plugin::PermanentTransferDelegate(PermanentTransferDelegate {});

/// Creates a registry for the assets of a Core collection with plugins.
fn fixture(rules: u16, plugins: &[Plugin]) -> Fixture {
    let mut fixture = Fixture::new(CollectionKind::Core, rules);
    let key = fixture.key;
    fixture.chain.write_core_collection(&key, plugins);
    fixture
}

fn asset(fixture: &mut Fixture, plugins: &[Plugin]) -> CoreAsset {
    let owner = fixture.chain.funded_keypair("holder");
    let key = fixture.key;
    fixture.chain.core_asset(&owner, Some(key), plugins)
}

#[test]
fn an_asset_is_registered_again_and_evicted_when_it_moves() {
    let mut fixture = fixture(0, &[]);
    let nft = asset(&mut fixture, &[THAWED]);
    fixture.register_core(&nft).expect("the first registration");
    assert_refused(fixture.register_core(&nft), BautaError::ChangedTooRecently);
    fixture.chain.advance_clock(60);
    fixture.register_core(&nft).expect("a later registration");
    let holding = fixture.chain.holding(&fixture.registry, &nft.address);
    let holding = holding.expect("the asset is registered");
    assert_eq!(
        (holding.form, holding.collection, holding.owner),
        (AssetForm::Core as u8, 1, nft.owner.pubkey())
    );
    assert_refused(fixture.evict(&nft.address, None), BautaError::NoEvidence);
    let buyer = fixture.chain.funded_keypair("buyer");
    let sold = fixture.chain.transfer_core_asset(&nft, &buyer);
    let evicted = fixture.evict(&nft.address, None).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::OtherOwner);
    fixture.chain.advance_clock(60);
    assert_refused(fixture.register_core(&nft), BautaError::NotTokenOwner);
    fixture.register_core(&sold).expect("the buyer's registration");
    fixture.assert_leaves(1);
}

/// No token program owns a Core asset. That is no evidence.
#[test]
fn a_registered_asset_is_not_evicted_as_a_closed_mint() {
    let mut fixture = fixture(0, &[]);
    let nft = asset(&mut fixture, &[]);
    fixture.register_core(&nft).expect("register_core_holder");
    assert_refused(fixture.evict(&nft.address, None), BautaError::NoEvidence);
    // Nor is the token account of another owner.
    let owner = fixture.chain.funded_keypair("another holder");
    let token = fixture.chain.mint_nft(&owner);
    assert_refused(
        fixture.evict(&nft.address, Some(token.account)),
        BautaError::NoEvidence,
    );
    // An asset that is stored as a hash has no visible owner.
    fixture.change(&nft.address, |data| data[0] = 2);
    assert_refused(fixture.evict(&nft.address, None), BautaError::NotACoreAsset);
    fixture.assert_leaves(1);
}

/// Core leaves one byte, which is 0. When Core's fee is collected, the system program owns it.
#[test]
fn a_burnt_asset_is_evicted_also_after_its_fee_is_collected() {
    for is_collected in [false, true] {
        let mut fixture = fixture(0, &[]);
        let nft = asset(&mut fixture, &[]);
        fixture.register_core(&nft).expect("register_core_holder");
        fixture.chain.burn_core_asset(&nft);
        if is_collected {
            let account = fixture.chain.account(&nft.address).expect("one byte remains");
            let owner = Address::default();
            fixture
                .chain
                .set_account(&nft.address, Account { owner, ..account });
        }
        let evicted = fixture.evict(&nft.address, None).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::AssetGone);
        assert_refused(fixture.evict(&nft.address, None), BautaError::AlreadyEvicted);
        fixture.chain.advance_clock(60);
        assert_refused(fixture.register_core(&nft), BautaError::NotACoreAsset);
        fixture.assert_leaves(1);
    }
}

#[test]
fn an_asset_can_be_a_collection_of_its_own() {
    let mut fixture = fixture(0, &[TRANSFERABLE]);
    let owner = fixture.chain.funded_keypair("holder");
    let single = fixture.chain.core_asset(&owner, None, &[]);
    let mut own = Fixture::with_key(fixture.chain, single.address, CollectionKind::Asset, 0);
    let unexpected = CoreAsset {
        collection: Some(fixture.key),
        ..single.clone()
    };
    assert_refused(own.register_core(&unexpected), BautaError::WrongCoreCollection);
    own.register_core(&single).expect("the collection is the asset");
    own.assert_leaves(1);

    // The plugins of the asset's Core collection count here as well.
    let member = own.chain.core_asset(&owner, Some(fixture.key), &[]);
    let mut own = Fixture::with_key(own.chain, member.address, CollectionKind::Asset, 0);
    assert_refused(
        own.register_core(&member),
        BautaError::HasPermanentTransferDelegate,
    );
    own.chain.write_core_collection(&fixture.key, &[]);
    own.register_core(&member).expect("the collection is the asset");
    own.assert_leaves(1);
}

#[test]
fn an_asset_that_only_names_the_collection_is_refused() {
    let mut fixture = fixture(0, &[]);
    let nft = asset(&mut fixture, &[]);
    // The collection is the update authority, as an ordinary address.
    fixture.change(&nft.address, |data| data[33] = 1);
    assert_refused(fixture.register_core(&nft), BautaError::NotInCollection);
    let other = fixture.chain.core_collection(&[]);
    let nft = CoreAsset {
        collection: Some(other),
        ..asset(&mut fixture, &[])
    };
    fixture.chain.write_core_asset(&nft, &[], &[]);
    assert_refused(fixture.register_core(&nft), BautaError::NotInCollection);
    fixture.assert_leaves(0);
}

#[test]
fn a_core_collection_that_is_missing_or_imitated_is_refused() {
    let mut fixture = fixture(0, &[TRANSFERABLE]);
    let key = fixture.key;
    let nft = asset(&mut fixture, &[]);
    let wrong = |fixture: &mut Fixture, collection| {
        let nft = CoreAsset {
            collection,
            ..nft.clone()
        };
        assert_refused(fixture.register_core(&nft), BautaError::WrongCoreCollection);
    };
    wrong(&mut fixture, None);
    // A genuine collection without the plugin.
    let other = fixture.chain.core_collection(&[]);
    wrong(&mut fixture, Some(other));
    wrong(&mut fixture, Some(nft.address));
    let genuine = fixture.chain.account(&key).expect("the collection exists");
    fixture.chain.write_core_collection(&key, &[]);
    fixture.change_owner(&key);
    wrong(&mut fixture, Some(key));
    fixture.chain.set_account(&key, genuine);
    fixture.change(&key, |data| data[0] = 1);
    wrong(&mut fixture, Some(key));
    fixture.assert_leaves(0);
}

#[test]
fn an_account_that_is_no_asset_of_core_is_refused() {
    let mut fixture = fixture(0, &[]);
    let nft = asset(&mut fixture, &[]);
    let genuine = fixture.chain.account(&nft.address).expect("the asset exists");
    fixture.change_owner(&nft.address);
    assert_refused(fixture.register_core(&nft), BautaError::NotACoreAsset);
    // Stored as a hash, a collection, and burnt.
    for key in [2, 5, 0] {
        fixture.chain.set_account(&nft.address, genuine.clone());
        fixture.change(&nft.address, |data| data[0] = key);
        assert_refused(fixture.register_core(&nft), BautaError::NotACoreAsset);
    }
    let owner = nft.owner.insecure_clone();
    let token = fixture.chain.mint_nft(&owner);
    let mint = CoreAsset {
        address: token.mint,
        ..nft.clone()
    };
    assert_refused(fixture.register_core(&mint), BautaError::NotACoreAsset);
    // Malformed: no owner, an unknown tag, a list of plugins outside the account.
    let malformed: [fn(&mut Vec<u8>); 3] = [
        |data| data.truncate(20),
        |data| data[33] = 3,
        |data| {
            data.push(3);
            data.extend(u64::MAX.to_le_bytes());
        },
    ];
    for change in malformed {
        fixture.chain.set_account(&nft.address, genuine.clone());
        fixture.change(&nft.address, change);
        assert_refused(fixture.register_core(&nft), BautaError::InvalidCoreAsset);
    }
    fixture.assert_leaves(0);
}

/// The issuer could take each asset, register it and give it back.
#[test]
fn an_asset_that_its_issuer_can_move_is_refused_without_the_rule() {
    for (on_asset, on_collection) in [(true, false), (false, true)] {
        let list = |has: bool| if has { vec![TRANSFERABLE] } else { vec![] };
        let mut fixture = fixture(0, &list(on_collection));
        let nft = asset(&mut fixture, &list(on_asset));
        assert_refused(
            fixture.register_core(&nft),
            BautaError::HasPermanentTransferDelegate,
        );
        let mut fixture = self::fixture(Collection::ISSUER_MOVES, &list(on_collection));
        let nft = asset(&mut fixture, &list(on_asset));
        fixture.register_core(&nft).expect("the rule allows it");
        fixture.assert_leaves(1);
    }
}

/// Sets the authority of the plugin of an account that has exactly one plugin.
pub fn set_authority(fixture: &mut Fixture, address: &Address, authority: &PluginAuthority) {
    fixture.change(address, |data| {
        // The record: type, authority, offset (8); then the count of external plugins (4).
        let at = data.len() - 4 - 8 - 1;
        let encoded = borsh::to_vec(authority).expect("writing to memory succeeds");
        data.splice(at..=at, encoded);
    });
}

fn other_authorities() -> [PluginAuthority; 2] {
    [
        PluginAuthority::UpdateAuthority,
        PluginAuthority::Address {
            address: [1; 32].into(),
        },
    ]
}

/// The creator of an asset can give it a delegate that no owner has approved. Core resets the
/// delegate when the asset is transferred for the first time.
#[test]
fn an_asset_whose_transfer_delegate_is_not_its_owner_is_refused_without_the_rule() {
    let plugins = [Plugin::TransferDelegate(TransferDelegate {})];
    for (rules, is_accepted) in [(0, false), (Collection::ISSUER_MOVES, true)] {
        for authority in other_authorities() {
            let mut fixture = fixture(rules, &[]);
            let nft = asset(&mut fixture, &plugins);
            set_authority(&mut fixture, &nft.address, &authority);
            let result = fixture.register_core(&nft);
            if is_accepted {
                result.expect("the rule allows it");
            } else {
                assert_refused(result, BautaError::HasIssuerDelegate);
            }
        }
    }
    for authority in [PluginAuthority::None, PluginAuthority::Owner] {
        let mut fixture = fixture(0, &[]);
        let nft = asset(&mut fixture, &plugins);
        set_authority(&mut fixture, &nft.address, &authority);
        fixture.register_core(&nft).expect("only the owner can move it");
    }
}

/// Who can burn an asset and has its key can create another asset at its address, which has the
/// same leaf. A member of a Core collection needs the collection's authority for that, which can
/// add members anyway.
#[test]
fn an_asset_of_its_own_that_its_issuer_can_burn_is_refused_without_the_rule() {
    let permanent = [Plugin::PermanentBurnDelegate(PermanentBurnDelegate {})];
    let burnable = [Plugin::BurnDelegate(BurnDelegate {})];
    for (rules, is_accepted) in [(0, false), (Collection::ISSUER_MOVES, true)] {
        for plugins in [&permanent, &burnable] {
            let mut chain = TestChain::new();
            let owner = chain.funded_keypair("holder");
            let single = chain.core_asset(&owner, None, plugins);
            let mut fixture = Fixture::with_key(chain, single.address, CollectionKind::Asset, rules);
            set_authority(&mut fixture, &single.address, &PluginAuthority::UpdateAuthority);
            let result = fixture.register_core(&single);
            if is_accepted {
                result.expect("the rule allows it");
            } else {
                assert_refused(result, BautaError::HasIssuerDelegate);
            }
        }
    }
    // The plugin of the asset's Core collection counts as well.
    let mut members = fixture(0, &permanent);
    let member = asset(&mut members, &permanent);
    members
        .register_core(&member)
        .expect("a member of a Core collection");
    let mut own = Fixture::with_key(members.chain, member.address, CollectionKind::Asset, 0);
    own.chain.write_core_asset(&member, &[], &[]);
    assert_refused(own.register_core(&member), BautaError::HasIssuerDelegate);
    own.chain.write_core_collection(&members.key, &[]);
    own.register_core(&member)
        .expect("no one but the owner can burn it");
}

/// Its owner burns an asset, and creates another one at its address, outside the collection. The
/// owner has not changed. That the asset left its collection is evidence only with the rule.
#[test]
fn an_asset_that_its_owner_burnt_and_created_again_is_evicted_with_the_rule_leaving() {
    for (rules, is_evicted) in [(0, false), (Collection::LEAVING, true)] {
        let mut fixture = fixture(rules, &[]);
        let nft = asset(&mut fixture, &[]);
        fixture.register_core(&nft).expect("register_core_holder");
        let again = CoreAsset {
            collection: None,
            ..nft.clone()
        };
        fixture.chain.write_core_asset(&again, &[], &[]);
        assert_refused(fixture.evict(&nft.address, None), BautaError::NoEvidence);
        let key = fixture.key;
        let evicted = fixture.chain.evict_left(&mut fixture.registry, &nft.address, key);
        if is_evicted {
            assert_eq!(evidence(&evicted.expect("evict")), Evidence::LeftCollection);
        } else {
            assert_refused(evicted, BautaError::NoEvidence);
        }
    }
}

/// A later version of Core may add what this program can't read. The owner is before it.
#[test]
fn an_asset_that_moved_is_evicted_whatever_its_plugins_are() {
    let plugins = [PERMANENTLY_THAWED, THAWED];
    let changes: [fn(&mut Vec<u8>); 4] = [
        |_| {},
        // The count of external plugins says more than there are.
        |data| {
            let at = data.len() - 4;
            data[at] = 9;
        },
        |data| data.truncate(data.len() - 1),
        |data| data.truncate(80),
    ];
    for change in changes {
        let mut fixture = fixture(0, &[]);
        let nft = asset(&mut fixture, &plugins);
        fixture.register_core(&nft).expect("register_core_holder");
        let buyer = fixture.chain.funded_keypair("buyer");
        let sold = fixture.chain.transfer_core_asset(&nft, &buyer);
        fixture.chain.write_core_asset(&sold, &plugins, &[]);
        fixture.change(&nft.address, change);
        let evicted = fixture.evict(&nft.address, None).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::OtherOwner);
        fixture.assert_leaves(1);
    }
}

#[test]
fn a_frozen_asset_is_refused_and_its_own_plugin_overrides_that_of_the_collection() {
    // The collection's plugins, the asset's plugins, and whether the asset is frozen.
    let cases: [(&[Plugin], &[Plugin], bool); 8] = [
        (&[], &[FROZEN], true),
        (&[], &[PERMANENTLY_FROZEN], true),
        (&[PERMANENTLY_FROZEN], &[], true),
        (&[PERMANENTLY_FROZEN], &[PERMANENTLY_THAWED], false),
        (&[PERMANENTLY_THAWED], &[PERMANENTLY_FROZEN], true),
        // A plugin of another type does not override.
        (&[PERMANENTLY_FROZEN], &[THAWED], true),
        (&[], &[THAWED, PERMANENTLY_FROZEN], true),
        (&[], &[THAWED, PERMANENTLY_THAWED], false),
    ];
    for (inherited, own, is_frozen) in cases {
        let mut fixture = fixture(0, inherited);
        let nft = asset(&mut fixture, own);
        let result = fixture.register_core(&nft);
        if is_frozen {
            assert_refused(result, BautaError::AssetLocked);
        } else {
            result.expect("the asset is not frozen");
        }
        let mut fixture = self::fixture(Collection::LOCKED, inherited);
        let nft = asset(&mut fixture, own);
        fixture.register_core(&nft).expect("the rule allows it");
    }
}

#[test]
fn every_other_known_plugin_is_accepted_on_both_sides() {
    let key = [1; 32];
    let plugins = [
        Plugin::Royalties(Royalties {
            basis_points: 500,
            creators: vec![],
            rule_set: RuleSet::None,
        }),
        Plugin::BurnDelegate(BurnDelegate {}),
        Plugin::TransferDelegate(TransferDelegate {}),
        Plugin::UpdateDelegate(UpdateDelegate {
            additional_delegates: vec![key.into()],
        }),
        Plugin::Attributes(Attributes {
            attribute_list: vec![],
        }),
        Plugin::PermanentBurnDelegate(PermanentBurnDelegate {}),
        Plugin::Edition(Edition { number: 1 }),
        Plugin::MasterEdition(MasterEdition {
            max_supply: Some(1),
            name: None,
            uri: None,
        }),
        Plugin::AddBlocker(AddBlocker {}),
        Plugin::ImmutableMetadata(ImmutableMetadata {}),
        Plugin::VerifiedCreators(VerifiedCreators { signatures: vec![] }),
        Plugin::Autograph(Autograph { signatures: vec![] }),
        Plugin::BubblegumV2(BubblegumV2 {}),
        Plugin::FreezeExecute(FreezeExecute { frozen: true }),
        Plugin::PermanentFreezeExecute(PermanentFreezeExecute { frozen: true }),
        Plugin::Groups(Groups {
            groups: vec![key.into()],
        }),
    ];
    let mut fixture = fixture(0, &plugins);
    let nft = asset(&mut fixture, &plugins);
    fixture.register_core(&nft).expect("the plugins move no asset");
    fixture.assert_leaves(1);
}

/// Gives the plugin of an account that has exactly one plugin, which is `Groups`, a type that is
/// known. The type is at two places: in the list and at the plugin itself.
pub fn make_unknown(data: &mut [u8]) {
    // The record: type, authority, offset (8); then the count of external plugins (4).
    let record = data.len() - 4 - 8 - 1 - 1;
    let offset = data[record + 2..record + 10].try_into().expect("eight bytes");
    let plugin = usize::try_from(u64::from_le_bytes(offset)).expect("a small offset");
    assert_eq!([data[record], data[plugin]], [18; 2]);
    data[record] = 19;
    data[plugin] = 19;
}

/// The last byte of an account with one plugin and no external plugins is part of a count.
#[test]
fn a_plugin_of_an_unknown_type_is_refused_on_both_sides() {
    let known = Plugin::Groups(Groups { groups: vec![] });
    for is_on_asset in [true, false] {
        let mut fixture = fixture(0, std::slice::from_ref(&known));
        let nft = asset(&mut fixture, std::slice::from_ref(&known));
        let address = if is_on_asset { nft.address } else { fixture.key };
        fixture.change(&address, |data| make_unknown(data));
        assert_refused(fixture.register_core(&nft), BautaError::UnknownPlugin);
        fixture.assert_leaves(0);
    }
    // An external plugin: type, authority, checks, offset (8), data offset, data length.
    let external = ExternalRegistryRecord {
        plugin_type: ExternalPluginAdapterType::AgentIdentity,
        authority: PluginAuthority::Owner,
        lifecycle_checks: None,
        offset: 0,
        data_offset: None,
        data_len: None,
    };
    let mut fixture = fixture(0, &[]);
    let nft = asset(&mut fixture, &[]);
    fixture.chain.write_core_asset(&nft, &[], &[external]);
    fixture.change(&nft.address, |data| {
        let at = data.len() - 13;
        assert_eq!(data[at], 6);
        data[at] = 7;
    });
    assert_refused(fixture.register_core(&nft), BautaError::UnknownPlugin);
    fixture.change(&nft.address, |data| {
        let at = data.len() - 13;
        data[at] = 6;
    });
    fixture
        .register_core(&nft)
        .expect("external plugins of known types only refuse");
    fixture.assert_leaves(1);
}
