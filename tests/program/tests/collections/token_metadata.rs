use bauta::errors::BautaError;
use bauta::events::Evidence;
use bauta::state::{AssetForm, Collection, CollectionKind};
use bauta_client::addresses;
use bauta_client::instructions::TokenMetadataAccounts;
use bauta_program_test::{AccountLengths, MetadataSpec, Nft, TOKEN_2022, assert_refused};
use mpl_token_metadata::types::{TokenStandard, TokenState};
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

use super::{Fixture, evidence};

fn fixture(rules: u16) -> Fixture {
    Fixture::new(CollectionKind::TokenMetadata, rules)
}

fn mint(fixture: &mut Fixture, spec: &MetadataSpec) -> Nft {
    let owner = fixture.chain.funded_keypair("holder");
    fixture.chain.mint_with_metadata(&owner, spec)
}

/// The tokens that people have: each standard, both lengths of the metadata, both token programs.
fn specs(collection: &Address) -> Vec<MetadataSpec> {
    let plain = MetadataSpec::of_collection(collection);
    let programmable = MetadataSpec::programmable(collection);
    vec![
        plain.clone(),
        MetadataSpec {
            standard: None,
            lengths: AccountLengths::Former,
            ..plain.clone()
        },
        MetadataSpec {
            program: TOKEN_2022,
            ..plain
        },
        programmable.clone(),
        MetadataSpec {
            lengths: AccountLengths::Former,
            ..programmable.clone()
        },
        MetadataSpec {
            program: TOKEN_2022,
            ..programmable
        },
    ]
}

#[test]
fn a_token_of_a_verified_collection_is_registered_again_and_evicted_when_it_moves() {
    let mut fixture = fixture(0);
    let key = fixture.key;
    for (index, spec) in specs(&key).iter().enumerate() {
        let nft = mint(&mut fixture, spec);
        fixture.register(&nft).expect("the first registration");
        assert_refused(fixture.register(&nft), BautaError::ChangedTooRecently);
        fixture.chain.advance_clock(60);
        fixture.register(&nft).expect("a later registration");
        let holding = fixture.chain.holding(&fixture.registry, &nft.mint);
        let holding = holding.expect("the token is registered");
        assert_eq!(
            (holding.index, holding.form, holding.collection),
            (index as u64, AssetForm::Token as u8, 1)
        );

        assert_refused(fixture.evict(&nft.mint, None), BautaError::NoEvidence);
        let own = Some(nft.account);
        assert_refused(fixture.evict(&nft.mint, own), BautaError::NoEvidence);
        let buyer = fixture.chain.funded_keypair("buyer");
        let is_programmable = nft.token_metadata.token_record.is_some();
        let sold = if is_programmable {
            fixture.chain.transfer_programmable(&nft, &buyer)
        } else {
            fixture.chain.transfer_nft(&nft, &buyer)
        };
        // The account of a programmable token is frozen. It is evidence nevertheless.
        let evicted = fixture.evict(&nft.mint, Some(sold.account)).expect("evict");
        assert_eq!(evidence(&evicted), Evidence::OtherOwner);
        fixture.chain.advance_clock(60);
        fixture.register(&sold).expect("the buyer's registration");
        fixture.assert_leaves(index as u64 + 1);
    }
}

/// Applies a change to a token that could be registered, and asserts the error.
#[track_caller]
fn assert_changed(
    spec: impl FnOnce(&Address) -> MetadataSpec,
    change: impl FnOnce(&mut Fixture, &mut Nft),
    expected: BautaError,
) {
    let mut fixture = fixture(0);
    let spec = spec(&fixture.key);
    let mut nft = mint(&mut fixture, &spec);
    change(&mut fixture, &mut nft);
    assert_refused(fixture.register(&nft), expected);
    fixture.assert_leaves(0);
}

fn metadata_address(nft: &Nft) -> Address {
    addresses::metadata(&nft.mint).address
}

fn edition_address(nft: &Nft) -> Address {
    addresses::edition(&nft.mint).address
}

fn record_address(nft: &Nft) -> Address {
    addresses::token_record(&nft.mint, &nft.account).address
}

