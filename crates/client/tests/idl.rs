//! Compares the builders with the IDL: every instruction, its accounts in order, signers and
//! writable accounts. Anchor generates the IDL from the program's sources.

use bauta::bubblegum::{CompressedLeaf, LeafData};
use bauta::instructions::CircuitRegistration;
use bauta::state::{CollectionKind, Provenance, RegistryKind, ScopeMode};
use bauta_client::instructions::{
    AcceptAdmin, AddCollection, AppendLeaves, CloseScope, CompressedTreeLeaf, CreateRegistry, CreateScope,
    EvictCompressedHolder, EvictHolder, Initialize, Pause, PublishRoot, ReclaimNullifier, RegisterCircuit,
    RegisterCompressedHolder, RegisterCoreHolder, RegisterHolder, ReplaceAdmin, ReplaceLeaf, RetireCircuit,
    SealRegistry, SetAdmin, StagePath, SuspendCircuit, TokenMetadataAccounts, Unstage, Verify,
};
use bauta_primitives::{Claim, Commitment, FieldElement, Leaf, Nullifier, Root};
use serde_json::Value;
use solana_address::Address;
use solana_instruction::Instruction;

fn address(number: u8) -> Address {
    Address::new_from_array([number; 32])
}

fn element(value: u64) -> FieldElement {
    FieldElement::from_u64(value)
}

const PATH: [[FieldElement; 3]; 5] = [[FieldElement::ZERO; 3]; 5];

fn administration() -> Vec<(&'static str, Instruction)> {
    let registration = CircuitRegistration {
        statement: [b'x'; 32],
        version: 1,
        depth: 10,
        leaf_format: 1,
        auxiliary_format: 0,
        provenance: Provenance::Development,
        constraint_system_hash: [0; 32],
        transcript_hash: [0; 32],
        verifying_key: [7; 576],
    };
    vec![
        (
            "initialize",
            Initialize {
                payer: address(1),
                upgrade_authority: address(2),
                cluster_tag: [0; 32],
                admin: address(3),
                development_keys_allowed: true,
            }
            .instruction(),
        ),
        (
            "set_admin",
            SetAdmin {
                admin: address(1),
                new_admin: address(2),
            }
            .instruction(),
        ),
        (
            "accept_admin",
            AcceptAdmin {
                new_admin: address(2),
            }
            .instruction(),
        ),
        (
            "replace_admin",
            ReplaceAdmin {
                upgrade_authority: address(1),
                new_admin: address(2),
            }
            .instruction(),
        ),
        (
            "pause",
            Pause {
                admin: address(1),
                paused: true,
            }
            .instruction(),
        ),
        (
            "register_circuit",
            RegisterCircuit {
                payer: address(1),
                admin: address(2),
                registration,
            }
            .instruction(),
        ),
        (
            "retire_circuit",
            RetireCircuit {
                admin: address(1),
                circuit: address(2),
                retire: true,
            }
            .instruction(),
        ),
        (
            "suspend_circuit",
            SuspendCircuit {
                admin: address(1),
                circuit: address(2),
                suspended: true,
            }
            .instruction(),
        ),
    ]
}

fn holders() -> Vec<(&'static str, Instruction)> {
    vec![
        (
            "register_holder",
            RegisterHolder {
                payer: address(1),
                owner: address(2),
                registry: address(3),
                tree: address(4),
                collection_key: address(5),
                mint: address(6),
                token_account: address(7),
                token_metadata: TokenMetadataAccounts::of_programmable(&address(6), &address(7)),
                commitment: Commitment::new(element(8)),
                path: Some(PATH),
            }
            .instruction(),
        ),
        (
            "register_core_holder",
            RegisterCoreHolder {
                payer: address(1),
                owner: address(2),
                registry: address(3),
                tree: address(4),
                collection_key: address(5),
                asset: address(6),
                core_collection: Some(address(5)),
                commitment: Commitment::new(element(8)),
                path: Some(PATH),
            }
            .instruction(),
        ),
        (
            "evict_holder",
            EvictHolder {
                registry: address(1),
                tree: address(2),
                mint: address(3),
                token_account: Some(address(4)),
                left_collection: Some(address(5)),
                metadata: Some(address(6)),
                path: PATH,
            }
            .instruction(),
        ),
    ]
}

fn compressed_holders() -> Vec<(&'static str, Instruction)> {
    let leaf = CompressedLeaf {
        owner: address(2),
        delegate: None,
        data: LeafData::Hash([8; 32]),
        creator_hash: [9; 32],
        asset_data_hash: None,
        flags: 0,
    };
    let place = CompressedTreeLeaf {
        merkle_tree: address(5),
        core_collection: Some(address(6)),
        index: 7,
        proof: vec![[1; 32]],
    };
    vec![
        (
            "register_compressed_holder",
            RegisterCompressedHolder {
                payer: address(1),
                owner: address(2),
                registry: address(3),
                tree: address(4),
                collection_key: address(6),
                place: place.clone(),
                leaf: leaf.clone(),
                commitment: Commitment::new(element(8)),
                path: None,
                staged: Some(address(2)),
            }
            .instruction(),
        ),
        (
            "evict_compressed_holder",
            EvictCompressedHolder {
                registry: address(3),
                tree: address(4),
                place,
                leaf: Some(leaf),
                left_collection: Some(address(6)),
                path: Some(PATH),
                staged: Some(address(2)),
            }
            .instruction(),
        ),
        (
            "stage_path",
            StagePath {
                authority: address(1),
                number: 7,
                path: PATH,
            }
            .instruction(),
        ),
        (
            "unstage",
            Unstage {
                authority: address(1),
                number: 7,
            }
            .instruction(),
        ),
    ]
}

