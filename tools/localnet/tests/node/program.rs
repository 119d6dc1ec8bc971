//! Tests of programs that are deployed at the start. They use Bauta's program, whose `initialize`
//! reads the upgrade authority from `ProgramData`.

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

/// Starts a node with the program deployed.
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

/// Encodes `initialize(cluster_tag, admin, development_keys_allowed)` by hand, from the description
/// of the interface.
fn initialize(authority: &Address) -> Instruction {
    let discriminator = Sha256::digest(b"global:initialize");
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
        data: [&discriminator[..8], &CLUSTER_TAG, authority.as_ref(), &[1]].concat(),
    }
}

/// Starts a node whose upgrade authority has lamports.
fn start_funded() -> (Node, RpcClient, Keypair) {
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
fn a_deployed_program_has_the_accounts_of_the_upgradeable_loader() {
    let (node, client, authority) = start_funded();
    assert_eq!(node.ready()["programs"][0], BAUTA.to_string());

    let program = client.get_account(&BAUTA).unwrap();
    assert!(program.executable);
    assert_eq!(program.owner, LOADER);
    // The variant of the state (four bytes), then its fields.
    assert_eq!(program.data, [&[2, 0, 0, 0], program_data().as_ref()].concat());

    let data = client.get_account(&program_data()).unwrap();
    assert_eq!(data.owner, LOADER);
    assert_eq!(data.data[..4], [3, 0, 0, 0]);
    assert_eq!(data.data[12], 1, "the upgrade authority is missing");
    assert_eq!(data.data[13..45], *authority.pubkey().as_ref());
    assert_eq!(data.data[45..], std::fs::read(elf()).unwrap());
    let rent = client
        .get_minimum_balance_for_rent_exemption(data.data.len())
        .unwrap();
    assert_eq!(data.lamports, rent);
}

#[test]
fn the_upgrade_authority_can_initialise_the_program_and_the_event_is_in_the_history() {
    let (_node, client, authority) = start_funded();
    let signature = send(&client, &authority, &[initialize(&authority.pubkey())]);

    let config = client.get_account(&config()).unwrap();
    assert_eq!(config.owner, BAUTA);
    // The fields after the discriminator: admin, pending admin, cluster tag.
    assert_eq!(config.data[8..40], *authority.pubkey().as_ref());
    assert_eq!(config.data[72..104], CLUSTER_TAG);

    let transaction = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap();
    let OptionSerializer::Some(inner) = transaction.transaction.meta.unwrap().inner_instructions else {
        panic!("no inner instructions");
    };
    let Some(UiInstruction::Compiled(last)) = inner.last().and_then(|group| group.instructions.last()) else {
        panic!("no inner instructions: {inner:?}");
    };
    // Anchor's event tag: the first eight bytes of SHA-256("anchor:event") as a little-endian
    // number.
    let event = bs58::decode(&last.data).into_vec().unwrap();
    let mut tag = Sha256::digest(b"anchor:event")[..8].to_vec();
    tag.reverse();
    assert_eq!(event[..8], tag);
    assert_eq!(event[8..16], Sha256::digest(b"event:ConfigChanged")[..8]);
}

#[test]
fn another_address_cannot_initialise_the_program() {
    let (_node, client, _) = start_funded();
    let other = funded(&client);
    let refused = client
        .send_transaction(&signed(&client, &other, &[initialize(&other.pubkey())]))
        .unwrap_err();
    assert!(refused.to_string().contains("custom program error"), "{refused}");
    assert!(client.get_account(&config()).is_err());
}

#[test]
fn a_client_can_deploy_a_program_through_the_loader() {
    let node = Node::start(&["--slot-time", "50"]);
    let client = node.client();
    let payer = funded(&client);
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../programs/example-gate/artifacts"
    );
    let elf = std::fs::read(format!("{folder}/example-gate.v3.so")).unwrap();
    let (buffer, program, authority) = (Keypair::new(), Keypair::new(), payer.pubkey());
    let rent = |bytes: usize| client.get_minimum_balance_for_rent_exemption(bytes).unwrap();
    let send = |instructions: &[Instruction], signers: &[&Keypair]| {
        let blockhash = client.get_latest_blockhash().unwrap();
        let transaction =
            Transaction::new_signed_with_payer(instructions, Some(&authority), signers, blockhash);
        client.send_transaction(&transaction).unwrap()
    };

    let lamports = rent(UpgradeableLoaderState::size_of_buffer(elf.len()));
    let (buffer_address, length) = (buffer.pubkey(), elf.len());
    let create = loader::create_buffer(&authority, &buffer_address, &authority, lamports, length).unwrap();
    let created = send(&create, &[&payer, &buffer]);
    client.poll_for_signature(&created).unwrap();
    let mut written = created;
    // A transaction has room for about 900 bytes of the ELF.
    for (number, chunk) in (0..).zip(elf.chunks(900)) {
        let write = loader::write(&buffer_address, &authority, number * 900, chunk.to_vec());
        written = send(&[write], &[&payer]);
    }
    client.poll_for_signature(&written).unwrap();
    let lamports = rent(UpgradeableLoaderState::size_of_program());
    let id = program.pubkey();
    let deploy =
        loader::deploy_with_max_program_len(&authority, &id, &buffer_address, &authority, lamports, length)
            .unwrap();
    let deployed = send(&deploy, &[&payer, &program]);
    client.poll_for_signature(&deployed).unwrap();

    // A program can be executed from the slot after its deployment.
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
    // The program runs: Anchor compares its address with the declared one and refuses the call.
    assert!(
        refused.to_string().contains("DeclaredProgramIdMismatch"),
        "{refused}"
    );
}

#[test]
fn a_ledger_restores_the_state_of_the_program() {
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
    // The program runs and reads its state: it cannot be initialised again.
    let again = signed(&client, &authority, &[initialize(&authority.pubkey())]);
    let refused = client.send_transaction(&again).unwrap_err().to_string();
    assert!(refused.contains("already in use"), "{refused}");
}
