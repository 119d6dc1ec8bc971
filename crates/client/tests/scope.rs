//! Tests that the client derives the scope element and does not take it from a node.

use anchor_lang::Discriminator;
use bauta::state::Scope;
use bauta_client::{ClientError, ClusterTag, addresses, decode_scope};
use bytemuck::{Zeroable, bytes_of};
use solana_address::Address;

const TAG: ClusterTag = ClusterTag::new([7; 32]);

/// Returns a scope account and its address. `tag` is the cluster tag in the program's `Config`.
fn account(tag: ClusterTag, nonce: u64) -> (Address, Vec<u8>) {
    let mut scope = Scope {
        registry: Address::new_from_array([1; 32]),
        creator: Address::new_from_array([2; 32]),
        nonce,
        ..Scope::zeroed()
    };
    let address = addresses::scope(&scope.registry, &scope.creator, nonce).address;
    scope.scope = tag.scope_element(&address).to_bytes();
    (address, [Scope::DISCRIMINATOR, bytes_of(&scope)].concat())
}

#[test]
fn a_scope_whose_element_is_the_derived_one_is_decoded() {
    let (address, data) = account(TAG, 3);
    let scope = decode_scope(&TAG, &address, &bauta::ID, &data).unwrap();
    assert_eq!(scope.nonce, 3);
    assert_eq!(scope.scope, TAG.scope_element(&address).to_bytes());
}

#[test]
fn an_element_of_another_cluster_is_refused() {
    let (address, data) = account(ClusterTag::MAINNET, 3);
    let error = decode_scope(&TAG, &address, &bauta::ID, &data)
        .err()
        .expect("refused");
    assert!(matches!(error, ClientError::ScopeElement { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains(&TAG.scope_element(&address).to_string()),
        "{message}"
    );
}

#[test]
fn the_account_of_another_scope_is_refused() {
    let (address, _) = account(TAG, 3);
    let (other, data) = account(TAG, 4);
    assert_eq!(
        decode_scope(&TAG, &address, &bauta::ID, &data)
            .err()
            .expect("refused"),
        ClientError::OtherScope {
            requested: address,
            received: other
        }
    );
}

#[test]
fn an_account_of_another_program_or_kind_is_refused() {
    let (address, mut data) = account(TAG, 3);
    let other = Address::new_from_array([9; 32]);
    assert_eq!(
        decode_scope(&TAG, &address, &other, &data)
            .err()
            .expect("refused"),
        ClientError::ForeignAccount { owner: other }
    );
    data[0] ^= 1;
    let error = decode_scope(&TAG, &address, &bauta::ID, &data)
        .err()
        .expect("refused");
    assert_eq!(error, ClientError::AccountKind { kind: "Scope" });
}

#[test]
fn the_tag_of_local_chains_is_the_one_of_the_command_line() {
    assert!(ClusterTag::LOCAL.to_bytes().starts_with(b"bauta local chain\0"));
    assert_eq!(
        ClusterTag::DEVNET.to_bytes(),
        "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"
            .parse::<Address>()
            .unwrap()
            .to_bytes()
    );
}
