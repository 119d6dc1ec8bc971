//! Registrations of compressed assets. Bubblegum's accounts are written into the chain.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bauta::bubblegum::{LeafData, Version};
use bauta::state::{Collection, CollectionKind, Staged};
use bauta_client::addresses;
use bauta_client::instructions::{RegisterCompressedHolder, StagePath, Unstage};
use bauta_program_test::{CompressedNft, CompressedTree, lookups};
use bauta_rpc::{serialize, unsigned_with_table};
use serde_json::{Value, json};
use solana_address::Address;
use solana_signer::Signer as _;

use super::{Setup, TRACK};
use crate::common::{Running, address};

const RULES: u16 = Collection::COMPRESSED | Collection::ISSUER_MOVES;
/// The bytes of a staged path's account.
const STAGED_BYTES: usize = 8 + size_of::<Staged>();

/// Returns the fields of a request that a client reads from a node that indexes assets.
fn leaf(tree: &CompressedTree, nft: &CompressedNft, proof: &[[u8; 32]]) -> Value {
    let text = |bytes: &[u8; 32]| Address::new_from_array(*bytes).to_string();
    let (hash, metadata) = match &nft.leaf.data {
        LeafData::Hash(hash) => (Some(text(hash)), None),
        LeafData::Metadata(metadata) => (None, Some(format!("0x{}", hex::encode(metadata)))),
    };
    json!({"compressed": {
        "merkle_tree": tree.address.to_string(), "index": nft.index,
        "proof": proof.iter().map(text).collect::<Vec<_>>(),
        "data_hash": hash, "metadata": metadata, "creator_hash": text(&nft.leaf.creator_hash),
        "core_collection": nft.core_collection.map(|key| key.to_string()), "flags": nft.leaf.flags,
    }})
}

impl Setup {
    /// Creates a Core collection with rules, and a compressed asset of V2 in a tree.
    fn compressed(
        &mut self,
        rules: u16,
        depth: u32,
        canopy_levels: u32,
    ) -> (Address, CompressedTree, CompressedNft) {
        let (core, tree, nft) = {
            let chain = &mut self.node.lock().unwrap().chain;
            let core = chain.core_collection(&[]);
            let mut tree = chain.compressed_tree(Version::V2, depth, canopy_levels);
            let nft = chain.mint_compressed(&mut tree, &self.owner, Some(core), 0);
            (core, tree, nft)
        };
        self.collection_with_rules(core, CollectionKind::Core, rules);
        (core, tree, nft)
    }

    /// Returns the registration that a client of crates/client makes.
    fn register_compressed(
        &self,
        tree: &CompressedTree,
        nft: &CompressedNft,
        key: &Address,
    ) -> RegisterCompressedHolder {
        let chain = &self.node.lock().unwrap().chain;
        let proof = tree.proof(nft.index);
        let register = chain.compressed_registration(&self.registry, &tree.address, nft, proof, key);
        RegisterCompressedHolder {
            payer: self.owner.pubkey(),
            commitment: Self::commitment(),
            ..register
        }
    }

    async fn request_compressed(
        &self,
        service: &Running,
        tree: &CompressedTree,
        nft: &CompressedNft,
    ) -> (u16, Value) {
        let fields = leaf(tree, nft, &tree.whole_proof(nft.index));
        self.request_with(service, &nft.id, &self.owner.pubkey(), fields)
            .await
    }
}

