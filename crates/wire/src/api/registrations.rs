//! Transactions that register assets.

use serde::{Deserialize, Serialize};

/// An asset to register.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegistrationBody {
    /// The address of the wallet that holds the asset. It signs and pays.
    pub owner: String,
    /// The mint of the token, the asset of Metaplex Core, or the id of the compressed asset.
    pub asset: String,
    /// The commitment: `Poseidon1` of the owner's secret for this asset and registry.
    pub commitment: String,
    /// The leaf of a compressed asset of Bubblegum. Null for other assets.
    pub compressed: Option<CompressedBody>,
    /// An address lookup table. The transaction then has version 0, and takes the addresses that it
    /// can from the table. Needed if the transaction does not fit otherwise.
    pub lookup_table: Option<String>,
}

/// The leaf of a compressed asset and its proof, as the methods `getAsset` and `getAssetProof` of a
/// node that indexes assets (DAS) return them. All hashes are in base58.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompressedBody {
    /// The address of the tree.
    pub merkle_tree: String,
    /// The index of the leaf in the tree: `leaf_id`.
    pub index: u32,
    /// The siblings of the leaf, from the leaf upwards. The nodes of the tree's canopy may be left
    /// out.
    #[cfg_attr(feature = "openapi", schema(max_items = 30))]
    pub proof: Vec<String>,
    /// The delegate. Null if it is the owner.
    pub delegate: Option<String>,
    /// The data hash. Null with `metadata`.
    pub data_hash: Option<String>,
    /// The `MetadataArgs` of an asset of V1 in Borsh: `0x` and hexadecimal digits. Needed for a
    /// collection of Token Metadata, in place of `data_hash`.
    #[cfg_attr(feature = "openapi", schema(max_length = 2050))]
    pub metadata: Option<String>,
    /// The hash of the creators.
    pub creator_hash: String,
    /// The Core collection that a leaf of V2 names. Null if it names none.
    pub core_collection: Option<String>,
    /// The hash of the asset data of a leaf of V2. Null if it has none.
    pub asset_data_hash: Option<String>,
    /// The flags of a leaf of V2. 0 by default.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 255))]
    pub flags: u8,
}

/// A transaction to sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationDocument {
    /// The transaction in base64, with an empty signature. The owner signs it.
    pub transaction: String,
    /// The transaction that stages the path of the asset's leaf, in the same form. It must be
    /// confirmed before `transaction`. Null if the path fits into `transaction`, or is staged.
    pub stage: Option<String>,
    /// The transaction that closes the staged path and returns its rent, after `transaction`. Null
    /// if the path fits.
    pub unstage: Option<String>,
    /// The block height up to which the transactions can be executed.
    pub last_valid_block_height: String,
    /// The key of the collection that accepts the asset.
    pub collection: String,
    /// The track that the asset registers in.
    pub track: String,
    /// What the owner pays.
    pub lamports: LamportsDocument,
}

/// What the transactions cost, in lamports.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LamportsDocument {
    /// The fee of all transactions.
    pub fee: u64,
    /// The rent of the holding account. 0 if the asset was registered before.
    pub rent: u64,
    /// The rent of the staged path's account, which `unstage` returns. 0 if the account exists or
    /// is not needed.
    pub staged_rent: u64,
}
