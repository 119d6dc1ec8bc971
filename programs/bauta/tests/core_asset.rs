//! Compares the readers of Metaplex Core with the types of its official client crate.

use anchor_lang::prelude::Pubkey;
use bauta::{
    core_asset::{CORE_PROGRAM, CoreAsset, Plugins, collection_plugins, is_burnt},
    errors::BautaError,
    view::AccountView,
};
use borsh::BorshDeserialize;
use mpl_core::accounts::{BaseAssetV1, BaseCollectionV1, PluginHeaderV1, PluginRegistryV1};
use mpl_core::types::{
    ExternalCheckResult, ExternalPluginAdapterType, ExternalRegistryRecord, HookableLifecycleEvent, Key,
    PluginAuthority, PluginType, RegistryRecord, UpdateAuthority,
};
use proptest::prelude::*;

const ADDRESS: Pubkey = Pubkey::new_from_array([4; 32]);
/// The numbers of the known plugin types.
const TYPES: u8 = 19;

fn view(data: &[u8]) -> AccountView<'_> {
    AccountView {
        key: &ADDRESS,
        owner: &CORE_PROGRAM,
        data,
    }
}

fn read(data: &[u8]) -> anchor_lang::Result<CoreAsset> {
    CoreAsset::read(&view(data))
}

#[track_caller]
fn refused<T>(result: anchor_lang::Result<T>, expected: BautaError) {
    assert_eq!(result.err().expect("refused"), expected.into());
}

/// Adds plugins to the fields of an account. Each has a type and the bytes of its contents.
fn with_plugins(
    mut data: Vec<u8>,
    plugins: &[(u8, PluginAuthority, Vec<u8>)],
    external: Vec<ExternalRegistryRecord>,
) -> Vec<u8> {
    let header_at = data.len();
    data.extend([0; PluginHeaderV1::LEN]);
    let mut registry = vec![];
    for (kind, authority, contents) in plugins {
        registry.push(RegistryRecord {
            plugin_type: PluginType::try_from_slice(&[*kind]).unwrap(),
            authority: authority.clone(),
            offset: data.len() as u64,
        });
        data.push(*kind);
        data.extend(contents);
    }
    let header = PluginHeaderV1 {
        key: Key::PluginHeaderV1,
        plugin_registry_offset: data.len() as u64,
    };
    data[header_at..header_at + PluginHeaderV1::LEN].copy_from_slice(&borsh::to_vec(&header).unwrap());
    let list = PluginRegistryV1 {
        key: Key::PluginRegistryV1,
        registry,
        external_registry: external,
    };
    data.extend(borsh::to_vec(&list).unwrap());
    data
}

fn asset(update_authority: UpdateAuthority, name: &str, seq: Option<u64>) -> Vec<u8> {
    let fields = BaseAssetV1 {
        key: Key::AssetV1,
        owner: [1; 32].into(),
        update_authority,
        name: name.into(),
        uri: "https://example.com".into(),
        seq,
    };
    borsh::to_vec(&fields).unwrap()
}

fn collection() -> Vec<u8> {
    let fields = BaseCollectionV1 {
        key: Key::CollectionV1,
        update_authority: [1; 32].into(),
        name: "Collection".into(),
        uri: String::new(),
        num_minted: 1,
        current_size: 1,
    };
    borsh::to_vec(&fields).unwrap()
}

fn update_authority() -> impl Strategy<Value = UpdateAuthority> {
    prop_oneof![
        Just(UpdateAuthority::None),
        any::<[u8; 32]>().prop_map(|key| UpdateAuthority::Address(key.into())),
        any::<[u8; 32]>().prop_map(|key| UpdateAuthority::Collection(key.into())),
    ]
}

fn authority() -> impl Strategy<Value = PluginAuthority> {
    prop_oneof![
        Just(PluginAuthority::None),
        Just(PluginAuthority::Owner),
        Just(PluginAuthority::UpdateAuthority),
        any::<[u8; 32]>().prop_map(|key| PluginAuthority::Address { address: key.into() }),
    ]
}