#[tokio::test]
async fn the_transaction_of_a_compressed_asset_is_the_clients_own_and_the_program_executes_it() {
    let mut setup = Setup::new().await;
    let (core, tree, nft) = setup.compressed(RULES, 5, 2);
    let metadata = address("collection of V1");
    let (tree_v1, nft_v1) = {
        let chain = &mut setup.node.lock().unwrap().chain;
        let mut tree = chain.compressed_tree(Version::V1, 5, 2);
        let nft = chain.mint_compressed_v1(&mut tree, &setup.owner, Some((metadata, true)));
        (tree, nft)
    };
    setup.collection_with_rules(metadata, CollectionKind::TokenMetadata, Collection::COMPRESSED);
    let service = setup.service().await;
    let owner = setup.owner.pubkey();
    for (tree, nft, key) in [(&tree, &nft, core), (&tree_v1, &nft_v1, metadata)] {
        let own = setup.register_compressed(tree, nft, &key);
        let own = setup.own_transaction(&own.instruction());
        // A proof may contain the nodes of the canopy.
        for proof in [tree.whole_proof(nft.index), tree.proof(nft.index)] {
            let fields = leaf(tree, nft, &proof);
            let (status, built) = setup.request_with(&service, &nft.id, &owner, fields).await;
            assert_eq!(status, 200, "{built}");
            assert_eq!(built["transaction"], own);
        }
        let (_, built) = setup.request_compressed(&service, tree, nft).await;
        assert_eq!(built["collection"], key.to_string());
        assert_eq!(built["track"], TRACK.to_string());
        assert_eq!((&built["stage"], &built["unstage"]), (&Value::Null, &Value::Null));
        assert_eq!(built["lamports"]["fee"], 5_000);
        assert_eq!(built["lamports"]["staged_rent"], 0);
        assert_eq!(built["lamports"]["rent"], setup.execute(&built["transaction"]));
    }
    let log = service.log();
    for secret in [owner, nft.id, tree.address] {
        assert!(!log.contains(&secret.to_string()), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_path_that_does_not_fit_is_staged_before_and_its_rent_is_returned() {
    let mut setup = Setup::new().await;
    let (core, tree, nft) = setup.compressed(RULES, 14, 0);
    let (registry, owner) = (setup.registry.address, setup.owner.pubkey());
    // The events of the database have the same commitment.
    let commitment = setup.database.register(registry, nft.id, owner, TRACK);
    let first = RegisterCompressedHolder {
        commitment,
        ..setup.register_compressed(&tree, &nft, &core)
    };
    {
        let chain = &mut setup.node.lock().unwrap().chain;
        let sent = chain.send(&[first.instruction()], &[&setup.owner]);
        sent.unwrap();
        chain.advance_clock(61);
    }
    let stored = setup.database.leaf(registry, 0);
    setup.registry.set_leaf(0, stored);
    let service = setup.service().await;

    let path = setup.registry.tree.on_chain_path(0).unwrap();
    let stage = StagePath {
        authority: owner,
        number: 0,
        path,
    };
    let register = RegisterCompressedHolder {
        path: None,
        staged: Some(addresses::staged(&owner, 0).address),
        ..setup.register_compressed(&tree, &nft, &core)
    };
    let unstage = Unstage {
        authority: owner,
        number: 0,
    };
    let [stage, register, unstage] = [stage.instruction(), register.instruction(), unstage.instruction()];
    let (status, built) = setup.request_compressed(&service, &tree, &nft).await;
    assert_eq!(status, 200, "{built}");
    assert_eq!(built["stage"], setup.own_transaction(&stage));
    assert_eq!(built["transaction"], setup.own_transaction(&register));
    assert_eq!(built["unstage"], setup.own_transaction(&unstage));
    let staged_rent = setup.node.lock().unwrap().chain.rent(STAGED_BYTES);
    let expected = json!({"fee": 15_000, "rent": 0, "staged_rent": staged_rent});
    assert_eq!(built["lamports"], expected);
    let staged_rent = setup.execute(&built["stage"]);
    assert_eq!(built["lamports"]["staged_rent"], staged_rent);

    // The path is staged, so the registration itself is simulated.
    let (status, again) = setup.request_compressed(&service, &tree, &nft).await;
    assert_eq!(status, 200, "{again}");
    assert_eq!(again["stage"], Value::Null);
    assert_eq!(again["transaction"], built["transaction"]);
    assert_eq!(
        again["lamports"],
        json!({"fee": 10_000, "rent": 0, "staged_rent": 0})
    );
    assert_eq!(setup.execute(&again["transaction"]), 0);
    assert_eq!(setup.execute(&again["unstage"]), -staged_rent);
}

#[tokio::test]
async fn a_proof_that_does_not_fit_needs_a_lookup_table() {
    let mut setup = Setup::new().await;
    let (core, tree, nft) = setup.compressed(RULES, 24, 3);
    let own = setup.register_compressed(&tree, &nft, &core).instruction();
    let owner = setup.owner.pubkey();
    let addresses = lookups(&own, &owner);
    let table = setup.node.lock().unwrap().chain.lookup_table(&addresses);
    let service = setup.service().await;
    let (status, problem) = setup.request_compressed(&service, &tree, &nft).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("transaction_too_long")),
        "{problem}"
    );
    let mut fields = leaf(&tree, &nft, &tree.whole_proof(nft.index));
    // An account that is no table.
    fields["lookup_table"] = json!(tree.address.to_string());
    let (status, problem) = setup
        .request_with(&service, &nft.id, &owner, fields.clone())
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("unknown_lookup_table")),
        "{problem}"
    );
    fields["lookup_table"] = json!(table.key.to_string());
    let (status, built) = setup.request_with(&service, &nft.id, &owner, fields).await;
    assert_eq!(status, 200, "{built}");
    let instructions = [own];
    let transaction = unsigned_with_table(&instructions, &owner, Setup::blockhash(), &table).unwrap();
    assert_eq!(
        built["transaction"],
        STANDARD.encode(serialize(&transaction).unwrap())
    );
    let chain = &mut setup.node.lock().unwrap().chain;
    let sent = chain.send_with_table(&instructions, &[&setup.owner], &addresses);
    sent.unwrap();
}

