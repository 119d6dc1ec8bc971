//! The client of the airdrop program.
//!
//! It builds the program's instructions, decodes campaigns, and computes what a claim proves. It
//! does not connect to a node and makes no proofs. `docs/airdrop.md` describes the program.
//!
//! ```text
//!   authority:  campaign address ──> bauta_client CreateScope (gate) ──> CreateCampaign ──> Fund
//!
//!   member:     campaign account ──decode_campaign──> Campaign ──ClaimPlan──> score claim, context
//!                                                                                  │
//!               Claim <──────────────────────── proof <── (a prover) <─────────────┘
//! ```
//!
//! ```
//! use bauta_airdrop_client::{addresses, Sweep};
//! use solana_address::Address;
//!
//! let authority = Address::new_from_array([1; 32]);
//! let campaign = addresses::campaign(&authority, 0).address;
//! let mint = Address::new_from_array([2; 32]);
//! let token_program = bauta::token::TOKEN_PROGRAM;
//! let destination = addresses::associated(&authority, &token_program, &mint);
//! let sweep = Sweep { authority, campaign, mint, token_program, destination };
//! assert_eq!(sweep.instruction().program_id, bauta_airdrop::ID);
//! ```

pub mod addresses;
mod campaign;
mod error;
mod instructions;
mod plan;

pub use campaign::decode_campaign;
pub use error::{AirdropClientError, refusal};
pub use instructions::{Claim, CreateAssociatedAccount, CreateCampaign, Fund, Sweep};
pub use plan::ClaimPlan;
