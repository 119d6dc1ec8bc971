//! Programs put in at start: Bauta's own, whose `initialize` reads the upgrade authority from `ProgramData`.

use sha2::{Digest, Sha256};
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_loader_v3_interface::{instruction as loader, state::UpgradeableLoaderState};
use solana_rpc_client::rpc_client::RpcClient;
use solana_signer::Signer;
use solana_transaction::Transaction;
use solana_transaction_status_client_types::{
    UiInstruction, UiTransactionEncoding, option_serializer::OptionSerializer,
};
use tempfile::TempDir;

use crate::support::{Node, elf, funded, send, signed};

const BAUTA: Address = Address::from_str_const("BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2");
const LOADER: Address = Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
const SYSTEM: Address = Address::from_str_const("11111111111111111111111111111111");
const CLUSTER_TAG: [u8; 32] = [7; 32];

/// Starts a node with the program in it.
fn start(authority: &Address, more: &[&str]) -> Node {
    let (program, authority) = (format!("{BAUTA}={}", elf()), authority.to_string());
    let arguments = ["--program", &program, "--upgrade-authority", &authority];
    Node::start(&[&arguments, more].concat())
}

fn pda(seeds: &[&[u8]], program: &Address) -> Address {
    Address::find_program_address(seeds, program).0
}

fn program_data() -> Address {
    pda(&[BAUTA.as_ref()], &LOADER)
}

fn config() -> Address {
    pda(&[b"config"], &BAUTA)
}

/// `initialize(cluster_tag, admin, development_keys_allowed)`, put together from the interface's description.
fn initialize(authority: &Address) -> Instruction {
    let name = Sha256::digest(b"global:initialize");
    Instruction {
        program_id: BAUTA,
        accounts: vec![
            AccountMeta::new(*authority, true),
            AccountMeta::new_readonly(*authority, true),
            AccountMeta::new_readonly(program_data(), false),
            AccountMeta::new(config(), false),
            AccountMeta::new_readonly(SYSTEM, false),
            AccountMeta::new_readonly(pda(&[b"__event_authority"], &BAUTA), false),
            AccountMeta::new_readonly(BAUTA, false),
        ],
        data: [&name[..8], &CLUSTER_TAG, authority.as_ref(), &[1]].concat(),
    }
}

/// Somebody with lamports who is the upgrade authority of the node's program.
fn started() -> (Node, RpcClient, Keypair) {
    let authority = Keypair::new();
    let node = start(&authority.pubkey(), &[]);
    let client = node.client();
    let signature = client
        .request_airdrop(&authority.pubkey(), 1_000_000_000)
        .unwrap();
    client.poll_for_signature(&signature).unwrap();
    (node, client, authority)
}

#[test]
fn it_is_there_as_the_upgradeable_loader_leaves_it() {
    let (node, client, authority) = started();
    assert_eq!(node.ready()["programs"][0], BAUTA.to_string());

    let program = client.get_account(&BAUTA).unwrap();
    assert!(program.executable);
    assert_eq!(program.owner, LOADER);
    // a state's number (four bytes), then its fields
    assert_eq!(program.data, [&[2, 0, 0, 0], program_data().as_ref()].concat());

    let data = client.get_account(&program_data()).unwrap();
    assert_eq!(data.owner, LOADER);
    assert_eq!(data.data[..4], [3, 0, 0, 0]);
    assert_eq!(data.data[12], 1, "it has an upgrade authority");
    assert_eq!(data.data[13..45], *authority.pubkey().as_ref());
    assert_eq!(data.data[45..], std::fs::read(elf()).unwrap());
    let rent = client
        .get_minimum_balance_for_rent_exemption(data.data.len())
        .unwrap();
    assert_eq!(data.lamports, rent);
}

#[test]
fn its_upgrade_authority_initializes_it_and_the_event_is_in_the_history() {
    let (_node, client, authority) = started();
    let signature = send(&client, &authority, &[initialize(&authority.pubkey())]);

    let config = client.get_account(&config()).unwrap();
    assert_eq!(config.owner, BAUTA);
    // after the discriminator: admin, pending admin, cluster tag
    assert_eq!(config.data[8..40], *authority.pubkey().as_ref());
    assert_eq!(config.data[72..104], CLUSTER_TAG);

    let found = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap();
    let OptionSerializer::Some(inner) = found.transaction.meta.unwrap().inner_instructions else {
        panic!("no inner instructions");
    };
    let Some(UiInstruction::Compiled(last)) = inner.last().and_then(|group| group.instructions.last()) else {
        panic!("no inner instructions: {inner:?}");
    };
    // Anchor's tag of events: the first eight bytes of SHA-256("anchor:event"), as a little-endian number
    let event = bs58::decode(&last.data).into_vec().unwrap();
    let mut tag = Sha256::digest(b"anchor:event")[..8].to_vec();
    tag.reverse();
    assert_eq!(event[..8], tag);
    assert_eq!(event[8..16], Sha256::digest(b"event:ConfigChanged")[..8]);
}

