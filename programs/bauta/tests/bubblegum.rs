//! Compares the readers of Bubblegum's trees and leaves with the types of the official client
//! crate, and with any bytes.

use bauta::bubblegum::{
    BUBBLEGUM_PROGRAM, CompressedLeaf, LeafData, MPL_COMPRESSION_PROGRAM, MerkleTree,
    SPL_COMPRESSION_PROGRAM, Version, asset_id,
};
use bauta::token_metadata::Metadata;
use bauta::view::AccountView;
use borsh::BorshDeserialize;
use mpl_bubblegum::hash::{DEFAULT_ASSET_DATA_HASH, hash_collection_option, hash_metadata};
use mpl_bubblegum::types::{
    Collection, Creator, LeafSchema, MetadataArgs, TokenProgramVersion, TokenStandard, UseMethod, Uses,
};
use proptest::prelude::*;
use solana_address::Address;

fn metadata(text: &str, fee: u16, collection: Option<(bool, [u8; 32])>, is_rich: bool) -> MetadataArgs {
    MetadataArgs {
        name: text.into(),
        symbol: text.chars().take(3).collect(),
        uri: text.into(),
        seller_fee_basis_points: fee,
        primary_sale_happened: is_rich,
        is_mutable: true,
        edition_nonce: is_rich.then_some(255),
        token_standard: is_rich.then_some(TokenStandard::NonFungible),
        collection: collection.map(|(verified, key)| Collection {
            verified,
            key: key.into(),
        }),
        uses: is_rich.then_some(Uses {
            use_method: UseMethod::Single,
            remaining: 1,
            total: 2,
        }),
        token_program_version: TokenProgramVersion::Original,
        creators: vec![
            Creator {
                address: [3; 32].into(),
                verified: true,
                share: 100,
            };
            usize::from(is_rich)
        ],
    }
}

proptest! {
    #[test]
    fn ids_and_leaves_are_those_of_the_official_client(
        tree: [u8; 32],
        index in 0..1u32 << 30,
        owner: [u8; 32],
        delegate: Option<[u8; 32]>,
        data_hash: [u8; 32],
        creator_hash: [u8; 32],
        collection: Option<[u8; 32]>,
        asset_data_hash: Option<[u8; 32]>,
        flags: u8,
    ) {
        let tree = Address::from(tree);
        let id = asset_id(&tree, index).unwrap();
        let nonce = u64::from(index);
        prop_assert_eq!(
            id.to_bytes(),
            mpl_bubblegum::utils::get_asset_id(&tree.to_bytes().into(), nonce).to_bytes()
        );
        let leaf = CompressedLeaf {
            owner: owner.into(),
            delegate: delegate.map(Into::into),
            data: LeafData::Hash(data_hash),
            creator_hash,
            asset_data_hash,
            flags,
        };
        let (id_bytes, owner, delegate) =
            (id.to_bytes().into(), owner.into(), delegate.unwrap_or(owner).into());
        let v1 = LeafSchema::V1 { id: id_bytes, owner, delegate, nonce, data_hash, creator_hash };
        prop_assert_eq!(leaf.hash(Version::V1, &id, index, None).unwrap(), v1.hash());
        let v2 = LeafSchema::V2 {
            id: id_bytes,
            owner,
            delegate,
            nonce,
            data_hash,
            creator_hash,
            collection_hash: hash_collection_option(collection.map(Into::into)).unwrap(),
            asset_data_hash: asset_data_hash.unwrap_or(DEFAULT_ASSET_DATA_HASH),
            flags,
        };
        let collection = collection.map(Address::from);
        prop_assert_eq!(leaf.hash(Version::V2, &id, index, collection.as_ref()).unwrap(), v2.hash());
        // The hand-written decoder reads what Borsh writes.
        let bytes = borsh::to_vec(&leaf).unwrap();
        prop_assert_eq!(CompressedLeaf::try_from_slice(&bytes).unwrap(), leaf);
    }

    #[test]
    fn metadata_is_read_and_hashed_as_the_official_client_writes_it(
        text in "[a-z]{0,40}",
        fee: u16,
        collection: Option<(bool, [u8; 32])>,
        is_rich: bool,
    ) {
        let args = metadata(&text, fee, collection, is_rich);
        let bytes = borsh::to_vec(&args).unwrap();
        let read = Metadata::parse_compressed(&bytes).unwrap();
        prop_assert_eq!(read.collection.map(|(key, verified)| (verified, key.to_bytes())), collection);
        let leaf = |data| CompressedLeaf {
            owner: [1; 32].into(),
            delegate: None,
            data,
            creator_hash: [2; 32],
            asset_data_hash: None,
            flags: 0,
        };
        let id = Address::from([4; 32]);
        let hash = |data| leaf(data).hash(Version::V1, &id, 5, None).unwrap();
        prop_assert_eq!(
            hash(LeafData::Metadata(bytes.clone())),
            hash(LeafData::Hash(hash_metadata(&args).unwrap()))
        );
        let encoded = borsh::to_vec(&leaf(LeafData::Metadata(bytes))).unwrap();
        let decoded = CompressedLeaf::try_from_slice(&encoded).unwrap();
        prop_assert_eq!(borsh::to_vec(&decoded).unwrap(), encoded);
    }

    /// Bytes that begin like a tree, with any lengths.
    #[test]
    fn readers_do_not_panic_on_any_bytes(
        head in prop::collection::vec(any::<u8>(), 0..120),
        buffer in 0..20u32,
        depth in 0..40u32,
        active in 0..20u64,
        made in 0..40u64,
        fill: u8,
        length in 0..4_000usize,
        is_v1: bool,
        index: u32,
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..6),
    ) {
        let _ = Metadata::parse_compressed(&head);
        let _ = CompressedLeaf::try_from_slice(&head);
        let key = Address::from([7; 32]);
        let (address, _) = Address::find_program_address(&[key.as_ref()], &BUBBLEGUM_PROGRAM);
        let mut data = vec![fill; length.max(80)];
        data[..80].fill(0);
        data[0] = 1;
        data[2..6].copy_from_slice(&buffer.to_le_bytes());
        data[6..10].copy_from_slice(&depth.to_le_bytes());
        data[10..42].copy_from_slice(address.as_ref());
        data[64..72].copy_from_slice(&active.to_le_bytes());
        data[72..80].copy_from_slice(&made.to_le_bytes());
        data.truncate(length);
        let mut config = vec![0; 96];
        config[..8].copy_from_slice(&[122, 245, 175, 248, 171, 34, 0, 207]);
        config[90] = u8::from(!is_v1);
        let owner = if is_v1 { SPL_COMPRESSION_PROGRAM } else { MPL_COMPRESSION_PROGRAM };
        let tree = AccountView { key: &key, owner: &owner, data: &data };
        let config = AccountView { key: &address, owner: &BUBBLEGUM_PROGRAM, data: &config };
        if let Ok(Some(tree)) = MerkleTree::read(&tree, &config) {
            let _ = tree.check(index, &[0; 32], &proof);
        }
        let random = AccountView { key: &key, owner: &owner, data: &head };
        let _ = MerkleTree::read(&random, &config);
    }
}

#[test]
fn the_programs_are_those_of_the_official_clients() {
    assert_eq!(BUBBLEGUM_PROGRAM.to_bytes(), mpl_bubblegum::ID.to_bytes());
}
