//! `bauta airdrop`: campaigns of the airdrop program.
//!
//! ```text
//!   create ──> scope, vault and campaign in one transaction
//!   fund   ──> tokens into the vault
//!   status ──> rules, vault, and with a score file the `bauta prove` of the best tier
//!   claim  ──> the file of that proof ──> tokens for the recipient
//!   sweep  ──> the rest of the vault, after the grace period
//! ```

mod claim;
mod create;
mod fund;
mod status;
mod sweep;

use anyhow::{Context as _, Result};
use bauta::token::{TOKEN_2022_PROGRAM, TokenAccount};
use bauta_airdrop::state::Campaign;
use bauta_airdrop_client::{decode_campaign, refusal};
use solana_address::Address;
use solana_instruction::{Instruction, error::InstructionError};
use solana_transaction_error::TransactionError;

use crate::{
    context::Context,
    failure::{Failure, Kind},
    report::Report,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Create a campaign, its scope and its vault. The signer is the authority of all three
    Create(Box<create::Args>),
    /// Transfer tokens to the vault of a campaign. Anyone can
    Fund(fund::Args),
    /// Show a campaign: its rules, its scope and its vault
    Status(status::Args),
    /// Claim with a proof. The tokens go to the recipient that the proof names
    Claim(claim::Args),
    /// Take the rest of the vault, after the grace period. The signer is the authority
    Sweep(sweep::Args),
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::Fund(args) => fund::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::Claim(args) => claim::run(context, args).await,
        Command::Sweep(args) => sweep::run(context, args).await,
    }
}

/// Names the reason for which an instruction of the airdrop program failed. Returns `None` for
/// instructions of other programs.
pub fn reason(error: &TransactionError, instructions: &[Instruction]) -> Option<String> {
    let TransactionError::InstructionError(index, InstructionError::Custom(code)) = error else {
        return None;
    };
    let instruction = instructions.get(usize::from(*index))?;
    (instruction.program_id == bauta_airdrop::ID).then(|| refusal(*code).to_string())
}

/// Reads a campaign, and compares its address and its vault with those that follow from its fields.
async fn read(context: &Context, address: &Address) -> Result<Campaign> {
    let account = context.account(address).await?.ok_or_else(|| {
        let message = format!(
            "there is no campaign at {address} on the cluster of {}",
            context.rpc.host()
        );
        Failure::new(Kind::Other, message).next("create one with `bauta airdrop create`")
    })?;
    decode_campaign(address, &account.owner, &account.data)
        .with_context(|| format!("can't read the campaign {address}"))
}

/// Returns the amount in a token account of a mint, or `None` if there is no such account.
async fn balance(context: &Context, address: &Address, mint: &Address) -> Result<Option<u64>> {
    let account = context.account(address).await?;
    Ok(account.and_then(|account| {
        let state = TokenAccount::read(&account.owner, &account.data).ok()?;
        (state.mint == *mint).then_some(state.amount)
    }))
}

/// Returns the size of an associated token account of an accepted mint in bytes.
fn token_account_bytes(token_program: &Address) -> usize {
    // Token-2022 adds the account type and the extension ImmutableOwner.
    if *token_program == TOKEN_2022_PROGRAM {
        170
    } else {
        165
    }
}
