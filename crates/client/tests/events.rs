//! Tests which inner instructions are events of the program.

use anchor_lang::Event as _;
use anchor_lang::event::EVENT_IX_TAG_LE;
use bauta::events::{
    CollectionAdded, Evidence, HolderEvicted, HolderRegistered, RegistrySealed, ScopeClosed,
};
use bauta::state::{AssetForm, CollectionKind};
use bauta_client::{ClientError, Event, addresses, decode_event};
use proptest::prelude::*;
use solana_address::Address;

fn sealed() -> (RegistrySealed, Vec<u8>) {
    let event = RegistrySealed {
        registry: Address::new_from_array([3; 32]),
        timestamp: 17,
    };
    let data = [EVENT_IX_TAG_LE, &event.data()].concat();
    (event, data)
}

#[test]
fn a_call_of_the_program_by_itself_is_an_event() {
    let (event, data) = sealed();
    let authority = [addresses::event_authority().address];
    let Some(Event::RegistrySealed(decoded)) = decode_event(&bauta::ID, &authority, &data).unwrap() else {
        panic!("the instruction is an event")
    };
    assert_eq!(decoded, event);
}

#[test]
fn events_of_another_program_are_ignored() {
    let (_, data) = sealed();
    let authority = [addresses::event_authority().address];
    let other = Address::new_from_array([9; 32]);
    assert_eq!(decode_event(&other, &authority, &data).unwrap(), None);
}

#[test]
fn events_without_the_event_authority_are_ignored() {
    let (_, data) = sealed();
    let authority = addresses::event_authority().address;
    let other = Address::new_from_array([9; 32]);
    for accounts in [&[][..], &[other], &[other, authority], &[authority, other]] {
        assert_eq!(decode_event(&bauta::ID, accounts, &data).unwrap(), None);
    }
}

#[test]
fn another_instruction_of_the_program_is_not_an_event() {
    let (_, data) = sealed();
    let authority = [addresses::event_authority().address];
    assert_eq!(decode_event(&bauta::ID, &authority, &data[8..]).unwrap(), None);
    assert_eq!(decode_event(&bauta::ID, &authority, &[]).unwrap(), None);
}

#[test]
fn an_event_that_can_not_be_decoded_is_an_error() {
    let (_, data) = sealed();
    let authority = [addresses::event_authority().address];
    let decode = |data: &[u8]| decode_event(&bauta::ID, &authority, data);
    let mut unknown = data.clone();
    unknown[8] ^= 1;
    assert!(matches!(decode(&unknown), Err(ClientError::UnknownEvent { .. })));
    assert!(matches!(
        decode(&data[..12]),
        Err(ClientError::UnknownEvent { .. })
    ));
    for damaged in [&data[..data.len() - 1], &[&data[..], &[0]].concat()] {
        assert!(matches!(
            decode(damaged),
            Err(ClientError::MalformedEvent {
                name: "RegistrySealed",
                ..
            })
        ));
    }
}

/// Events of the program before collections had rules and numbers have no such fields.
#[test]
fn events_of_the_earlier_program_are_decoded() {
    let authority = [addresses::event_authority().address];
    let address = Address::new_from_array([3; 32]);
    let decode = |data: &[u8]| decode_event(&bauta::ID, &authority, data);
    let added = CollectionAdded {
        registry: address,
        collection: address,
        key: address,
        kind: CollectionKind::Group,
        track: 5,
        timestamp: 17,
        rules: 0,
        number: 0,
    };
    let registered = HolderRegistered {
        registry: address,
        sequence: 1,
        mint: address,
        owner: address,
        commitment: [3; 32],
        track: 5,
        index: 0,
        replaced: false,
        timestamp: 17,
        form: AssetForm::Token,
        collection: 0,
    };
    for (event, data, new_bytes) in [
        (Event::CollectionAdded(added.clone()), added.data(), 4),
        (Event::HolderRegistered(registered.clone()), registered.data(), 3),
    ] {
        let data = [EVENT_IX_TAG_LE, &data].concat();
        let earlier = &data[..data.len() - new_bytes];
        assert_eq!(decode(&data).unwrap(), Some(event.clone()));
        assert_eq!(decode(earlier).unwrap(), Some(event));
        // No other length is the earlier form.
        for length in [data.len() - 1, data.len() - new_bytes - 1] {
            assert!(matches!(
                decode(&data[..length]),
                Err(ClientError::MalformedEvent { .. })
            ));
        }
    }
}

/// The numbers are part of the interface. 3 is a form, and 6 an evidence, of a newer program.
#[test]
fn every_form_and_every_evidence_has_its_number_and_unknown_ones_are_malformed() {
    let authority = [addresses::event_authority().address];
    let address = Address::new_from_array([3; 32]);
    let evicted = HolderEvicted {
        registry: address,
        sequence: 1,
        mint: address,
        owner: address,
        index: 0,
        evidence: Evidence::LeafEmpty,
        timestamp: 17,
    };
    let data = [EVENT_IX_TAG_LE, &evicted.data()].concat();
    let decode = |evidence: u8| {
        let mut data = data.clone();
        // The time follows the evidence.
        let at = data.len() - 9;
        data[at] = evidence;
        decode_event(&bauta::ID, &authority, &data)
    };
    let known = [
        Evidence::SupplyZero,
        Evidence::MintClosed,
        Evidence::OtherOwner,
        Evidence::AssetGone,
        Evidence::LeftCollection,
        Evidence::LeafEmpty,
    ];
    for (number, evidence) in (0..).zip(known) {
        let expected = HolderEvicted {
            evidence,
            ..evicted.clone()
        };
        assert_eq!(decode(number).unwrap(), Some(Event::HolderEvicted(expected)));
    }
    assert!(matches!(decode(6), Err(ClientError::MalformedEvent { .. })));
    let forms = [AssetForm::Token, AssetForm::Core, AssetForm::Compressed];
    for (number, form) in (0..).zip(forms) {
        assert_eq!(AssetForm::from_byte(number), Some(form));
        assert_eq!(form as u8, number);
    }
    assert_eq!(AssetForm::from_byte(3), None);
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(data in prop::collection::vec(any::<u8>(), 0..400), known in any::<bool>()) {
        let authority = [addresses::event_authority().address];
        let mut bytes = EVENT_IX_TAG_LE.to_vec();
        if known {
            bytes.extend(<ScopeClosed as anchor_lang::Discriminator>::DISCRIMINATOR);
        }
        bytes.extend(&data);
        if let Ok(Some(Event::ScopeClosed(event))) = decode_event(&bauta::ID, &authority, &bytes) {
            prop_assert_eq!(event.data(), &bytes[8..]);
        }
    }
}
