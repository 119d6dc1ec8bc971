//! Returns the rent of nullifier accounts to the wallets, after the end of their scopes.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bauta_client::{addresses, instructions::ReclaimNullifier};
use bauta_rpc::CommitmentLevel;
use bauta_service_common::Service;
use bauta_store::{RandomId, RentDeposit};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signature::Signature;

use super::{
    Shared,
    error::RelayError,
    transaction::{instructions, sign},
    wallets::Wallet,
};
use crate::{metrics, time::unix_seconds};

/// Interval at which it is looked whether a wallet has its turn.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// Accounts that one transaction closes. More would exceed its 1,232 bytes.
const PER_TRANSACTION: usize = 8;
/// Accounts that are closed in one turn.
const PER_TURN: u16 = 400;
/// Compute units for closing one account.
const UNITS_PER_ACCOUNT: u32 = 30_000;
/// Time to wait for a transaction.
const CONFIRM_TIMEOUT: Duration = Duration::from_mins(1);
/// Interval at which the status of a transaction is read.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);

/// Starts the task. Each wallet has a turn in each interval, on one of the instances.
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
    let deposits = shared
        .store
        .rent_deposits(address, unix_seconds(), PER_TURN)
        .await?;
    for group in deposits.chunks(PER_TRANSACTION) {
        let accounts: Vec<Address> = group
            .iter()
            .map(|deposit| addresses::nullifier(&deposit.scope, deposit.nullifier).address)
            .collect();
        let found = shared.nodes.accounts(&accounts).await?;
        let is_open = |index: usize| {
            let account = found.get(index).and_then(Option::as_ref);
            account.is_some_and(|account| account.owner == bauta::ID)
        };
        let (mut open, mut closed): (Vec<&RentDeposit>, Vec<RandomId>) = (Vec::new(), Vec::new());
        for (index, deposit) in group.iter().enumerate() {
            if is_open(index) {
                open.push(deposit);
            } else {
                closed.push(deposit.relay);
            }
        }
        if !closed.is_empty() {
            metrics::record_reclaimed(closed.len());
            shared.store.mark_reclaimed(&closed).await?;
        }
        if !open.is_empty() {
            close(shared, wallet.as_ref(), &open).await?;
        }
    }
    Ok(())
}

/// Closes nullifier accounts. They are recorded as reclaimed when they are finally closed, in a
/// later turn.
async fn close(shared: &Shared, wallet: &dyn Wallet, deposits: &[&RentDeposit]) -> Result<(), RelayError> {
    let rent_payer = wallet.address();
    let reclaims: Vec<Instruction> = deposits
        .iter()
        .map(|deposit| {
            ReclaimNullifier {
                scope: deposit.scope,
                nullifier: deposit.nullifier,
                rent_payer,
            }
            .instruction()
        })
        .collect();
    let count = u32::try_from(reclaims.len()).unwrap_or(u32::MAX);
    let (blockhash, _) = shared.nodes.blockhash().await?;
    let all = instructions(&reclaims, count.saturating_mul(UNITS_PER_ACCOUNT), 0);
    // A transaction that would fail is not paid for.
    let unsigned = bauta_rpc::unsigned(&all, &rent_payer, blockhash)?;
    if let Some(error) = shared.nodes.simulate(&unsigned).await?.error {
        return Err(RelayError::Simulation {
            program: None,
            message: error.to_string(),
        });
    }
    let (signature, transaction) = sign(wallet, &all, blockhash).await?;
    shared.store.add_reclaim(signature, rent_payer).await?;
    let confirmed = async {
        loop {
            shared.nodes.send(&transaction).await;
            if is_confirmed(shared, signature).await {
                return;
            }
            tokio::time::sleep(STATUS_INTERVAL).await;
        }
    };
    // If it is not confirmed in time, the next turn looks again.
    let _ = tokio::time::timeout(CONFIRM_TIMEOUT, confirmed).await;
    Ok(())
}

async fn is_confirmed(shared: &Shared, signature: Signature) -> bool {
    let status = shared.nodes.statuses(&[signature], false).await;
    let status = status.ok().and_then(|mut statuses| statuses.pop().flatten());
    status.is_some_and(|status| status.level >= CommitmentLevel::Confirmed)
}
