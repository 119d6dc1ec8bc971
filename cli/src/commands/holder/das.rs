//! Compressed assets, as a node that indexes assets returns them (the methods `getAsset` and
//! `getAssetProof` of the Digital Asset Standard).
//!
//! The node is not trusted: the leaf and its proof must lead to the root of the tree's account, which
//! the node of the command has. A wrong response is an error, and never evidence.

use anyhow::{Context as _, Result, anyhow, ensure};
use bauta_client::{
    addresses,
    eligibility::{CompressedLeaf, LeafData},
    instructions::CompressedTreeLeaf,
};
use bauta_rpc::Rpc;
use serde::Deserialize;
use serde_json::json;
use solana_address::Address;

/// The largest number of nodes of a proof: the depth of the deepest tree.
const MAX_PROOF: usize = 30;

/// Where the leaf of an asset is, and what is in it now.
#[derive(Debug)]
pub struct Indexed {
    pub place: CompressedTreeLeaf,
    /// The contents of the leaf. `None` if the asset was burnt.
    pub leaf: Option<CompressedLeaf>,
}

/// The part of the response of `getAsset` that is read.
#[derive(Deserialize)]
struct Asset {
    #[serde(default)]
    burnt: bool,
    ownership: Ownership,
    compression: Compression,
    #[serde(default)]
    grouping: Vec<Group>,
}

#[derive(Deserialize)]
struct Ownership {
    owner: String,
    delegate: Option<String>,
}

#[derive(Deserialize)]
struct Compression {
    data_hash: String,
    creator_hash: String,
    tree: String,
    leaf_id: u64,
    /// Only in leaves of V2.
    asset_data_hash: Option<String>,
    flags: Option<u8>,
    collection_hash: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    group_key: String,
    group_value: Option<String>,
}

/// The part of the response of `getAssetProof` that is read.
#[derive(Deserialize)]
struct Proof {
    proof: Vec<String>,
    tree_id: String,
}

/// Reads an asset and its proof. Nodes of the tree's canopy may be at the end of the proof.
pub async fn read(node: &Rpc, asset: &Address) -> Result<Indexed> {
    let id = json!({ "id": asset.to_string() });
    let context = || format!("the node {} has no answer about the asset {asset}", node.host());
    let found: Asset = node.call("getAsset", &id).await.with_context(context)?;
    let proof: Proof = node.call("getAssetProof", &id).await.with_context(context)?;
    decode(asset, &found, &proof).with_context(|| {
        format!(
            "the node {} gave a wrong answer about the asset {asset}",
            node.host()
        )
    })
}

fn decode(asset: &Address, found: &Asset, proof: &Proof) -> Result<Indexed> {
    let compression = &found.compression;
    ensure!(
        compression.tree == proof.tree_id,
        "the asset and its proof name different trees"
    );
    ensure!(
        proof.proof.len() <= MAX_PROOF,
        "the proof has more than {MAX_PROOF} nodes"
    );
    // A leaf of V2 has hashes that a leaf of V1 lacks.
    let is_v2 = compression.collection_hash.is_some();
    let collection = found
        .grouping
        .iter()
        .find(|group| group.group_key == "collection")
        .and_then(|group| group.group_value.as_deref());
    let place = CompressedTreeLeaf {
        merkle_tree: address("tree", &compression.tree)?,
        core_collection: collection
            .filter(|_| is_v2)
            .map(|key| address("grouping", key))
            .transpose()?,
        index: u32::try_from(compression.leaf_id).context("leaf_id")?,
        proof: proof
            .proof
            .iter()
            .map(|node| hash("proof", node))
            .collect::<Result<_>>()?,
    };
    ensure!(
        addresses::compressed_asset(&place.merkle_tree, place.index).address == *asset,
        "the tree and the index are not those of the asset"
    );
    if found.burnt {
        return Ok(Indexed { place, leaf: None });
    }
    let owner = address("owner", &found.ownership.owner)?;
    let delegate = found.ownership.delegate.as_deref();
    let delegate = delegate
        .map(|delegate| address("delegate", delegate))
        .transpose()?;
    let leaf = CompressedLeaf {
        owner,
        delegate: delegate.filter(|delegate| *delegate != owner),
        data: LeafData::Hash(hash("data_hash", &compression.data_hash)?),
        creator_hash: hash("creator_hash", &compression.creator_hash)?,
        asset_data_hash: compression
            .asset_data_hash
            .as_deref()
            .map(|text| hash("asset_data_hash", text))
            .transpose()?,
        flags: compression.flags.unwrap_or_default(),
    };
    Ok(Indexed {
        place,
        leaf: Some(leaf),
    })
}