#[test]
fn nobody_else_initializes_it() {
    let (_node, client, _) = started();
    let stranger = funded(&client);
    let refused = client
        .send_transaction(&signed(&client, &stranger, &[initialize(&stranger.pubkey())]))
        .unwrap_err();
    assert!(refused.to_string().contains("custom program error"), "{refused}");
    assert!(client.get_account(&config()).is_err());
}

#[test]
fn another_program_is_deployed_through_the_loader() {
    let node = Node::start(&["--slot-time", "50"]);
    let client = node.client();
    let payer = funded(&client);
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../programs/example-gate/artifacts"
    );
    let elf = std::fs::read(format!("{folder}/example-gate.so")).unwrap();
    let (buffer, program, authority) = (Keypair::new(), Keypair::new(), payer.pubkey());
    let rent = |bytes: usize| client.get_minimum_balance_for_rent_exemption(bytes).unwrap();
    let send = |instructions: &[Instruction], signers: &[&Keypair]| {
        let blockhash = client.get_latest_blockhash().unwrap();
        let transaction =
            Transaction::new_signed_with_payer(instructions, Some(&authority), signers, blockhash);
        client.send_transaction(&transaction).unwrap()
    };

    let room = rent(UpgradeableLoaderState::size_of_buffer(elf.len()));
    let (at, length) = (buffer.pubkey(), elf.len());
    let create = loader::create_buffer(&authority, &at, &authority, room, length).unwrap();
    let made = send(&create, &[&payer, &buffer]);
    client.poll_for_signature(&made).unwrap();
    let mut written = made;
    // as many bytes as a transaction has room for
    for (number, part) in (0..).zip(elf.chunks(900)) {
        let write = loader::write(&at, &authority, number * 900, part.to_vec());
        written = send(&[write], &[&payer]);
    }
    client.poll_for_signature(&written).unwrap();
    let room = rent(UpgradeableLoaderState::size_of_program());
    let id = program.pubkey();
    let deploy = loader::deploy_with_max_program_len(&authority, &id, &at, &authority, room, length).unwrap();
    let deployed = send(&deploy, &[&payer, &program]);
    client.poll_for_signature(&deployed).unwrap();

    // A program is there from the slot after that of its deployment.
    let slot = client
        .get_slot_with_commitment(CommitmentConfig::processed())
        .unwrap();
    while client
        .get_slot_with_commitment(CommitmentConfig::processed())
        .unwrap()
        < slot + 2
    {
        std::thread::yield_now();
    }
    assert!(client.get_account(&id).unwrap().executable);
    let call = Instruction {
        program_id: id,
        accounts: Vec::new(),
        data: Vec::new(),
    };
    let refused = client
        .send_transaction(&signed(&client, &payer, &[call]))
        .unwrap_err();
    // It runs: Anchor compares the address with the one that the program was built for.
    assert!(
        refused.to_string().contains("DeclaredProgramIdMismatch"),
        "{refused}"
    );
}

#[test]
fn its_state_is_there_again_with_a_ledger() {
    let folder = TempDir::new().unwrap();
    let ledger = folder.path().join("ledger.sqlite");
    let more = ["--ledger", ledger.to_str().unwrap()];
    let authority = Keypair::new();
    let node = start(&authority.pubkey(), &more);
    let client = node.client();
    let signature = client
        .request_airdrop(&authority.pubkey(), 1_000_000_000)
        .unwrap();
    client.poll_for_signature(&signature).unwrap();
    send(&client, &authority, &[initialize(&authority.pubkey())]);
    let before = client.get_account(&config()).unwrap();
    assert!(node.signal("TERM").success());

    let node = start(&authority.pubkey(), &more);
    let client = node.client();
    assert_eq!(client.get_account(&config()).unwrap(), before);
    // The program runs, and finds its state: it can't be initialised again.
    let again = signed(&client, &authority, &[initialize(&authority.pubkey())]);
    let refused = client.send_transaction(&again).unwrap_err().to_string();
    assert!(refused.contains("already in use"), "{refused}");
}
