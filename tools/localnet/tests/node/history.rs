//! Tests of the history that an indexer reads.

use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_instruction::{AccountMeta, Instruction};
use solana_rpc_client_api::config::{RpcBlockConfig, RpcSendTransactionConfig};
use solana_signer::Signer;
use solana_transaction_status_client_types::{
    TransactionDetails, UiInstruction, UiTransactionEncoding, option_serializer::OptionSerializer,
};

use crate::support::{Node, SOL, funded, send, signed, transfer};

const TOKEN: Address = Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const ASSOCIATED_TOKEN: Address = Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
const NATIVE_MINT: Address = Address::from_str_const("So11111111111111111111111111111111111111112");
const SYSTEM: Address = Address::from_str_const("11111111111111111111111111111111");

#[test]
fn the_inner_instructions_of_a_transaction_are_stored() {
    let node = Node::start(&[]);
    let client = node.client();
    let payer = funded(&client);
    let (account, _) = Address::find_program_address(
        &[payer.pubkey().as_ref(), TOKEN.as_ref(), NATIVE_MINT.as_ref()],
        &ASSOCIATED_TOKEN,
    );
    // The instruction Create of the associated token account program. It creates the account
    // through the system program and initialises it through the token program, by inner
    // instructions.
    let create = Instruction {
        program_id: ASSOCIATED_TOKEN,
        accounts: vec![
            AccountMeta::new(payer.pubkey(), true),
            AccountMeta::new(account, false),
            AccountMeta::new_readonly(payer.pubkey(), false),
            AccountMeta::new_readonly(NATIVE_MINT, false),
            AccountMeta::new_readonly(SYSTEM, false),
            AccountMeta::new_readonly(TOKEN, false),
        ],
        data: vec![0],
    };
    let signature = send(
        &client,
        &payer,
        &[transfer(&payer, &Address::new_unique(), 1_000_000), create],
    );

    let transaction = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap();
    assert!(transaction.slot <= client.get_slot().unwrap());
    let meta = transaction.transaction.meta.unwrap();
    assert_eq!(meta.err, None);
    let OptionSerializer::Some(inner) = meta.inner_instructions else {
        panic!("no inner instructions");
    };
    let [create_group] = &inner[..] else {
        panic!("only the second instruction has inner instructions: {inner:?}");
    };
    assert_eq!(create_group.index, 1);
    let stack_heights: Vec<_> = create_group
        .instructions
        .iter()
        .map(|instruction| match instruction {
            UiInstruction::Compiled(compiled) => compiled.stack_height,
            UiInstruction::Parsed(_) => panic!("compiled instructions were requested"),
        })
        .collect();
    // get the account's size, create the account, set the immutable owner, initialise
    assert_eq!(stack_heights, [Some(2); 4]);

    let listed = client.get_signatures_for_address(&account).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].signature, signature.to_string());
    assert_eq!(listed[0].slot, transaction.slot);
}

#[test]
fn blocks_with_and_without_transactions_form_one_chain() {
    let node = Node::start(&["--slot-time", "50"]);
    let client = node.client();
    let payer = funded(&client);
    let signature = send(&client, &payer, &[transfer(&payer, &Address::new_unique(), SOL)]);
    let slot = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap()
        .slot;
    while client.get_slot().unwrap() < slot + 3 {
        std::thread::yield_now();
    }
    let config = RpcBlockConfig {
        transaction_details: Some(TransactionDetails::Signatures),
        commitment: Some(CommitmentConfig::confirmed()),
        ..RpcBlockConfig::default()
    };
    let blocks: Vec<_> = (slot - 3..=slot + 3)
        .map(|slot| client.get_block_with_config(slot, config).unwrap())
        .collect();
    for (pair, slot) in blocks.windows(2).zip(slot - 3..) {
        assert_eq!(pair[1].previous_blockhash, pair[0].blockhash);
        assert_eq!(pair[1].parent_slot, slot);
    }
    assert_eq!(blocks[3].signatures, Some(vec![signature.to_string()]));
}

#[test]
fn a_failed_transaction_is_stored_with_its_error() {
    let node = Node::start(&[]);
    let client = node.client();
    let payer = funded(&client);
    let overdraft = transfer(&payer, &Address::new_unique(), 100 * SOL);
    let transaction = signed(&client, &payer, &[overdraft]);
    let without_preflight = RpcSendTransactionConfig {
        skip_preflight: true,
        ..RpcSendTransactionConfig::default()
    };
    let signature = client
        .send_transaction_with_config(&transaction, without_preflight)
        .unwrap();
    // Waits until the transaction has been executed. It fails.
    client.poll_for_signature(&signature).unwrap();

    let status = client.get_signature_status(&signature).unwrap().unwrap();
    let meta = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap()
        .transaction
        .meta
        .unwrap();
    assert!(status.is_err());
    assert!(meta.err.is_some());
}