fn hash(field: &str, text: &str) -> Result<[u8; 32]> {
    Ok(address(field, text)?.to_bytes())
}

fn address(field: &str, text: &str) -> Result<Address> {
    text.parse()
        .map_err(|_| anyhow!("{field} is not 32 bytes in base58"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value};

    use super::*;

    fn key(byte: u8) -> String {
        Address::new_from_array([byte; 32]).to_string()
    }

    fn answers() -> (Address, Value, Value) {
        let tree = Address::new_from_array([3; 32]);
        let id = addresses::compressed_asset(&tree, 7).address;
        let asset = json!({
            "interface": "V1_NFT", "id": id.to_string(), "burnt": false,
            "ownership": {"owner": key(4), "delegate": null, "delegated": false},
            "compression": {
                "eligible": false, "compressed": true, "seq": 9, "data_hash": key(5), "creator_hash": key(6),
                "asset_hash": key(7), "tree": tree.to_string(), "leaf_id": 7,
            },
            "grouping": [{"group_key": "collection", "group_value": key(8)}],
        });
        let proof = json!({
            "root": key(9), "proof": [key(1), key(2)], "node_index": 11, "leaf": key(7),
            "tree_id": tree.to_string(),
        });
        (id, asset, proof)
    }

    fn decoded(id: &Address, asset: &Value, proof: &Value) -> Result<Indexed> {
        decode(id, &from_value(asset.clone())?, &from_value(proof.clone())?)
    }

    #[test]
    fn a_leaf_of_v1_has_no_core_collection() {
        let (id, asset, proof) = answers();
        let found = decoded(&id, &asset, &proof).unwrap();
        assert_eq!((found.place.id(), found.place.index), (id, 7));
        assert_eq!(found.place.core_collection, None);
        assert_eq!(found.place.proof, [[1; 32], [2; 32]]);
        let leaf = found.leaf.unwrap();
        assert_eq!((leaf.owner.to_string(), leaf.delegate), (key(4), None));
        assert_eq!((leaf.creator_hash, leaf.flags), ([6; 32], 0));
    }

    #[test]
    fn a_leaf_of_v2_names_its_core_collection() {
        let (id, mut asset, proof) = answers();
        asset["compression"]["collection_hash"] = key(10).into();
        asset["compression"]["asset_data_hash"] = key(11).into();
        asset["compression"]["flags"] = 4.into();
        let found = decoded(&id, &asset, &proof).unwrap();
        assert_eq!(found.place.core_collection.unwrap().to_string(), key(8));
        let leaf = found.leaf.unwrap();
        assert_eq!((leaf.asset_data_hash, leaf.flags), (Some([11; 32]), 4));
    }

    #[test]
    fn a_burnt_asset_has_an_empty_leaf() {
        let (id, mut asset, proof) = answers();
        asset["burnt"] = true.into();
        assert!(decoded(&id, &asset, &proof).unwrap().leaf.is_none());
    }

    #[test]
    fn an_answer_about_another_asset_or_tree_is_refused() {
        let (id, asset, proof) = answers();
        assert!(decoded(&Address::default(), &asset, &proof).is_err());
        for (field, wrong) in [
            ("leaf_id", json!(8)),
            ("leaf_id", json!(1_u64 << 40)),
            ("tree", json!(key(4))),
        ] {
            let mut other = asset.clone();
            other["compression"][field] = wrong;
            assert!(decoded(&id, &other, &proof).is_err(), "{field}");
        }
        let mut long = proof.clone();
        long["proof"] = json!(vec![key(1); MAX_PROOF + 1]);
        assert!(decoded(&id, &asset, &long).is_err());
        let mut short = proof;
        short["proof"] = json!(["1111"]);
        assert!(decoded(&id, &asset, &short).is_err());
    }
}
