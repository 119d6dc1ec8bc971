use bauta_rpc::{Commitment, RpcError, sign};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::error::InstructionError;
use solana_keypair::Keypair;
use solana_transaction_error::TransactionError;

use crate::support::{SOL, funded, initialize, rpc, transfer};

#[tokio::test]
async fn a_payment_is_confirmed_and_has_its_effect() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let to = Address::new_unique();
    let done = rpc
        .send_and_confirm(&[transfer(&payer, &to, SOL)], &[&payer])
        .await
        .unwrap();
    let (_, account) = rpc.account(&to, Commitment::Confirmed).await.unwrap();
    assert_eq!(account.unwrap().lamports, SOL);
    let status = rpc
        .statuses(&[done.signature], true)
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!((status.slot, status.error), (done.slot, None));
    assert!(status.commitment >= Commitment::Confirmed);
}

#[tokio::test]
async fn a_refusal_of_the_program_comes_with_its_error_and_is_permanent() {
    let rpc = rpc();
    let stranger = funded(&rpc).await;
    let error = rpc
        .send_and_confirm(&[initialize(&stranger)], &[&stranger])
        .await
        .unwrap_err();
    assert!(!error.is_transient(), "{error}");
    let RpcError::Refused { logs, .. } = &error else {
        panic!("a refusal before the chain: {error}");
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
async fn a_transaction_sent_untried_fails_on_the_chain() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let (blockhash, last_height) = rpc.latest_blockhash(Commitment::Confirmed).await.unwrap();
    let much = transfer(&payer, &Address::new_unique(), 100 * SOL);
    let transaction = sign(&[much], &[&payer], blockhash).unwrap();
    let signature = rpc.send_untried(&transaction).await.unwrap();
    let error = rpc.confirm(&signature, last_height).await.unwrap_err();
    assert!(
        matches!(error, RpcError::Failed { .. }) && !error.is_transient(),
        "{error}"
    );
    let record = rpc
        .transaction(&signature, Commitment::Confirmed)
        .await
        .unwrap()
        .unwrap();
    // the system program's: a balance too small (1)
    let poor = TransactionError::InstructionError(0, InstructionError::Custom(1));
    assert_eq!(record.error, Some(poor));
}

#[tokio::test]
async fn a_transaction_that_nobody_sent_expires() {
    let rpc = rpc();
    let error = rpc.confirm(&[7; 64].into(), 0).await.unwrap_err();
    assert!(matches!(error, RpcError::Expired { .. }), "{error}");
}

#[test]
fn a_missing_signer_is_told_before_anything_is_sent() {
    let payer = Keypair::new();
    let other = Keypair::new();
    let from_other = transfer(&other, &Address::new_unique(), 1);
    let error = sign(&[from_other], &[&payer], Hash::default()).unwrap_err();
    assert!(matches!(error, RpcError::Build { .. }), "{error}");
}
