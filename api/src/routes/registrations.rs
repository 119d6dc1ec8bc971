use axum::{Extension, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bauta_client::{
    eligibility::{CompressedLeaf, LeafData},
    instructions::CompressedTreeLeaf,
};
use bauta_primitives::Commitment;
use bauta_service_common::{InvalidField, InvalidFields, Json, Path, UnreadBody};
use bauta_wire::api::{CompressedBody, LamportsDocument, RegistrationBody, RegistrationDocument};
use solana_address::Address;

use super::{
    parameters::{self, kept},
    problems::{Failure, ProblemDocument},
    registries,
    respond::uncached,
    state::Reads,
};
use crate::{
    eligibility::{CompressedRequest, RegistrationRequest},
    limits::{Client, Kind},
};

/// Largest body of a request in bytes. The proof and the metadata of a compressed asset have most.
const MAX_BODY_BYTES: usize = 6 << 10;
/// Largest number of nodes of a proof: the compression programs have no deeper tree.
const MAX_PROOF_NODES: usize = 30;
/// Largest length of the metadata of a compressed asset in bytes. Bubblegum accepts less, and a
/// transaction has 1,232.
const MAX_METADATA_BYTES: usize = 1_024;
/// A registration makes several requests to the node, so it counts as this many requests.
const COST: usize = 10;

/// Builds the transaction that registers an asset.
///
/// For clients without the SDK. The transaction has one instruction, `register_holder`,
/// `register_core_holder` or `register_compressed_holder`, with the path of the present leaf if the
/// asset was registered before. A simulation with it has succeeded. **Check that the transaction
/// has your own commitment before you sign it:** with another one, another party is registered. If
/// the path does not fit, the transaction `stage` stores it first; then only `stage` was simulated.
/// The request counts as 10 in the rate limit.
#[utoipa::path(
    post,
    path = "/v1/registries/{registry}/registrations",
    tag = "registries",
    params(("registry" = String, Path, description = "The registry account")),
    request_body(
        content = RegistrationBody,
        example = json!({
            "owner": "11111111111111111111111111111111",
            "asset": "11111111111111111111111111111111",
            "commitment": format!("0x{}01", "00".repeat(31))
        })
    ),
    responses(
        (status = 200, body = RegistrationDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; **wallet, asset and commitment**, also to the node; they are on chain after the registration",
        "keeps": "nothing"
    })))
)]
pub async fn registrations(
    state: Reads,
    Extension(client): Extension<Client>,
    Path(address): Path<String>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let request = parse(&body.json(MAX_BODY_BYTES).await?)?;
    let registry = registries::read(&state, &address).await?;
    state.limits.take_further(&client, Kind::Other, COST - 1).await?;
    let built = state
        .eligibility
        .registration(&state.store, &client.name, &registry, &request);
    let built = built.await?;
    Ok(uncached(Json(RegistrationDocument {
        transaction: BASE64.encode(built.transaction),
        stage: built.stage.map(|bytes| BASE64.encode(bytes)),
        unstage: built.unstage.map(|bytes| BASE64.encode(bytes)),
        last_valid_block_height: built.last_valid_block_height.to_string(),
        collection: built.collection.key.to_string(),
        track: built.collection.track.to_string(),
        lamports: LamportsDocument {
            fee: built.fee,
            rent: built.rent,
            staged_rent: built.staged_rent,
        },
    })))
}