/// A plugin of each type at most once. The contents of a freezing plugin are its state.
fn plugins() -> impl Strategy<Value = Vec<(u8, PluginAuthority, Vec<u8>)>> {
    let one = (
        authority(),
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 0..40),
    );
    prop::collection::btree_map(0..TYPES, one, 0..6).prop_map(|plugins| {
        let contents = |kind, is_frozen, other| match kind {
            1 | 5 => vec![u8::from(is_frozen)],
            _ => other,
        };
        plugins
            .into_iter()
            .map(|(kind, (authority, is_frozen, other))| (kind, authority, contents(kind, is_frozen, other)))
            .collect()
    })
}

fn external() -> impl Strategy<Value = ExternalRegistryRecord> {
    (
        0..7u8,
        authority(),
        prop::option::of(0..3usize),
        any::<[Option<u64>; 2]>(),
    )
        .prop_map(
            |(kind, authority, checks, [data_offset, data_len])| ExternalRegistryRecord {
                plugin_type: ExternalPluginAdapterType::try_from_slice(&[kind]).unwrap(),
                authority,
                lifecycle_checks: checks.map(|number| {
                    vec![(HookableLifecycleEvent::Transfer, ExternalCheckResult { flags: 4 }); number]
                }),
                offset: 0,
                data_offset,
                data_len,
            },
        )
}

proptest! {
    #[test]
    fn assets_are_read_like_the_library_writes_them(
        update_authority in update_authority(),
        name in "[a-z]{0,40}",
        seq in any::<Option<u64>>(),
        plugins in plugins(),
        external in prop::collection::vec(external(), 0..3),
    ) {
        let state = |of: u8| {
            plugins.iter().find(|(kind, ..)| *kind == of).map(|(.., contents)| contents[0] == 1)
        };
        let has = |of: u8| plugins.iter().any(|(kind, ..)| *kind == of);
        let delegated = |of: u8| {
            plugins.iter().any(|(kind, authority, _)| {
                let is_owner = matches!(authority, PluginAuthority::None | PluginAuthority::Owner);
                *kind == of && !is_owner
            })
        };
        let expected = Plugins {
            has_unknown: false,
            delegates: [
                (has(7), Plugins::PERMANENT_TRANSFER),
                (delegated(3), Plugins::TRANSFER),
                (delegated(2) || has(8), Plugins::BURN),
            ]
            .iter()
            .fold(0, |sum, (is_set, bit)| if *is_set { sum | bit } else { sum }),
            frozen: state(1),
            permanently_frozen: state(5),
        };
        let bare = asset(update_authority.clone(), &name, seq);
        let in_collection = match update_authority {
            UpdateAuthority::Collection(key) => Some(Pubkey::from(key.to_bytes())),
            _ => None,
        };
        let read_bare = read(&bare).unwrap();
        prop_assert_eq!(read_bare.owner, Pubkey::new_from_array([1; 32]));
        prop_assert_eq!(read_bare.collection, in_collection);
        prop_assert_eq!(read_bare.plugins, Plugins::default());
        let whole = with_plugins(bare, &plugins, external.clone());
        prop_assert_eq!(read(&whole).unwrap(), CoreAsset { plugins: expected, ..read_bare });
        let whole = with_plugins(collection(), &plugins, external);
        prop_assert_eq!(collection_plugins(&view(&whole), &ADDRESS).unwrap(), expected);
    }

    #[test]
    fn readers_do_not_panic_on_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        change in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        plugins in plugins(),
    ) {
        let mut changed = with_plugins(asset(UpdateAuthority::None, "a", None), &plugins, vec![]);
        for (at, byte) in change {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        for data in [bytes, changed] {
            for key in [1, 5] {
                let mut data = data.clone();
                if let Some(first) = data.first_mut() {
                    *first = key;
                }
                drop(read(&data));
                drop(collection_plugins(&view(&data), &ADDRESS));
            }
        }
    }
}

#[test]
fn the_library_has_no_plugin_type_that_the_program_does_not_know() {
    assert!(PluginType::try_from_slice(&[TYPES - 1]).is_ok());
    assert!(PluginType::try_from_slice(&[TYPES]).is_err());
    assert!(ExternalPluginAdapterType::try_from_slice(&[6]).is_ok());
    assert!(ExternalPluginAdapterType::try_from_slice(&[7]).is_err());
}