#[test]
fn metadata_that_is_missing_or_of_another_program_or_mint_is_refused() {
    let plain = MetadataSpec::of_collection;
    assert_changed(
        plain,
        |_, nft| nft.token_metadata.metadata = None,
        BautaError::WrongMetadata,
    );
    assert_changed(
        plain,
        |fixture, nft| fixture.change_owner(&metadata_address(nft)),
        BautaError::WrongMetadata,
    );
    // The genuine metadata of another token of the collection.
    assert_changed(
        plain,
        |fixture, nft| {
            let spec = MetadataSpec::of_collection(&fixture.key);
            let other = mint(fixture, &spec);
            nft.token_metadata.metadata = other.token_metadata.metadata;
        },
        BautaError::WrongMetadata,
    );
    // The bytes of another token's metadata at the right address.
    assert_changed(
        plain,
        |fixture, nft| {
            fixture.change(&metadata_address(nft), |data| data[33] ^= 1);
        },
        BautaError::WrongMetadata,
    );
    // Token Metadata leaves one byte of a burnt token.
    assert_changed(
        plain,
        |fixture, nft| fixture.change(&metadata_address(nft), |data| *data = vec![0]),
        BautaError::WrongMetadata,
    );
}

#[test]
fn a_token_without_a_verified_membership_is_refused() {
    assert_changed(
        |key| MetadataSpec {
            collection: Some((*key, false)),
            ..MetadataSpec::default()
        },
        |_, _| {},
        BautaError::CollectionNotVerified,
    );
    assert_changed(
        |_| MetadataSpec::default(),
        |_, _| {},
        BautaError::NotInCollection,
    );
    assert_changed(
        |_| MetadataSpec::of_collection(&Address::new_from_array([1; 32])),
        |_, _| {},
        BautaError::NotInCollection,
    );
}

/// Token Metadata ignores the collection of such an account. Bytes that an old version left behind
/// the fields could otherwise name a verified collection.
#[test]
fn a_corrupted_tail_of_the_metadata_is_refused() {
    // The tag of the uses follows the standard and the collection.
    let tail = |data: &[u8], key: &Address| {
        let at = data.windows(32).position(|window| window == key.to_bytes());
        at.expect("the metadata names the collection") + 32
    };
    for value in [2, u8::MAX] {
        assert_changed(
            MetadataSpec::of_collection,
            |fixture, nft| {
                let key = fixture.key;
                fixture.change(&metadata_address(nft), |data| {
                    let at = tail(data, &key);
                    data[at] = value;
                });
            },
            BautaError::InvalidMetadata,
        );
    }
    assert_changed(
        MetadataSpec::of_collection,
        |fixture, nft| {
            let key = fixture.key;
            fixture.change(&metadata_address(nft), |data| {
                let at = tail(data, &key);
                data[at..at + 2].copy_from_slice(&[1, 3]);
            });
        },
        BautaError::InvalidMetadata,
    );
    // An unknown token standard. It precedes the tag, the verification and the key.
    assert_changed(
        MetadataSpec::of_collection,
        |fixture, nft| {
            let key = fixture.key;
            fixture.change(&metadata_address(nft), |data| {
                let at = tail(data, &key) - 32 - 3;
                data[at] = 6;
            });
        },
        BautaError::InvalidMetadata,
    );
    assert_changed(
        MetadataSpec::of_collection,
        |fixture, nft| fixture.change(&metadata_address(nft), |data| data.truncate(606)),
        BautaError::InvalidMetadata,
    );
}