/// Converts the fields. The error has every field that breaks its rule.
fn parse(body: &RegistrationBody) -> Result<RegistrationRequest, InvalidFields> {
    let mut errors = Vec::new();
    let owner = kept(parameters::address("owner", &body.owner), &mut errors);
    let asset = kept(parameters::address("asset", &body.asset), &mut errors);
    let commitment = kept(parameters::element("commitment", &body.commitment), &mut errors);
    let lookup_table = body.lookup_table.as_deref();
    let lookup_table = lookup_table.map(|text| parameters::address("lookup_table", text));
    let lookup_table = kept(lookup_table.transpose(), &mut errors);
    let compressed = body.compressed.as_ref();
    // Without an owner, there is an error already.
    let compressed = compressed.map(|leaf| parse_leaf(leaf, owner.unwrap_or_default(), &mut errors));
    let id = compressed.iter().flatten().map(|leaf| leaf.place.id()).next();
    if let (Some(id), Some(asset)) = (id, asset)
        && id != asset
    {
        let rule = "must be the id of the leaf: the address of `\"asset\"`, the tree and the index";
        errors.push(InvalidField::new("asset", rule));
    }
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors);
    }
    // Each value is present, because there is no error.
    let missing = || InvalidField::missing("owner");
    Ok(RegistrationRequest {
        owner: owner.ok_or_else(missing)?,
        asset: asset.ok_or_else(missing)?,
        commitment: Commitment::new(commitment.ok_or_else(missing)?),
        compressed: compressed.flatten(),
        lookup_table: lookup_table.flatten(),
    })
}

/// Converts the fields of a leaf of this owner. Adds an error for each that breaks its rule.
fn parse_leaf(
    leaf: &CompressedBody,
    owner: Address,
    errors: &mut Vec<InvalidField>,
) -> Option<CompressedRequest> {
    let mut found = Vec::new();
    let node = |field: &str, text: &String| parameters::node(field, text);
    let optional = |field, text: &Option<String>| text.as_ref().map(|text| node(field, text)).transpose();
    let merkle_tree = kept(node("merkle_tree", &leaf.merkle_tree), &mut found);
    let proof = kept(parse_proof(leaf), &mut found);
    let delegate = kept(optional("delegate", &leaf.delegate), &mut found);
    let data = kept(parse_data(leaf), &mut found);
    let creator_hash = kept(node("creator_hash", &leaf.creator_hash), &mut found);
    let core_collection = kept(optional("core_collection", &leaf.core_collection), &mut found);
    let asset_data_hash = kept(optional("asset_data_hash", &leaf.asset_data_hash), &mut found);
    errors.extend(found.into_iter().map(|error| error.within("compressed")));
    let delegate = delegate?.map(Address::new_from_array);
    Some(CompressedRequest {
        place: CompressedTreeLeaf {
            merkle_tree: Address::new_from_array(merkle_tree?),
            core_collection: core_collection?.map(Address::new_from_array),
            index: leaf.index,
            proof: proof?,
        },
        leaf: CompressedLeaf {
            owner,
            delegate: delegate.filter(|delegate| *delegate != owner),
            data: data?,
            creator_hash: creator_hash?,
            asset_data_hash: asset_data_hash?,
            flags: leaf.flags,
        },
    })
}

fn parse_proof(leaf: &CompressedBody) -> Result<Vec<[u8; 32]>, InvalidField> {
    if leaf.proof.len() > MAX_PROOF_NODES {
        let rule = format!("must have at most {MAX_PROOF_NODES} nodes");
        return Err(InvalidField::new("proof", rule));
    }
    let nodes = leaf.proof.iter().enumerate();
    let nodes = nodes.map(|(index, text)| parameters::node(&format!("proof[{index}]"), text));
    nodes.collect()
}

