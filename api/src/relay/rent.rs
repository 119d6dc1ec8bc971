//! Returns the rent of nullifier accounts to the wallets, after the end of their scopes.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_client::{addresses, instructions::ReclaimNullifier};
use bauta_rpc::{CommitmentLevel, serialize, unsigned};
use bauta_service_common::Service;
use bauta_store::RentDeposit;
use futures_util::{StreamExt, stream};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_signature::Signature;

use super::{Shared, error::RelayError, instructions::instructions, transaction::sign, wallets::Wallet};
use crate::{metrics, time::unix_seconds};

/// Interval at which the task checks whether it may lease a wallet.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// Largest number of accounts that one transaction closes. Its bytes are another limit.
const PER_TRANSACTION: usize = 16;
/// Accounts that are taken from the database at once.
const BATCH: u16 = 400;
/// Transactions that are under way at a time.
const AT_ONCE: usize = 8;
/// Compute units for closing one account.
const UNITS_PER_ACCOUNT: u32 = 30_000;
/// Time to wait for a transaction.
const CONFIRM_TIMEOUT: Duration = Duration::from_mins(1);
/// Interval at which a transaction is sent again.
const RESEND_INTERVAL: Duration = Duration::from_secs(2);
/// Interval at which the status of a transaction is read.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);

/// Starts the task. In each interval, one of the instances leases each wallet.
pub fn spawn(shared: &Arc<Shared>, interval: Duration, service: &Service) {
    let (shared, shutdown) = (shared.clone(), service.shutdown());
    let seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
    service.spawn("the rent of relays", async move {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(interval.min(CHECK_INTERVAL)) => tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = reclaim_all(&shared, seconds) => {}
                },
            }
        }
        Ok::<_, Infallible>(())
    });
}

async fn reclaim_all(shared: &Shared, seconds: u32) {
    for (number, address) in shared.wallets.addresses().enumerate() {
        if let Err(error) = reclaim(shared, address, seconds).await {
            tracing::warn!(event = "rent_not_reclaimed", wallet = number, %error);
        }
    }
}

async fn reclaim(shared: &Shared, address: Address, seconds: u32) -> Result<(), RelayError> {
    if !shared.store.take_reclaim(address, seconds).await? {
        return Ok(());
    }
    let Some(wallet) = shared.wallets.get(&address) else {
        return Ok(());
    };
    loop {
        metrics::record_reclaimed(shared.store.mark_reclaimed(address).await?);
        let deposits = shared
            .store
            .take_rent_deposits(address, unix_seconds(), seconds, BATCH)
            .await?;
        if deposits.is_empty() {
            return Ok(());
        }
        let accounts: Vec<Address> = deposits
            .iter()
            .map(|deposit| addresses::nullifier(&deposit.scope, deposit.nullifier).address)
            .collect();
        // An account that no node has is closed, or the nodes are behind. The events decide.
        let open: Vec<bool> = shared.nodes.are_open(&accounts).await;
        let reclaims: Vec<Instruction> = deposits
            .iter()
            .zip(open)
            .filter(|(_, is_open)| *is_open)
            .map(|(deposit, _)| instruction(deposit, address))
            .collect();
        let closing = stream::iter(groups(&reclaims, &address)).map(|group| {
            let wallet = wallet.clone();
            async move { close(shared, wallet.as_ref(), &group).await }
        });
        let results: Vec<Result<(), RelayError>> = closing.buffer_unordered(AT_ONCE).collect().await;
        for error in results.into_iter().filter_map(Result::err) {
            tracing::warn!(event = "accounts_not_closed", %error);
        }
    }
}

fn instruction(deposit: &RentDeposit, rent_payer: Address) -> Instruction {
    ReclaimNullifier {
        scope: deposit.scope,
        nullifier: deposit.nullifier,
        rent_payer,
    }
    .instruction()
}

fn with_limits(reclaims: &[Instruction]) -> Vec<Instruction> {
    let count = u32::try_from(reclaims.len()).unwrap_or(u32::MAX);
    instructions(reclaims, count.saturating_mul(UNITS_PER_ACCOUNT), 0)
}