#[test]
fn every_plugin_type_above_the_known_ones_is_unknown() {
    let known = with_plugins(
        asset(UpdateAuthority::None, "a", None),
        &[(TYPES - 1, PluginAuthority::None, vec![])],
        vec![],
    );
    // The plugin begins with its type, and the record follows the key and the count.
    let at = known.iter().rposition(|byte| *byte == 4).unwrap();
    let (in_list, in_plugin) = (at + 5, at - 1);
    assert_eq!([known[in_list], known[in_plugin]], [TYPES - 1; 2]);
    for kind in TYPES..=u8::MAX {
        let mut data = known.clone();
        data[in_list] = kind;
        // The plugin itself must have the type that the list says.
        refused(read(&data), BautaError::InvalidCoreAsset);
        data[in_plugin] = kind;
        assert!(read(&data).unwrap().plugins.has_unknown, "{kind}");
    }
    let external = ExternalRegistryRecord {
        plugin_type: ExternalPluginAdapterType::AgentIdentity,
        authority: PluginAuthority::None,
        lifecycle_checks: None,
        offset: 0,
        data_offset: None,
        data_len: None,
    };
    let mut data = with_plugins(asset(UpdateAuthority::None, "a", None), &[], vec![external]);
    // type, authority, no checks, offset, no data offset, no data length
    let at = data.len() - 13;
    assert_eq!(data[at], 6);
    assert!(!read(&data).unwrap().plugins.has_unknown);
    data[at] = 7;
    assert!(read(&data).unwrap().plugins.has_unknown);
}

#[test]
fn a_truncated_account_and_an_offset_outside_the_account_are_refused() {
    let plugins = [
        (7, PluginAuthority::Owner, vec![]),
        (1, PluginAuthority::Owner, vec![0]),
    ];
    let bare = asset(UpdateAuthority::None, "a", Some(1)).len();
    let whole = with_plugins(asset(UpdateAuthority::None, "a", Some(1)), &plugins, vec![]);
    read(&whole).unwrap();
    refused(read(&[]), BautaError::NotACoreAsset);
    for length in (1..whole.len()).filter(|length| *length != bare) {
        refused(read(&whole[..length]), BautaError::InvalidCoreAsset);
    }
    for offset in [whole.len() as u64, u64::MAX] {
        let mut data = whole.clone();
        data[bare + 1..bare + 9].copy_from_slice(&offset.to_le_bytes());
        refused(read(&data), BautaError::InvalidCoreAsset);
        let mut data = whole.clone();
        // The last record's offset comes before the count of the external records.
        let at = data.len() - 12;
        data[at..at + 8].copy_from_slice(&offset.to_le_bytes());
        refused(read(&data), BautaError::InvalidCoreAsset);
    }
    // The freezing plugin has a state that is not a boolean.
    let mut data = whole.clone();
    data[bare + 9 + 2] = 2;
    refused(read(&data), BautaError::InvalidCoreAsset);
    let mut data = whole;
    data[33] = 3;
    refused(read(&data), BautaError::InvalidCoreAsset);
}

#[test]
fn only_an_asset_that_is_stored_whole_is_an_asset() {
    let data = asset(UpdateAuthority::None, "a", None);
    let other = Pubkey::new_unique();
    let foreign = AccountView {
        owner: &other,
        ..view(&data)
    };
    refused(CoreAsset::read(&foreign), BautaError::NotACoreAsset);
    assert!(is_burnt(&foreign));
    for key in (0..=u8::MAX).filter(|key| *key != 1) {
        let mut data = data.clone();
        data[0] = key;
        refused(read(&data), BautaError::NotACoreAsset);
        assert_eq!(is_burnt(&view(&data)), key == 0, "{key}");
    }
    assert!(is_burnt(&view(&[])));
    assert!(!is_burnt(&view(&data)));
}

#[test]
fn a_collection_of_another_program_or_address_or_that_is_malformed_is_refused() {
    let data = collection();
    collection_plugins(&view(&data), &ADDRESS).unwrap();
    let other = Pubkey::new_unique();
    let wrong = BautaError::WrongCoreCollection;
    refused(collection_plugins(&view(&data), &other), wrong);
    let foreign = AccountView {
        owner: &other,
        ..view(&data)
    };
    refused(collection_plugins(&foreign, &ADDRESS), wrong);
    for length in 0..data.len() {
        refused(
            collection_plugins(&view(&data[..length]), &ADDRESS),
            if length == 0 {
                wrong
            } else {
                BautaError::InvalidCoreCollection
            },
        );
    }
    let asset = asset(UpdateAuthority::None, "a", None);
    refused(collection_plugins(&view(&asset), &ADDRESS), wrong);
}