fn parse_data(leaf: &CompressedBody) -> Result<LeafData, InvalidField> {
    match (&leaf.data_hash, &leaf.metadata) {
        (Some(hash), None) => Ok(LeafData::Hash(parameters::node("data_hash", hash)?)),
        (None, Some(metadata)) => metadata
            .strip_prefix("0x")
            .filter(|digits| digits.len() <= 2 * MAX_METADATA_BYTES)
            .and_then(|digits| hex::decode(digits).ok())
            .map(LeafData::Metadata)
            .ok_or_else(|| {
                let rule = format!("must be 0x and the digits of at most {MAX_METADATA_BYTES} bytes");
                InvalidField::new("metadata", rule)
            }),
        _ => Err(InvalidField::new(
            "data_hash",
            "must be given if and only if `metadata` is not",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ZERO: &str = "11111111111111111111111111111111";

    fn body() -> Value {
        let tree = Address::new_from_array([3; 32]);
        let id = bauta_client::addresses::compressed_asset(&tree, 7).address;
        json!({
            "owner": ZERO, "asset": id.to_string(), "commitment": format!("0x{}01", "00".repeat(31)),
            "compressed": {
                "merkle_tree": tree.to_string(), "index": 7, "proof": vec![ZERO; MAX_PROOF_NODES],
                "data_hash": ZERO, "creator_hash": ZERO,
            },
        })
    }

    fn parse(body: &Value) -> Result<RegistrationRequest, InvalidFields> {
        super::parse(&serde_json::from_value(body.clone()).expect("the form is right"))
    }

    #[test]
    fn a_leaf_is_read_and_every_field_that_breaks_its_rule_is_named() {
        let leaf = parse(&body()).expect("the fields are valid").compressed;
        let leaf = leaf.expect("the leaf is given");
        assert_eq!((leaf.place.index, leaf.place.proof.len()), (7, MAX_PROOF_NODES));
        assert_eq!((leaf.leaf.delegate, leaf.leaf.flags), (None, 0));
        let metadata = |bytes: usize| json!(format!("0x{}", "00".repeat(bytes)));
        let mut with_metadata = body();
        with_metadata["compressed"]["data_hash"] = Value::Null;
        with_metadata["compressed"]["metadata"] = metadata(MAX_METADATA_BYTES);
        assert!(parse(&with_metadata).is_ok());
        for (field, value, named) in [
            ("merkle_tree", json!("x"), "compressed.merkle_tree"),
            (
                "proof",
                json!(vec![ZERO; MAX_PROOF_NODES + 1]),
                "compressed.proof",
            ),
            ("proof", json!([ZERO, "x"]), "compressed.proof[1]"),
            ("delegate", json!(""), "compressed.delegate"),
            ("data_hash", Value::Null, "compressed.data_hash"),
            ("metadata", metadata(1), "compressed.data_hash"),
            ("creator_hash", json!("0x00"), "compressed.creator_hash"),
            ("core_collection", json!("x"), "compressed.core_collection"),
            ("asset_data_hash", json!("x"), "compressed.asset_data_hash"),
            ("index", json!(8), "asset"),
        ] {
            let mut with = body();
            with["compressed"][field] = value;
            let error = parse(&with).err().expect("the field breaks its rule");
            assert_eq!(error.first().field, named);
        }
        for text in [
            json!("00"),
            json!("0x0"),
            json!("0xzz"),
            metadata(MAX_METADATA_BYTES + 1),
        ] {
            with_metadata["compressed"]["metadata"] = text;
            let error = parse(&with_metadata).err().expect("the metadata breaks its rule");
            assert_eq!(error.first().field, "compressed.metadata");
        }
        let mut with = body();
        with["lookup_table"] = json!("x");
        let error = parse(&with).err().expect("the table breaks its rule");
        assert_eq!(error.first().field, "lookup_table");
    }

    #[test]
    fn the_largest_body_has_the_longest_proof_and_metadata() {
        let longest = "1".repeat(44);
        let mut body = body();
        let leaf = &mut body["compressed"];
        leaf["metadata"] = json!(format!("0x{}", "00".repeat(MAX_METADATA_BYTES)));
        leaf["proof"] = json!(vec![&longest; MAX_PROOF_NODES]);
        for field in [
            "delegate",
            "creator_hash",
            "core_collection",
            "asset_data_hash",
            "data_hash",
        ] {
            leaf[field] = json!(longest);
        }
        assert!(body.to_string().len() + 1_024 < MAX_BODY_BYTES);
    }
}
