//! Tests the decoding of return data.

use bauta_client::{ClientError, Verification};
use bauta_primitives::FieldElement;
use proptest::prelude::*;
use solana_address::Address;

fn data() -> Vec<u8> {
    (1..=7u8).flat_map(|part| [part; 32]).collect()
}

#[test]
fn return_data_of_the_program_is_decoded() {
    let read = Verification::decode(&bauta::ID, &data()).unwrap();
    assert_eq!(read.scope, Address::new_from_array([1; 32]));
    assert_eq!(read.registry, Address::new_from_array([2; 32]));
    assert_eq!(read.circuit, Address::new_from_array([3; 32]));
    assert_eq!(read.claim.to_bytes(), [4; 32]);
    assert_eq!(read.nullifier.to_bytes(), [5; 32]);
    assert_eq!(read.recipient, Address::new_from_array([6; 32]));
    assert_eq!(read.payload_hash, [7; 32]);
}

#[test]
fn return_data_of_another_program_is_refused() {
    let other = Address::new_from_array([9; 32]);
    assert!(matches!(
        Verification::decode(&other, &data()),
        Err(ClientError::ReturnData { .. })
    ));
}

#[test]
fn return_data_that_is_too_long_is_refused() {
    let long = [data(), vec![0]].concat();
    assert!(matches!(
        Verification::decode(&bauta::ID, &long),
        Err(ClientError::ReturnData { .. })
    ));
}

/// Otherwise empty data would be a verification of zeros.
#[test]
fn return_data_without_a_hash_of_the_payload_is_refused() {
    for length in [0, 1, 32, 192] {
        assert!(matches!(
            Verification::decode(&bauta::ID, &data()[..length]),
            Err(ClientError::ReturnData { .. })
        ));
    }
}

#[test]
fn trailing_zero_bytes_that_a_node_cut_are_added_again() {
    let mut whole = data();
    whole[220..].fill(0);
    let cut = &whole[..220];
    assert_eq!(
        Verification::decode(&bauta::ID, cut).unwrap(),
        Verification::decode(&bauta::ID, &whole).unwrap()
    );
}

#[test]
fn a_nullifier_of_r_or_above_is_refused() {
    let mut unreduced = data();
    unreduced[128..160].copy_from_slice(&FieldElement::MODULUS);
    assert!(matches!(
        Verification::decode(&bauta::ID, &unreduced),
        Err(ClientError::Primitives(_))
    ));
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(data in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(read) = Verification::decode(&bauta::ID, &data) {
            prop_assert!(data.len() <= Verification::BYTES);
            prop_assert!(read.claim.to_bytes() < FieldElement::MODULUS);
        }
    }
}
