use bauta::errors::BautaError;
use bauta::state::{Collection, CollectionKind};
use bauta_client::instructions::AddCollection;
use bauta_client::{Event, addresses};
use bauta_program_test::{RegistrySpec, TestChain, assert_refused, with_bytes};
use solana_signer::Signer;

#[test]
fn a_collection_has_only_rules_of_its_kind_and_a_number_from_1() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let mut number = 0;
    for kind in CollectionKind::ALL {
        let key = chain.new_keypair("collection").pubkey();
        for rule in (0..16).map(|bit| 1 << bit) {
            if kind.possible_rules() & rule == 0 {
                let added = chain.add_collection_with_rules(&registry, &key, kind, rule, 1);
                assert_refused(added, BautaError::UnknownRule);
            }
        }
        let rules = kind.possible_rules();
        let receipt = chain
            .add_collection_with_rules(&registry, &key, kind, rules, 1)
            .expect("add_collection");
        number += 1;
        let address = addresses::collection(&registry.address, &key).address;
        let state: Collection = chain.state(&address).expect("the collection exists");
        assert_eq!(
            (state.kind, state.rules, state.number, state.key),
            (kind as u8, rules, number, key)
        );
        let Event::CollectionAdded(ref event) = receipt.events[0] else {
            panic!("{:?}", receipt.events);
        };
        assert_eq!((event.kind, event.rules, event.number), (kind, rules, number));
    }
    assert_eq!(chain.registry_state(&registry).collection_count, number);
}

/// The number of a collection has 16 bits.
#[test]
fn a_registry_with_65_535_collections_refuses_another_one() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let mut account = chain.account(&registry.address).expect("the registry exists");
    // The count is at byte 70, behind the discriminator.
    account.data[8 + 70..8 + 72].copy_from_slice(&(u16::MAX - 1).to_le_bytes());
    chain.set_account(&registry.address, account);
    let [last, other] = [(); 2].map(|()| chain.new_keypair("collection").pubkey());
    let kind = CollectionKind::Asset;
    chain
        .add_collection(&registry, &last, kind, 1)
        .expect("the last one");
    assert_eq!(chain.registry_state(&registry).collection_count, u16::MAX);
    assert_refused(
        chain.add_collection(&registry, &other, kind, 1),
        BautaError::TooManyCollections,
    );
    assert_eq!(chain.registry_state(&registry).collection_count, u16::MAX);
}

/// The kind comes after the discriminator and the key.
#[test]
fn an_unknown_kind_of_collection_is_malformed_data() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let key = chain.new_keypair("collection").pubkey();
    let add = AddCollection {
        payer: chain.payer.pubkey(),
        authority: registry.authority.pubkey(),
        registry: registry.address,
        key,
        kind: CollectionKind::Prints,
        rules: 0,
        track: 1,
    };
    let tail = |kind| [&key.to_bytes()[..], &[kind]].concat();
    for kind in [5, u8::MAX] {
        let unknown = with_bytes(add.instruction(), &tail(4), &tail(kind));
        assert_refused(
            chain.send(&[unknown], &[&registry.authority]),
            anchor_lang::error::ErrorCode::InstructionDidNotDeserialize,
        );
    }
}

/// Each instruction takes assets of its own form, and each kind of collection has assets of one
/// form.
#[test]
fn an_asset_is_not_a_member_of_a_collection_of_another_kind() {
    for kind in CollectionKind::ALL {
        let mut fixture = super::Fixture::new(kind, 0);
        let owner = fixture.chain.funded_keypair("holder");
        let asset = fixture.chain.core_asset(&owner, None, &[]);
        assert_refused(fixture.register_core(&asset), BautaError::NotInCollection);
        let nft = fixture.chain.mint_nft(&owner);
        let expected = match kind {
            CollectionKind::TokenMetadata => BautaError::WrongMetadata,
            CollectionKind::Prints => BautaError::NotAPrint,
            CollectionKind::Asset | CollectionKind::Group | CollectionKind::Core => {
                BautaError::NotInCollection
            }
        };
        assert_refused(fixture.register(&nft), expected);
        fixture.assert_leaves(0);
    }
}
