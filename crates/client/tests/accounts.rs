//! Tests the decoding of accounts.

use anchor_lang::Discriminator;
use bauta::state::{Circuit, Config, Holding, Nullifier, Registry, Tree};
use bauta_client::{ClientError, decode_account};
use bytemuck::{Zeroable, bytes_of};
use proptest::prelude::*;
use solana_address::Address;

fn nullifier() -> (Nullifier, Vec<u8>) {
    let state = Nullifier {
        rent_payer: Address::new_from_array([1; 32]),
        scope_tag: [2; 16],
        nullifier_prefix: [3; 16],
    };
    let data = [Nullifier::DISCRIMINATOR, bytes_of(&state)].concat();
    (state, data)
}

#[test]
fn an_account_of_the_program_is_decoded() {
    let (state, data) = nullifier();
    let read: Nullifier = decode_account(&bauta::ID, &data).unwrap();
    assert_eq!(bytes_of(&read), bytes_of(&state));
}

#[test]
fn an_account_is_decoded_at_any_alignment() {
    let data = [Registry::DISCRIMINATOR, bytes_of(&Registry::zeroed())].concat();
    for shift in 0..8 {
        let shifted = [vec![0xaa; shift], data.clone()].concat();
        decode_account::<Registry>(&bauta::ID, &shifted[shift..]).unwrap();
    }
}

#[test]
fn an_account_of_another_program_is_refused() {
    let (_, data) = nullifier();
    let owner = Address::new_from_array([9; 32]);
    let error = decode_account::<Nullifier>(&owner, &data).err();
    assert_eq!(error, Some(ClientError::ForeignAccount { owner }));
}

#[test]
fn an_account_of_another_length_is_refused() {
    let (_, data) = nullifier();
    for wrong in [
        &data[..data.len() - 1],
        &data[..8],
        &[],
        &[&data[..], &[0]].concat(),
    ] {
        let error = decode_account::<Nullifier>(&bauta::ID, wrong).err();
        assert_eq!(
            error,
            Some(ClientError::AccountLength {
                kind: "Nullifier",
                length: wrong.len(),
                expected: 72
            })
        );
    }
}

#[test]
fn an_account_with_another_discriminator_is_refused() {
    let (_, mut data) = nullifier();
    data[0] ^= 1;
    let error = decode_account::<Nullifier>(&bauta::ID, &data).err();
    assert_eq!(error, Some(ClientError::AccountKind { kind: "Nullifier" }));
    // A prepared Tree account has no discriminator.
    let error = decode_account::<Tree>(&bauta::ID, &vec![0; Tree::SPACE]).err();
    assert_eq!(error, Some(ClientError::AccountKind { kind: "Tree" }));
}

#[test]
fn accounts_have_the_lengths_in_the_protocol() {
    assert_eq!(Tree::SPACE, 54_936);
    let lengths = [
        8 + size_of::<Config>(),
        8 + size_of::<Registry>(),
        8 + size_of::<Holding>(),
        8 + size_of::<Circuit>(),
        Nullifier::SPACE,
    ];
    assert_eq!(lengths, [112, 2_104, 168, 728, 72]);
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let read = decode_account::<Nullifier>(&bauta::ID, &data).is_ok();
        prop_assert_eq!(read, data.len() == 72 && data.starts_with(Nullifier::DISCRIMINATOR));
    }
}