#[test]
fn a_mint_whose_authority_is_not_its_own_edition_is_refused() {
    let plain = MetadataSpec::of_collection;
    assert_changed(
        plain,
        |_, nft| nft.token_metadata.edition = None,
        BautaError::HasMintAuthority,
    );
    // The edition of another token of the collection.
    let give_other_edition = |fixture: &mut Fixture, nft: &mut Nft| {
        let spec = MetadataSpec::of_collection(&fixture.key);
        let other = mint(fixture, &spec);
        nft.token_metadata.edition = other.token_metadata.edition;
        edition_address(&other)
    };
    assert_changed(
        plain,
        |fixture, nft| {
            give_other_edition(fixture, nft);
        },
        BautaError::HasMintAuthority,
    );
    // The other token's edition is also the authority of this mint.
    assert_changed(
        plain,
        |fixture, nft| {
            let other = give_other_edition(fixture, nft);
            fixture.change(&nft.mint, |data| data[4..36].copy_from_slice(other.as_ref()));
        },
        BautaError::WrongEdition,
    );
    // The creator kept the authority.
    assert_changed(
        plain,
        |fixture, nft| {
            let creator = fixture.chain.token_authority().pubkey();
            fixture.change(&nft.mint, |data| data[4..36].copy_from_slice(creator.as_ref()));
        },
        BautaError::HasMintAuthority,
    );
    assert_changed(
        plain,
        |fixture, nft| fixture.change_owner(&edition_address(nft)),
        BautaError::WrongEdition,
    );
    // Keys of other accounts: burnt, and the first version of a master.
    for key in [0, 2] {
        assert_changed(
            plain,
            |fixture, nft| fixture.change(&edition_address(nft), |data| data[0] = key),
            BautaError::WrongEdition,
        );
    }
}

#[test]
fn a_mint_that_an_address_other_than_its_metadata_may_close_is_refused() {
    let spec = |key: &Address| MetadataSpec {
        program: TOKEN_2022,
        ..MetadataSpec::of_collection(key)
    };
    let set_close_authority = |fixture: &mut Fixture, nft: &Nft, authority: &Address| {
        let metadata = metadata_address(nft);
        fixture.change(&nft.mint, |data| {
            let at = data.windows(32).position(|window| window == metadata.to_bytes());
            let at = at.expect("the mint has the close authority");
            data[at..at + 32].copy_from_slice(authority.as_ref());
        });
    };
    assert_changed(
        spec,
        |fixture, nft| {
            let other = fixture.chain.token_authority().pubkey();
            set_close_authority(fixture, nft, &other);
        },
        BautaError::HasMintCloseAuthority,
    );
    // The metadata of another token of the collection is the close authority, and it is given.
    assert_changed(
        spec,
        |fixture, nft| {
            let plain = MetadataSpec::of_collection(&fixture.key);
            let other = mint(fixture, &plain);
            set_close_authority(fixture, nft, &metadata_address(&other));
            nft.token_metadata.metadata = other.token_metadata.metadata;
        },
        BautaError::WrongMetadata,
    );
}

#[test]
fn a_programmable_token_needs_its_own_unlocked_token_record() {
    let spec = MetadataSpec::programmable;
    let wrong = BautaError::WrongTokenRecord;
    assert_changed(spec, |_, nft| nft.token_metadata.token_record = None, wrong);
    // The unlocked record of another account of the same holder, when the token's own is locked.
    assert_changed(
        spec,
        |fixture, nft| {
            fixture.chain.write_token_record(nft, TokenState::Locked);
            let other = Nft {
                account: Address::new_from_array([1; 32]),
                ..nft.clone()
            };
            fixture.chain.write_token_record(&other, TokenState::Unlocked);
            nft.token_metadata.token_record = Some(record_address(&other));
        },
        BautaError::WrongTokenRecord,
    );
    assert_changed(
        spec,
        |fixture, nft| fixture.change_owner(&record_address(nft)),
        BautaError::WrongTokenRecord,
    );
    // Another kind of account, another bump, an unknown state.
    let unknown = BautaError::UnknownTokenState;
    for (offset, byte, error) in [(0, 4, wrong), (1, 0, wrong), (2, 3, unknown)] {
        assert_changed(
            spec,
            |fixture, nft| fixture.change(&record_address(nft), |data| data[offset] = byte),
            error,
        );
    }
    for state in [TokenState::Locked, TokenState::Listed] {
        assert_changed(
            spec,
            |fixture, nft| fixture.chain.write_token_record(nft, state),
            BautaError::AssetLocked,
        );
    }
}

