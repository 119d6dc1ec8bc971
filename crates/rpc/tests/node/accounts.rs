use bauta_rpc::{CommitmentLevel, Filter};
use solana_address::Address;
use solana_signer::Signer;

use crate::support::{SOL, funded, rpc};

const LOADER: &str = "BPFLoaderUpgradeab1e11111111111111111111111";

#[tokio::test]
async fn an_account_is_read_and_a_missing_account_is_none() {
    let rpc = rpc();
    let keypair = funded(&rpc).await;
    let (slot, account) = rpc
        .account(&keypair.pubkey(), CommitmentLevel::Confirmed)
        .await
        .unwrap();
    let account = account.unwrap();
    assert!(slot > 0);
    assert_eq!((account.lamports, account.data.len()), (10 * SOL, 0));
    assert_eq!(account.owner, Address::default());
    let unknown = Address::new_unique();
    assert_eq!(
        rpc.account(&unknown, CommitmentLevel::Confirmed).await.unwrap().1,
        None
    );
}

#[tokio::test]
async fn more_accounts_than_one_call_allows_are_returned_in_order() {
    let rpc = rpc();
    let mut addresses: Vec<Address> = (0..150).map(|_| Address::new_unique()).collect();
    addresses[120] = bauta::ID;
    let found = rpc
        .accounts(&addresses, CommitmentLevel::Confirmed)
        .await
        .unwrap();
    let existing: Vec<usize> = (0..found.len()).filter(|&i| found[i].1.is_some()).collect();
    assert_eq!((found.len(), existing), (150, vec![120]));
    assert!(found[120].1.as_ref().unwrap().executable);
}

#[tokio::test]
async fn a_program_s_accounts_are_filtered_by_size_and_bytes() {
    let rpc = rpc();
    let loader: Address = LOADER.parse().unwrap();
    let program = rpc
        .account(&bauta::ID, CommitmentLevel::Confirmed)
        .await
        .unwrap()
        .1
        .unwrap();
    let filters = [
        Filter::Size(program.data.len()),
        Filter::Bytes {
            offset: 0,
            bytes: program.data.clone(),
        },
    ];
    let found = rpc
        .program_accounts(&loader, &filters, CommitmentLevel::Confirmed)
        .await
        .unwrap();
    assert_eq!(found, [(bauta::ID, program)]);
    let none = [Filter::Bytes {
        offset: 0,
        bytes: vec![0xff; 8],
    }];
    let found = rpc
        .program_accounts(&loader, &none, CommitmentLevel::Confirmed)
        .await
        .unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn the_rent_of_an_empty_account_follows_solanas_formula() {
    // (128 bytes of overhead) * 3480 lamports per byte and year * 2 years
    assert_eq!(rpc().rent_exempt_balance(0).await.unwrap(), 128 * 3480 * 2);
}
