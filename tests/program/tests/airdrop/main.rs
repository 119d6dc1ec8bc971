//! Tests the airdrop program: campaigns, claims, sweeps, mints, and a claim with the real circuit.

mod claiming;
mod creating;
mod members;
mod mints;
mod sweeping;

use bauta_airdrop_client::Claim;
use bauta_program_test::{Elf, Receipt, Refusal, TestCampaign, TestChain};
use solana_address::Address;

/// Returns a chain with both programs.
fn chain() -> TestChain {
    let mut chain = TestChain::new();
    chain.deploy_airdrop(Elf::FromEnvironment);
    chain
}

/// Sends a claim without a relayer.
fn send(chain: &mut TestChain, claim: &Claim) -> Result<Receipt, Refusal> {
    chain.send(&[claim.instruction()], &[])
}

/// Returns the amount in the associated token account of an owner.
fn balance(chain: &TestChain, campaign: &TestCampaign, owner: &Address) -> u64 {
    chain.token_amount(&campaign.account_of(owner))
}
