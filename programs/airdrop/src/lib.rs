//! Airdrops to members of a registry who prove a reputation. The program learns nothing else about
//! them.
//!
//! `docs/airdrop.md` describes it.
//!
//! ```text
//!   authority --create_campaign--> Campaign (gate, rules)     vault: its associated token account
//!                                     |                          |
//!   member -----claim-----------------+--verify, signed by it--> bauta
//!                                     |                          |
//!   recipient <---transfer_checked----+<------ return data ------+
//!
//!   authority --sweep, after the grace period--> the rest of the vault
//! ```

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

mod errors;
pub mod instructions;
pub mod mint;
pub mod reward;
pub mod state;
pub mod token;

use anchor_lang::prelude::*;
pub use errors::AirdropError;
use instructions::*;

declare_id!("9ikA5wiEcLuep4Tp9SfBKDUD4LpALbtYBBm5XYAWwv8F");

/// Campaigns that pay tokens for proofs of the statement `reputation`.
#[program]
pub mod airdrop {
    use super::*;

    /// Verifies a proof and pays its amount to the recipient that the proof names. A campaign pays
    /// once for each nullifier, whatever the tier.
    pub fn claim(ctx: Context<Claim>, tier: u32, as_of: u64, proof: Proof) -> Result<()> {
        ctx.accounts.run(tier, as_of, &proof)
    }

    /// Creates a campaign. Nothing of it changes later.
    pub fn create_campaign(ctx: Context<CreateCampaign>, nonce: u64, rules: CampaignRules) -> Result<()> {
        ctx.accounts.run(ctx.bumps.campaign, nonce, &rules)
    }

    /// Transfers the rest of the vault to an account that the authority chooses. It is possible
    /// from the campaign's `sweep_at` on, and again after later deposits.
    pub fn sweep(ctx: Context<Sweep>) -> Result<()> {
        ctx.accounts.run()
    }
}

/// Builds the payload, to which a proof is bound in addition to recipient, relayer and expiry:
/// `"bauta/airdrop/1"`, campaign, tier, amount and `as_of`. Integers are little-endian.
#[must_use]
pub fn payload(campaign: &Pubkey, tier: u32, amount: u64, as_of: u64) -> Vec<u8> {
    [
        b"bauta/airdrop/1".as_slice(),
        campaign.as_ref(),
        &tier.to_le_bytes(),
        &amount.to_le_bytes(),
        &as_of.to_le_bytes(),
    ]
    .concat()
}
