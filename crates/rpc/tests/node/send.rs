use bauta_rpc::{CommitmentLevel, MAX_TRANSACTION_BYTES, RpcError, V1Limits, sign, sign_v1};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::error::InstructionError;
use solana_keypair::Keypair;
use solana_transaction_error::TransactionError;

use crate::support::{SOL, funded, initialize, rpc, transfer};

#[tokio::test]
async fn a_confirmed_payment_has_its_effect() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let to = Address::new_unique();
    let confirmation = rpc
        .send_and_confirm(&[transfer(&payer, &to, SOL)], &[&payer])
        .await
        .unwrap();
    let (_, account) = rpc.account(&to, CommitmentLevel::Confirmed).await.unwrap();
    assert_eq!(account.unwrap().lamports, SOL);
    let status = rpc
        .statuses(&[confirmation.signature], true)
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!((status.slot, status.error), (confirmation.slot, None));
    assert!(status.level >= CommitmentLevel::Confirmed);
}

#[tokio::test]
async fn a_refusal_by_the_program_carries_its_error_and_is_not_retryable() {
    let rpc = rpc();
    let unauthorised = funded(&rpc).await;
    let error = rpc
        .send_and_confirm(&[initialize(&unauthorised)], &[&unauthorised])
        .await
        .unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    let RpcError::Refused { logs, .. } = &error else {
        panic!("the preflight did not refuse it: {error}");
    };
    assert!(
        logs.iter().any(|line| line.contains(&bauta::ID.to_string())),
        "{error}"
    );
    assert!(
        matches!(
            error.transaction_error(),
            Some(TransactionError::InstructionError(0, InstructionError::Custom(_)))
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_transaction_sent_without_preflight_fails_on_the_chain() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let (blockhash, last_valid_height) = rpc.latest_blockhash(CommitmentLevel::Confirmed).await.unwrap();
    let too_much = transfer(&payer, &Address::new_unique(), 100 * SOL);
    let transaction = sign(&[too_much], &[&payer], blockhash).unwrap();
    let signature = rpc.send_without_preflight(&transaction).await.unwrap();
    let error = rpc.confirm(&signature, last_valid_height).await.unwrap_err();
    assert!(
        matches!(error, RpcError::Failed { .. }) && !error.is_retryable(),
        "{error}"
    );
    let transaction = rpc
        .transaction(&signature, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    // The system program's error 1: the balance is too small.
    let insufficient_funds = TransactionError::InstructionError(0, InstructionError::Custom(1));
    let error = transaction.error.unwrap();
    assert_eq!(error.known(), Some(insufficient_funds));
    assert_eq!(error.program_error(), Some((0, 1)));
}

#[tokio::test]
async fn a_transaction_that_was_never_sent_expires() {
    let rpc = rpc();
    let error = rpc.confirm(&[7; 64].into(), 0).await.unwrap_err();
    assert!(matches!(error, RpcError::Expired { .. }), "{error}");
}

#[test]
fn a_missing_signer_is_an_error_before_anything_is_sent() {
    let payer = Keypair::new();
    let other = Keypair::new();
    let from_other = transfer(&other, &Address::new_unique(), 1);
    let error = sign(&[from_other], &[&payer], Hash::default()).unwrap_err();
    assert!(matches!(error, RpcError::Build { .. }), "{error}");
}

/// Returns transfers that do not fit into one transaction of 1,232 bytes.
fn many_transfers(payer: &Keypair) -> Vec<solana_instruction::Instruction> {
    (0..40)
        .map(|_| transfer(payer, &Address::new_unique(), SOL / 100))
        .collect()
}

#[tokio::test]
async fn a_transaction_of_version_1_may_have_more_than_1232_bytes() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let transfers = many_transfers(&payer);
    let confirmation = rpc
        .send_v1_and_confirm(&transfers, &[&payer], &V1Limits::default())
        .await
        .unwrap();
    let to = transfers[39].accounts[1].pubkey;
    let (_, account) = rpc.account(&to, CommitmentLevel::Confirmed).await.unwrap();
    assert_eq!(account.unwrap().lamports, SOL / 100);
    let executed = rpc
        .transaction(&confirmation.signature, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(executed.instructions.len(), 40);
}

#[test]
fn a_transaction_that_is_too_long_is_an_error_before_anything_is_sent() {
    let payer = Keypair::new();
    let transfers = many_transfers(&payer);
    let error = sign(&transfers, &[&payer], Hash::default()).unwrap_err();
    assert!(matches!(error, RpcError::TransactionTooLong { .. }), "{error}");
    assert!(
        error.to_string().contains(&MAX_TRANSACTION_BYTES.to_string()),
        "{error}"
    );
    let twice = [&transfers[..], &many_transfers(&payer)].concat();
    let error = sign_v1(&twice, &[&payer], Hash::default(), &V1Limits::default()).unwrap_err();
    assert!(matches!(error, RpcError::Build { .. }), "{error}");
}
