use bauta_client::{Event, addresses, decode_event};
use bauta_rpc::{CommitmentLevel, Page, RpcError, sign};
use solana_address::Address;
use solana_hash::Hash;
use solana_signature::Signature;
use solana_signer::Signer;

use crate::support::{SOL, authority, funded, initialize, rpc, transfer};

#[tokio::test]
async fn an_event_is_read_from_the_inner_instructions() {
    let rpc = rpc();
    rpc.airdrop(&authority().pubkey(), SOL).await.unwrap();
    let sent = rpc
        .send_and_confirm(&[initialize(authority())], &[authority()])
        .await
        .unwrap();
    let transaction = rpc
        .transaction(&sent.signature, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((transaction.slot, transaction.error.clone()), (sent.slot, None));
    assert_eq!(transaction.instructions.len(), 1);
    assert_eq!(transaction.instructions[0].program, bauta::ID);
    assert_eq!(transaction.instructions[0].data, initialize(authority()).data);
    let inner = transaction.inner_instructions.unwrap();
    let last = inner.last().unwrap();
    assert_eq!(last.outer_index, 0);
    assert_eq!(last.inner_index, inner.len() - 1);
    assert_eq!(last.instruction.accounts, [addresses::event_authority().address]);
    let event = decode_event(
        &last.instruction.program,
        &last.instruction.accounts,
        &last.instruction.data,
    )
    .unwrap();
    let Some(Event::ConfigChanged(changed)) = event else {
        panic!("unexpected event: {event:?}");
    };
    assert_eq!(changed.cluster_tag, [7; 32]);
}

#[tokio::test]
async fn a_history_is_newest_first_and_can_be_read_in_pages() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let to = Address::new_unique();
    let mut sent = Vec::new();
    for lamports in 1..=3 {
        let confirmation = rpc
            .send_and_confirm(&[transfer(&payer, &to, lamports * SOL)], &[&payer])
            .await
            .unwrap();
        sent.insert(0, confirmation.signature);
    }
    let page = async |page: Page| -> Vec<Signature> {
        let found = rpc
            .signatures_for(&to, &page, CommitmentLevel::Confirmed)
            .await
            .unwrap();
        found.iter().map(|entry| entry.signature).collect()
    };
    assert_eq!(page(Page::default()).await, sent);
    let newest = Page {
        limit: Some(1),
        ..Page::default()
    };
    assert_eq!(page(newest).await, sent[..1]);
    let older = Page {
        before: Some(sent[0]),
        ..Page::default()
    };
    assert_eq!(page(older).await, sent[1..]);
    let newer = Page {
        until: Some(sent[2]),
        ..Page::default()
    };
    assert_eq!(page(newer).await, sent[..2]);
}

#[tokio::test]
async fn a_transaction_whose_blockhash_was_refused_is_not_listed() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let to = Address::new_unique();
    let refused = sign(&[transfer(&payer, &to, SOL)], &[&payer], Hash::new_unique()).unwrap();
    rpc.send_without_preflight(&refused).await.unwrap();
    // The node processes transactions one after the other.
    let sent = rpc
        .send_and_confirm(&[transfer(&payer, &to, SOL)], &[&payer])
        .await
        .unwrap();
    let found = rpc
        .signatures_for(&to, &Page::default(), CommitmentLevel::Confirmed)
        .await
        .unwrap();
    let found: Vec<Signature> = found.iter().map(|entry| entry.signature).collect();
    assert_eq!(found, [sent.signature]);
}

#[tokio::test]
async fn a_block_lists_its_transactions_and_names_its_parent() {
    let rpc = rpc();
    let payer = funded(&rpc).await;
    let to = Address::new_unique();
    let sent = rpc
        .send_and_confirm(&[transfer(&payer, &to, SOL)], &[&payer])
        .await
        .unwrap();
    let block = rpc
        .block(sent.slot, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    assert!(block.signatures.contains(&sent.signature));
    assert!(block.parent_slot < sent.slot);
    let parent = rpc
        .block(block.parent_slot, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(parent.blockhash, block.previous_blockhash);
    let slots = rpc
        .slots_with_block(block.parent_slot, sent.slot, CommitmentLevel::Confirmed)
        .await
        .unwrap();
    assert!(slots.contains(&sent.slot), "{slots:?}");
}

#[tokio::test]
async fn a_block_in_the_future_is_a_retryable_error() {
    let rpc = rpc();
    let later = rpc.slot(CommitmentLevel::Processed).await.unwrap() + 1_000_000;
    let error = rpc.block(later, CommitmentLevel::Confirmed).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn an_unknown_transaction_is_none() {
    let rpc = rpc();
    let unknown = Signature::from([9; 64]);
    assert!(
        rpc.transaction(&unknown, CommitmentLevel::Confirmed)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(rpc.statuses(&[unknown], true).await.unwrap(), [None]);
}

#[tokio::test]
async fn the_refusal_of_an_unknown_method_is_not_retryable() {
    let error = rpc()
        .call::<u64>("getNothing", &serde_json::json!([]))
        .await
        .unwrap_err();
    assert!(matches!(error, RpcError::Refused { code: -32601, .. }), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn the_genesis_hash_does_not_change() {
    let first = rpc().genesis_hash().await.unwrap();
    assert_eq!(rpc().genesis_hash().await.unwrap(), first);
}