#[tokio::test]
async fn a_compressed_asset_that_the_program_would_refuse_is_refused_with_the_reason() {
    let mut setup = Setup::new().await;
    let (_, tree, nft) = setup.compressed(RULES, 5, 2);
    let (_, tree_without_rule, nft_without_rule) = setup.compressed(Collection::ISSUER_MOVES, 5, 2);
    let (outside, frozen) = {
        let chain = &mut setup.node.lock().unwrap().chain;
        let mut tree = chain.compressed_tree(Version::V2, 5, 2);
        let outside = chain.mint_compressed(&mut tree, &setup.owner, None, 0);
        ((tree, outside), nft.clone())
    };
    let service = setup.service().await;
    let owner = setup.owner.pubkey();
    let proof = tree.whole_proof(nft.index);
    let (status, problem) = setup.request_compressed(&service, &outside.0, &outside.1).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("not_in_collection")),
        "{problem}"
    );
    let mut flags = frozen;
    flags.leaf.flags = 1;
    let mut changed = nft.clone();
    changed.leaf.creator_hash = [0; 32];
    let good = |nft: &CompressedNft| leaf(&tree, nft, &proof);
    let without_rule = leaf(
        &tree_without_rule,
        &nft_without_rule,
        &tree_without_rule.whole_proof(0),
    );
    for (asset, owner, fields, reason) in [
        (nft_without_rule.id, owner, without_rule, "compressed_refused"),
        (nft.id, owner, good(&flags), "asset_locked"),
        (nft.id, owner, good(&changed), "stale_proof"),
        // The leaf has another owner.
        (nft.id, address("other wallet"), good(&nft), "stale_proof"),
        (
            nft.id,
            owner,
            leaf(&tree, &nft, &proof[..2]),
            "wrong_proof_length",
        ),
    ] {
        let (status, problem) = setup.request_with(&service, &asset, &owner, fields).await;
        assert_eq!(
            (status, &problem["code"], &problem["reason"]),
            (422, &json!("not_eligible"), &json!(reason)),
            "{problem}"
        );
    }
}
