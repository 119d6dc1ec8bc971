//! Accounts of Token Metadata and of Metaplex Core. These programs do not run on the local chain,
//! so the demo writes the accounts that they would write. docs/protocol.md describes the layouts.

use bauta::core_asset::CORE_PROGRAM;
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_client::addresses;
use solana_address::Address;

/// The length of a metadata account in bytes.
const METADATA_BYTES: usize = 607;
/// The update authority of tokens and collections. No one signs with it.
const UPDATE_AUTHORITY: [u8; 32] = [8; 32];

/// An account of a program that does not run on the local chain.
pub struct ForeignAccount {
    pub address: Address,
    pub owner: Address,
    pub data: Vec<u8>,
}

/// Returns the metadata account of a token that the collection's authority verified.
pub fn metadata(mint: &Address, collection: &Address) -> ForeignAccount {
    let mut data = vec![4];
    data.extend(UPDATE_AUTHORITY);
    data.extend(mint.to_bytes());
    text(&mut data, "Token");
    text(&mut data, "TKN");
    text(&mut data, "https://example.com/token.json");
    // The fee, no creators, sold, mutable, no edition nonce, the standard NonFungible.
    data.extend([0, 0, 0, 1, 1, 0, 1, 0]);
    // A collection, verified.
    data.extend([1, 1]);
    data.extend(collection.to_bytes());
    // The other optional fields are absent.
    data.resize(METADATA_BYTES, 0);
    ForeignAccount {
        address: addresses::metadata(mint).address,
        owner: TOKEN_METADATA_PROGRAM,
        data,
    }
}

/// Returns the edition account of a token without prints.
pub fn edition(mint: &Address) -> ForeignAccount {
    // A master with a supply of 0 and a maximum supply of 0.
    let mut data = vec![6];
    data.extend([0; 8]);
    data.push(1);
    data.extend([0; 10]);
    ForeignAccount {
        address: addresses::edition(mint).address,
        owner: TOKEN_METADATA_PROGRAM,
        data,
    }
}

/// Returns a Core collection without plugins.
pub fn core_collection(address: Address) -> ForeignAccount {
    let mut data = vec![5];
    data.extend(UPDATE_AUTHORITY);
    text(&mut data, "Collection");
    text(&mut data, "https://example.com/collection.json");
    // The number of assets ever created, and of those that exist.
    data.extend([0; 8]);
    core(address, data)
}

/// Returns a Core asset of a collection, without plugins.
pub fn core_asset(address: Address, owner: &Address, collection: &Address) -> ForeignAccount {
    let mut data = vec![1];
    data.extend(owner.to_bytes());
    data.push(2);
    data.extend(collection.to_bytes());
    text(&mut data, "Asset");
    text(&mut data, "https://example.com/asset.json");
    // No sequence number.
    data.push(0);
    core(address, data)
}

fn core(address: Address, data: Vec<u8>) -> ForeignAccount {
    ForeignAccount {
        address,
        owner: CORE_PROGRAM,
        data,
    }
}

/// Adds a text of up to 255 bytes, as Borsh encodes it.
fn text(data: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("the texts above are short");
    data.extend([length, 0, 0, 0]);
    data.extend(text.as_bytes());
}