#[test]
fn a_frozen_token_is_refused_and_a_collection_with_the_rule_locked_accepts_it() {
    assert_changed(
        MetadataSpec::of_collection,
        |fixture, nft| {
            fixture.chain.freeze_nft(nft).expect("freeze");
        },
        BautaError::TokenFrozen,
    );
    let mut fixture = fixture(Collection::LOCKED);
    let key = fixture.key;
    let frozen = mint(&mut fixture, &MetadataSpec::of_collection(&key));
    fixture.chain.freeze_nft(&frozen).expect("freeze");
    fixture.register(&frozen).expect("the rule allows it");
    let mut locked = mint(&mut fixture, &MetadataSpec::programmable(&key));
    fixture.chain.write_token_record(&locked, TokenState::Locked);
    locked.token_metadata.token_record = None;
    fixture
        .register(&locked)
        .expect("the rule allows it, without a token record");
    fixture.assert_leaves(2);
}

#[test]
fn only_the_owner_of_the_token_account_registers_a_programmable_token() {
    let mut fixture = fixture(0);
    let key = fixture.key;
    let nft = mint(&mut fixture, &MetadataSpec::programmable(&key));
    let delegate = fixture.chain.funded_keypair("delegate");
    let by_delegate = Nft {
        owner: delegate,
        ..nft.clone()
    };
    assert_refused(fixture.register(&by_delegate), BautaError::NotTokenOwner);
    // The old, empty account of a seller.
    let buyer = fixture.chain.funded_keypair("buyer");
    fixture.chain.transfer_programmable(&nft, &buyer);
    assert_refused(fixture.register(&nft), BautaError::AmountNotOne);
}

/// After a burn by the token program itself, the update authority can mint the token again. The
/// token keeps its leaf.
#[test]
fn a_token_that_is_burnt_and_minted_again_keeps_its_leaf() {
    let mut fixture = fixture(0);
    let key = fixture.key;
    let nft = mint(&mut fixture, &MetadataSpec::of_collection(&key));
    fixture.register(&nft).expect("register_holder");
    let before: Vec<(Address, Account)> = [nft.mint, nft.account]
        .map(|address| {
            (
                address,
                fixture.chain.account(&address).expect("the account exists"),
            )
        })
        .to_vec();
    fixture.chain.burn_nft(&nft).expect("burn");
    assert_refused(fixture.register(&nft), BautaError::SupplyNotOne);
    let evicted = fixture.evict(&nft.mint, None).expect("evict");
    assert_eq!(evidence(&evicted), Evidence::SupplyZero);
    // What Token Metadata writes when it mints the token again.
    for (address, account) in before {
        fixture.chain.set_account(&address, account);
    }
    fixture.chain.advance_clock(60);
    fixture.register(&nft).expect("the token exists again");
    fixture.assert_leaves(1);
}

/// A collection of one asset, and one of a group, also take tokens of Token Metadata.
#[test]
fn a_token_of_token_metadata_can_be_a_collection_of_its_own() {
    for programmable in [false, true] {
        let mut fixture = fixture(0);
        let key = fixture.key;
        let spec = if programmable {
            MetadataSpec::programmable(&key)
        } else {
            MetadataSpec::default()
        };
        let nft = mint(&mut fixture, &spec);
        let mut own = Fixture::with_key(fixture.chain, nft.mint, CollectionKind::Asset, 0);
        if programmable {
            // Without its metadata, a programmable token is a frozen token.
            let mut bare = nft.clone();
            bare.token_metadata = TokenMetadataAccounts {
                metadata: None,
                token_record: None,
                ..bare.token_metadata
            };
            assert_refused(own.register(&bare), BautaError::TokenFrozen);
        }
        own.register(&nft).expect("the collection is the token");
        own.assert_leaves(1);
    }
}

/// A mint without an authority needs no edition, for example of the standard `FungibleAsset`.
#[test]
fn a_unique_token_without_a_mint_authority_needs_no_edition() {
    let mut fixture = fixture(0);
    let key = fixture.key;
    let spec = MetadataSpec {
        standard: Some(TokenStandard::FungibleAsset),
        ..MetadataSpec::of_collection(&key)
    };
    let owner = fixture.chain.funded_keypair("holder");
    let mut nft = fixture.chain.mint_nft(&owner);
    fixture.chain.write_metadata(&nft.mint, &spec);
    nft.token_metadata.metadata = Some(metadata_address(&nft));
    fixture.register(&nft).expect("register_holder");
}
