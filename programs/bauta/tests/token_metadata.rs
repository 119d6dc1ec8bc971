//! Compares the readers of Token Metadata with the types of its official client crate.

use anchor_lang::prelude::Pubkey;
use bauta::{
    errors::BautaError,
    token_metadata::{self, Edition, Metadata, TOKEN_METADATA_PROGRAM},
    view::AccountView,
};
use mpl_token_metadata::accounts::{self, MasterEdition, TokenRecord};
use mpl_token_metadata::types::{
    Collection, CollectionDetails, Creator, Key, ProgrammableConfig, TokenStandard, TokenState, UseMethod,
    Uses,
};
use proptest::prelude::*;

const MINT: Pubkey = Pubkey::new_from_array([3; 32]);
const TOKEN_ACCOUNT: Pubkey = Pubkey::new_from_array([4; 32]);
const STANDARDS: [TokenStandard; 6] = [
    TokenStandard::NonFungible,
    TokenStandard::FungibleAsset,
    TokenStandard::Fungible,
    TokenStandard::NonFungibleEdition,
    TokenStandard::ProgrammableNonFungible,
    TokenStandard::ProgrammableNonFungibleEdition,
];

/// The addresses of a token's accounts, as the library derives them, and the bump of the last one.
struct Addresses {
    metadata: Pubkey,
    edition: Pubkey,
    record: Pubkey,
    record_bump: u8,
}

fn addresses(mint: &Pubkey, token_account: &Pubkey) -> Addresses {
    let (mint, token_account) = (mint.to_bytes().into(), token_account.to_bytes().into());
    let (record, record_bump) = TokenRecord::find_pda(&mint, &token_account);
    Addresses {
        metadata: accounts::Metadata::find_pda(&mint).0.to_bytes().into(),
        edition: MasterEdition::find_pda(&mint).0.to_bytes().into(),
        record: record.to_bytes().into(),
        record_bump,
    }
}

fn own() -> Addresses {
    addresses(&MINT, &TOKEN_ACCOUNT)
}

fn view<'a>(key: &'a Pubkey, data: &'a [u8]) -> AccountView<'a> {
    AccountView {
        key,
        owner: &TOKEN_METADATA_PROGRAM,
        data,
    }
}

fn read(data: &[u8]) -> anchor_lang::Result<Metadata> {
    Metadata::read(&view(&own().metadata, data), &MINT)
}

fn read_edition(data: &[u8]) -> anchor_lang::Result<Edition> {
    Edition::read(&view(&own().edition, data), &MINT)
}

fn is_locked(data: &[u8]) -> anchor_lang::Result<bool> {
    token_metadata::is_locked(&view(&own().record, data), &MINT, &TOKEN_ACCOUNT)
}

fn record(bump: u8, state: TokenState) -> Vec<u8> {
    let record = TokenRecord {
        key: Key::TokenRecord,
        bump,
        state,
        rule_set_revision: Some(1),
        delegate: Some([1; 32].into()),
        delegate_role: None,
        locked_transfer: None,
    };
    encoded(&record, TokenRecord::LEN)
}

fn master() -> Vec<u8> {
    let master = MasterEdition {
        key: Key::MasterEditionV2,
        supply: 1,
        max_supply: Some(2),
    };
    encoded(&master, 20)
}

#[track_caller]
fn refused<T>(result: anchor_lang::Result<T>, expected: BautaError) {
    assert_eq!(result.err().expect("refused"), expected.into());
}

fn encoded(contents: &impl borsh::BorshSerialize, bytes: usize) -> Vec<u8> {
    let mut data = borsh::to_vec(contents).unwrap();
    assert!(data.len() <= bytes);
    data.resize(bytes, 0);
    data
}

