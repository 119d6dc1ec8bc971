use bauta_rpc::{Commitment, Filter};
use solana_address::Address;
use solana_signer::Signer;

use crate::support::{SOL, funded, rpc};

const LOADER: &str = "BPFLoaderUpgradeab1e11111111111111111111111";

#[tokio::test]
async fn an_account_is_read_and_one_that_is_not_there_is_none() {
    let rpc = rpc();
    let keypair = funded(&rpc).await;
    let (slot, account) = rpc
        .account(&keypair.pubkey(), Commitment::Confirmed)
        .await
        .unwrap();
    let account = account.unwrap();
    assert!(slot > 0);
    assert_eq!((account.lamports, account.data.len()), (10 * SOL, 0));
    assert_eq!(account.owner, Address::default());
    let nobody = Address::new_unique();
    assert_eq!(rpc.account(&nobody, Commitment::Confirmed).await.unwrap().1, None);
}

#[tokio::test]
async fn more_accounts_than_a_node_takes_at_once_come_in_order() {
    let rpc = rpc();
    let mut addresses: Vec<Address> = (0..150).map(|_| Address::new_unique()).collect();
    addresses[120] = bauta::ID;
    let found = rpc.accounts(&addresses, Commitment::Confirmed).await.unwrap();
    let there: Vec<usize> = (0..found.len()).filter(|&i| found[i].1.is_some()).collect();
    assert_eq!((found.len(), there), (150, vec![120]));
    assert!(found[120].1.as_ref().unwrap().executable);
}

#[tokio::test]
async fn a_program_s_accounts_are_filtered_by_size_and_bytes() {
    let rpc = rpc();
    let loader: Address = LOADER.parse().unwrap();
    let program = rpc
        .account(&bauta::ID, Commitment::Confirmed)
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
        .program_accounts(&loader, &filters, Commitment::Confirmed)
        .await
        .unwrap();
    assert_eq!(found, [(bauta::ID, program)]);
    let none = [Filter::Bytes {
        offset: 0,
        bytes: vec![0xff; 8],
    }];
    let found = rpc
        .program_accounts(&loader, &none, Commitment::Confirmed)
        .await
        .unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn the_rent_of_an_empty_account_is_solana_s() {
    // (128 bytes of overhead) * 3480 lamports per byte and year * 2 years
    assert_eq!(rpc().rent_exempt_balance(0).await.unwrap(), 128 * 3480 * 2);
}