fn registries() -> Vec<(&'static str, Instruction)> {
    vec![
        (
            "create_registry",
            CreateRegistry {
                payer: address(1),
                authority: address(2),
                tree: Some(address(3)),
                nonce: 4,
                kind: RegistryKind::Managed,
                depth: 10,
                leaf_format: 1,
                root_ttl: 60,
            }
            .instruction(),
        ),
        (
            "add_collection",
            AddCollection {
                payer: address(1),
                authority: address(2),
                registry: address(3),
                key: address(4),
                kind: CollectionKind::Asset,
                rules: 0,
                track: 5,
            }
            .instruction(),
        ),
        (
            "seal_registry",
            SealRegistry {
                authority: address(1),
                registry: address(2),
            }
            .instruction(),
        ),
        (
            "append_leaves",
            AppendLeaves {
                authority: address(1),
                registry: address(2),
                tree: address(3),
                leaves: vec![Leaf::new(element(4))],
            }
            .instruction(),
        ),
        (
            "replace_leaf",
            ReplaceLeaf {
                authority: address(1),
                registry: address(2),
                tree: address(3),
                index: 4,
                old_leaf: Leaf::new(element(5)),
                new_leaf: Leaf::EMPTY,
                path: PATH,
            }
            .instruction(),
        ),
        (
            "publish_root",
            PublishRoot {
                authority: address(1),
                registry: address(2),
                root: Root::new(element(3)),
            }
            .instruction(),
        ),
    ]
}

fn scopes() -> Vec<(&'static str, Instruction)> {
    vec![
        (
            "create_scope",
            CreateScope {
                payer: address(1),
                creator: address(2),
                registry: address(3),
                circuit: address(4),
                auxiliary_registry: Some(address(5)),
                nonce: 6,
                mode: ScopeMode::Live,
                gate: None,
                required_claim: None,
                opens_at: 0,
                closes_at: 1,
                expected_root: None,
            }
            .instruction(),
        ),
        (
            "close_scope",
            CloseScope {
                creator: address(1),
                scope: address(2),
            }
            .instruction(),
        ),
        (
            "reclaim_nullifier",
            ReclaimNullifier {
                scope: address(1),
                nullifier: Nullifier::new(element(2)),
                rent_payer: address(3),
            }
            .instruction(),
        ),
        (
            "verify",
            Verify {
                payer: address(1),
                scope: address(2),
                circuit: address(3),
                registry: Some(address(4)),
                auxiliary_registry: Some(address(5)),
                gate: Some(address(6)),
                recipient: address(7),
                relayer: Some(address(8)),
                proof: [0; 256],
                root: Root::new(element(9)),
                nullifier: Nullifier::new(element(10)),
                claim: Claim::new(element(11)),
                auxiliary_root: None,
                expiry: 12,
                payload: vec![],
            }
            .instruction(),
        ),
    ]
}

fn flag(account: &Value, name: &str) -> bool {
    account[name].as_bool().unwrap_or(false)
}

#[test]
fn every_instruction_of_the_idl_has_a_builder_with_its_accounts() {
    let idl: Value =
        serde_json::from_str(include_str!("../../../programs/bauta/artifacts/bauta.json")).unwrap();
    assert_eq!(idl["address"], bauta::ID.to_string());
    let mut built = [
        administration(),
        holders(),
        compressed_holders(),
        registries(),
        scopes(),
    ]
    .concat();
    for entry in idl["instructions"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let at = built
            .iter()
            .position(|(built, _)| *built == name)
            .unwrap_or_else(|| panic!("{name} has no builder"));
        let (_, instruction) = built.swap_remove(at);
        assert_eq!(instruction.program_id, bauta::ID);
        let discriminator: Vec<u8> = serde_json::from_value(entry["discriminator"].clone()).unwrap();
        assert!(instruction.data.starts_with(&discriminator), "{name}");
        let accounts = entry["accounts"].as_array().unwrap();
        assert_eq!(instruction.accounts.len(), accounts.len(), "{name}");
        for (meta, account) in instruction.accounts.iter().zip(accounts) {
            assert_eq!(meta.is_signer, flag(account, "signer"), "{name}: {account}");
            assert_eq!(meta.is_writable, flag(account, "writable"), "{name}: {account}");
            if let Some(fixed) = account["address"].as_str() {
                assert_eq!(meta.pubkey.to_string(), fixed, "{name}: {account}");
            }
        }
    }
    assert!(
        built.is_empty(),
        "builders without an instruction in the IDL: {built:?}"
    );
}