prop_compose! {
    fn metadata()(
        texts in ("[a-z]{0,32}", "[A-Z]{0,10}", "[a-z/]{0,200}"),
        creators in prop::option::of(0..6usize),
        flags in any::<(bool, bool)>(),
        nonce in any::<Option<u8>>(),
        standard in prop::option::of(0..6usize),
        collection in any::<Option<(bool, [u8; 32])>>(),
        uses in prop::option::of((0..3usize, any::<u64>(), any::<u64>())),
        sized in any::<Option<u64>>(),
        rule_set in any::<Option<Option<[u8; 32]>>>(),
    ) -> accounts::Metadata {
        accounts::Metadata {
            key: Key::MetadataV1,
            update_authority: [7; 32].into(),
            mint: MINT.to_bytes().into(),
            name: texts.0,
            symbol: texts.1,
            uri: texts.2,
            seller_fee_basis_points: 500,
            creators: creators.map(|number| {
                vec![Creator { address: [9; 32].into(), verified: true, share: 20 }; number]
            }),
            primary_sale_happened: flags.0,
            is_mutable: flags.1,
            edition_nonce: nonce,
            token_standard: standard.map(|number| STANDARDS[number]),
            collection: collection.map(|(verified, key)| Collection { verified, key: key.into() }),
            uses: uses.map(|(method, remaining, total)| Uses {
                use_method: [UseMethod::Burn, UseMethod::Multiple, UseMethod::Single][method].clone(),
                remaining,
                total,
            }),
            collection_details: sized.map(|size| CollectionDetails::V1 { size }),
            programmable_config: rule_set.map(|rule_set| ProgrammableConfig::V1 {
                rule_set: rule_set.map(Into::into),
            }),
        }
    }
}

proptest! {
    #[test]
    fn metadata_is_read_like_the_library_reads_it(metadata in metadata(), is_long: bool) {
        let data = encoded(&metadata, if is_long { 679 } else { 607 });
        let library = accounts::Metadata::from_bytes(&data).unwrap();
        let expected = Metadata {
            standard: library.token_standard.map(|standard| standard as u8),
            collection: library
                .collection
                .map(|collection| (collection.key.to_bytes().into(), collection.verified)),
        };
        prop_assert_eq!(read(&data).unwrap(), expected);
    }

    #[test]
    fn readers_do_not_panic_on_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        key in prop::sample::select(vec![1u8, 4, 6, 11]),
        is_whole: bool,
    ) {
        let mut data = bytes;
        if is_whole {
            data.resize(607, 0);
            data[33..65].copy_from_slice(MINT.as_ref());
        }
        if let Some(first) = data.first_mut() {
            *first = key;
        }
        drop(read(&data));
        drop(read_edition(&data));
        drop(is_locked(&data));
    }

    #[test]
    fn accounts_are_read_only_at_the_addresses_of_the_library(mint: [u8; 32], token_account: [u8; 32]) {
        let (mint, token_account) = (Pubkey::from(mint), Pubkey::from(token_account));
        let addresses = addresses(&mint, &token_account);
        let metadata = accounts::Metadata { mint: mint.to_bytes().into(), ..one() };
        let metadata = encoded(&metadata, 607);
        let record = record(addresses.record_bump, TokenState::Unlocked);
        let others = [addresses.metadata, addresses.edition, addresses.record, mint];
        for key in others {
            let read = Metadata::read(&view(&key, &metadata), &mint).is_ok();
            prop_assert_eq!(read, key == addresses.metadata);
            let read = Edition::read(&view(&key, &master()), &mint).is_ok();
            prop_assert_eq!(read, key == addresses.edition);
            let read = token_metadata::is_locked(&view(&key, &record), &mint, &token_account).is_ok();
            prop_assert_eq!(read, key == addresses.record);
        }
    }

    /// An address with a lower bump is off the curve as well, but it is not the canonical one.
    #[test]
    fn an_address_with_another_bump_is_refused(mint: [u8; 32]) {
        let seeds = |bump: u8| {
            let seeds: [&[u8]; 5] = [b"metadata", TOKEN_METADATA_PROGRAM.as_ref(), &mint, b"edition", &[bump]];
            Pubkey::create_program_address(&seeds, &TOKEN_METADATA_PROGRAM).ok()
        };
        let off_curve: Vec<Pubkey> = (0..=u8::MAX).rev().filter_map(seeds).take(3).collect();
        let read = off_curve
            .iter()
            .map(|key| Edition::read(&view(key, &master()), &Pubkey::from(mint)).is_ok());
        prop_assert_eq!(read.collect::<Vec<_>>(), [true, false, false]);
    }
}

fn one() -> accounts::Metadata {
    accounts::Metadata {
        key: Key::MetadataV1,
        update_authority: [7; 32].into(),
        mint: MINT.to_bytes().into(),
        name: "Token".into(),
        symbol: String::new(),
        uri: String::new(),
        seller_fee_basis_points: 0,
        creators: None,
        primary_sale_happened: false,
        is_mutable: true,
        edition_nonce: Some(255),
        token_standard: Some(TokenStandard::NonFungible),
        collection: Some(Collection {
            verified: true,
            key: [5; 32].into(),
        }),
        uses: Some(Uses {
            use_method: UseMethod::Single,
            remaining: 1,
            total: 1,
        }),
        collection_details: None,
        programmable_config: None,
    }
}