/// Divides reclaims into transactions. Those of one scope share accounts, so more of them fit.
fn groups(reclaims: &[Instruction], payer: &Address) -> Vec<Vec<Instruction>> {
    let (mut groups, mut rest) = (Vec::new(), reclaims);
    while !rest.is_empty() {
        let mut count = rest.len().min(PER_TRANSACTION);
        while count > 1 {
            // A transaction that is too long can't be built.
            let transaction = unsigned(&with_limits(&rest[..count]), payer, Hash::default());
            if transaction.and_then(|it| serialize(&it)).is_ok() {
                break;
            }
            count -= 1;
        }
        let (group, others) = rest.split_at(count);
        groups.push(group.to_vec());
        rest = others;
    }
    groups
}

/// Closes nullifier accounts. They are recorded as reclaimed when finalized events show it, in a
/// later round. If a node refuses a transaction, its halves are tried: one account that can't be
/// closed doesn't keep the others.
async fn close(shared: &Shared, wallet: &dyn Wallet, reclaims: &[Instruction]) -> Result<(), RelayError> {
    let mut groups = vec![reclaims];
    while let Some(group) = groups.pop() {
        let all = with_limits(group);
        // A transaction that would fail is not paid for.
        let simulated = unsigned(&all, &wallet.address(), Hash::default())?;
        match shared.nodes.simulate(&simulated).await?.error {
            None => send(shared, wallet, &all).await?,
            Some(_) if group.len() > 1 => {
                let (some, others) = group.split_at(group.len() / 2);
                groups.extend([some, others]);
            }
            Some(error) => {
                // An error that this version doesn't know is a text of the node.
                let error = error
                    .known()
                    .map_or_else(|| "unknown".to_owned(), |error| error.to_string());
                tracing::warn!(event = "account_not_closed", error);
            }
        }
    }
    Ok(())
}

/// Sends a transaction that reclaims rent, and waits until it is confirmed.
async fn send(shared: &Shared, wallet: &dyn Wallet, all: &[Instruction]) -> Result<(), RelayError> {
    let (blockhash, _) = shared.nodes.blockhash().await?;
    let (signature, transaction) = sign(wallet, all, blockhash, &[]).await?;
    shared.store.add_reclaim(signature, wallet.address()).await?;
    let confirmed = async {
        loop {
            shared.nodes.send(&transaction).await;
            let sent = Instant::now();
            while sent.elapsed() < RESEND_INTERVAL {
                if is_confirmed(shared, signature).await {
                    return;
                }
                tokio::time::sleep(STATUS_INTERVAL).await;
            }
        }
    };
    // If it is not confirmed in time, the next round reads its status again.
    let _ = tokio::time::timeout(CONFIRM_TIMEOUT, confirmed).await;
    Ok(())
}

async fn is_confirmed(shared: &Shared, signature: Signature) -> bool {
    let status = shared.nodes.statuses(&[signature], false).await;
    let status = status.ok().and_then(|mut statuses| statuses.pop().flatten());
    status.is_some_and(|status| status.level >= CommitmentLevel::Confirmed)
}

#[cfg(test)]
mod tests {
    use bauta_primitives::{FieldElement, Nullifier};

    use super::*;

    #[test]
    fn a_transaction_closes_as_many_accounts_as_fit_and_none_is_left_out() {
        let payer = Address::new_unique();
        let deposits = |scopes: u8| -> Vec<Instruction> {
            let deposit = |number: u8| RentDeposit {
                scope: Address::new_from_array([number % scopes + 1; 32]),
                nullifier: Nullifier::new(FieldElement::from_u64(number.into())),
            };
            (0..100)
                .map(|number| instruction(&deposit(number), payer))
                .collect()
        };
        for (scopes, least) in [(1, 10), (100, 7)] {
            let reclaims = deposits(scopes);
            let groups = groups(&reclaims, &payer);
            assert_eq!(groups.concat(), reclaims);
            let most = groups.iter().map(Vec::len).max().unwrap();
            assert!(most >= least, "{scopes} scopes: {most}");
            for group in groups {
                let transaction = unsigned(&with_limits(&group), &payer, Hash::default()).unwrap();
                assert!(serialize(&transaction).unwrap().len() <= 1_232);
            }
        }
    }
}
