//! The transactions of the service with the accounts that they are built from. The SDK builds its
//! own from these accounts, and its test compares the two byte for byte.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bauta_client::{addresses, instructions::RegisterHolder};
use serde_json::{Value, json};
use solana_address::Address;
use solana_signer::Signer as _;

use super::{Own, Setup, every_kind, registered};
use crate::openapi::WRITE;

fn file() -> PathBuf {
    let path = ["..", "sdk", "sdk", "tests", "registrations.json"];
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path.iter().collect::<PathBuf>())
}

/// Returns the accounts that a client reads: those of the instructions without the tree, and those
/// of Token Metadata.
fn accounts(setup: &Setup, own: &[Own]) -> BTreeMap<String, Value> {
    let node = setup.node.lock().unwrap();
    let of_instructions = own
        .iter()
        .flat_map(|(_, _, instruction)| instruction.accounts.iter().map(|meta| meta.pubkey));
    let of_metadata = own.iter().flat_map(|(asset, _, _)| {
        [
            addresses::metadata(asset).address,
            addresses::edition(asset).address,
        ]
    });
    of_instructions
        .chain(of_metadata)
        .chain([addresses::config().address])
        .filter(|address| *address != setup.registry.tree_account && *address != setup.owner.pubkey())
        .filter_map(|address| {
            let account = node.chain.account(&address)?;
            let data = STANDARD.encode(&account.data);
            let entry = json!({"owner": account.owner.to_string(), "data": data});
            (!account.executable).then(|| (address.to_string(), entry))
        })
        .collect()
}

#[tokio::test]
async fn the_vectors_of_the_sdk_have_the_transactions_of_the_service() {
    let mut setup = Setup::new().await;
    let others = registered(&mut setup);
    let mut own = every_kind(&mut setup);
    let again = &others[1];
    let register = RegisterHolder {
        path: Some(setup.registry.tree.on_chain_path(1).unwrap()),
        ..setup.register(again, again.mint)
    };
    own.push((again.mint, again.mint, register.instruction()));
    let service = setup.service().await;
    let owner = setup.owner.pubkey();
    let mut registrations = Vec::new();
    for (asset, _, instruction) in &own {
        let (status, built) = setup.request(&service, asset, &owner).await;
        assert_eq!(status, 200, "{built}");
        assert_eq!(built["transaction"], setup.own_transaction(instruction));
        registrations.push(json!({"asset": asset.to_string(), "transaction": built["transaction"]}));
    }
    let registry = setup.registry.address;
    let collections = service
        .read(&format!("/v1/registries/{registry}/collections"))
        .await;
    let root = setup.registry.root();
    let leaves = service
        .response(&format!("/v1/registries/{registry}/roots/{root}/leaves"))
        .await;
    assert_eq!(leaves.status(), 200);
    let leaves = leaves.bytes().await.unwrap();
    let held: BTreeMap<String, String> = setup
        .node
        .lock()
        .unwrap()
        .held
        .iter()
        .map(|(mint, account): &(Address, Address)| (mint.to_string(), account.to_string()))
        .collect();
    let vectors = json!({
        "registry": registry.to_string(), "owner": owner.to_string(),
        "commitment": Setup::commitment().to_string(), "root": root.to_string(),
        "leaves": STANDARD.encode(leaves), "collections": collections["data"],
        "accounts": accounts(&setup, &own), "held": held, "registrations": registrations,
    });
    let text = format!("{vectors:#}\n");
    if env::var_os(WRITE).is_some() {
        fs::write(file(), text).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(file()).unwrap_or_default() == text,
        "sdk/sdk/tests/registrations.json is out of date; generate it with\n\
         {WRITE}=1 cargo test --workspace --test api registrations::vectors::"
    );
}