#[test]
fn the_metadata_of_another_program_address_or_mint_or_of_another_kind_is_refused() {
    let data = encoded(&one(), 607);
    read(&data).unwrap();
    let other = Pubkey::new_unique();
    let address = own().metadata;
    let foreign = AccountView {
        owner: &other,
        ..view(&address, &data)
    };
    refused(Metadata::read(&foreign, &MINT), BautaError::WrongMetadata);
    refused(
        Metadata::read(&view(&other, &data), &MINT),
        BautaError::WrongMetadata,
    );
    refused(
        Metadata::read(&view(&address, &data), &other),
        BautaError::WrongMetadata,
    );
    for length in [0, 1, 64] {
        refused(read(&data[..length]), BautaError::WrongMetadata);
    }
    for key in (0..=u8::MAX).filter(|key| *key != 4) {
        let mut data = data.clone();
        data[0] = key;
        refused(read(&data), BautaError::WrongMetadata);
    }
}

#[test]
fn metadata_of_another_length_or_with_an_unknown_tag_is_refused() {
    for length in [65, 606, 608, 678, 680] {
        refused(read(&encoded(&one(), 680)[..length]), BautaError::InvalidMetadata);
    }
    let data = encoded(&one(), 607);
    // Offsets from the end of the fixed fields: name (4 + 5), symbol (4), URI (4), fee (2).
    let after_texts = 65 + 9 + 4 + 4 + 2;
    let tags = [
        ("creators", 0, 2),
        ("primary sale", 1, 2),
        ("mutable", 2, 2),
        ("edition nonce", 3, 2),
        ("standard", 5, 2),
        ("the standard itself", 6, 6),
        ("collection", 7, 2),
        ("verified", 8, 2),
        ("uses", 41, 2),
        ("use method", 42, 3),
    ];
    for (name, at, first_unknown) in tags {
        for value in [first_unknown, u8::MAX] {
            let mut data = data.clone();
            data[after_texts + at] = value;
            assert_eq!(
                read(&data).err(),
                Some(BautaError::InvalidMetadata.into()),
                "{name}: {value}"
            );
        }
    }
    // A length that exceeds the data.
    for at in [65, 65 + 9, 65 + 9 + 4] {
        let mut data = data.clone();
        data[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        refused(read(&data), BautaError::InvalidMetadata);
    }
}

#[test]
fn only_masters_and_prints_have_an_edition() {
    let print = encoded(
        &accounts::Edition {
            key: Key::EditionV1,
            parent: [6; 32].into(),
            edition: 1,
        },
        accounts::Edition::LEN,
    );
    let read = read_edition;
    assert_eq!(read(&master()).unwrap(), Edition::Master);
    let parent = Pubkey::new_from_array([6; 32]);
    assert_eq!(read(&print).unwrap(), Edition::Print { parent });
    for length in [0, 1, 32] {
        refused(read(&print[..length]), BautaError::WrongEdition);
    }
    for key in (0..=u8::MAX).filter(|key| ![1, 6].contains(key)) {
        let mut data = print.clone();
        data[0] = key;
        refused(read(&data), BautaError::WrongEdition);
    }
    let other = Pubkey::new_unique();
    refused(
        Edition::read(&view(&other, &master()), &MINT),
        BautaError::WrongEdition,
    );
}

#[test]
fn a_token_record_is_unlocked_locked_or_listed() {
    let bump = own().record_bump;
    let read = is_locked;
    assert!(!read(&record(bump, TokenState::Unlocked)).unwrap());
    assert!(read(&record(bump, TokenState::Locked)).unwrap());
    assert!(read(&record(bump, TokenState::Listed)).unwrap());
    let mut unknown = record(bump, TokenState::Listed);
    unknown[2] = 3;
    refused(read(&unknown), BautaError::UnknownTokenState);
    refused(read(&unknown[..2]), BautaError::WrongTokenRecord);
    unknown[0] = 4;
    refused(read(&unknown), BautaError::WrongTokenRecord);
    let other_bump = record(bump.wrapping_sub(1), TokenState::Unlocked);
    refused(read(&other_bump), BautaError::WrongTokenRecord);
    let unlocked = record(bump, TokenState::Unlocked);
    for (key, token_account) in [(MINT, TOKEN_ACCOUNT), (own().record, MINT)] {
        refused(
            token_metadata::is_locked(&view(&key, &unlocked), &MINT, &token_account),
            BautaError::WrongTokenRecord,
        );
    }
}
