use bauta_airdrop::AirdropError;
use bauta_client::{ClientError, ProgramError};
use solana_address::Address;

/// An error in a campaign account, or in the values of a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AirdropClientError {
    /// The account has an owner other than the airdrop program.
    #[error("the owner of the account is {owner}: a campaign belongs to the airdrop program, {program}", program = bauta_airdrop::ID)]
    ForeignAccount {
        /// The account's owner.
        owner: Address,
    },
    /// The account is not a campaign.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The account belongs to another campaign.
    #[error("the node gave the account of campaign {received} for campaign {requested}: use another node")]
    OtherCampaign {
        /// The requested campaign.
        requested: Address,
        /// The address that follows from the fields of the account.
        received: Address,
    },
    /// The vault is not the campaign's associated token account.
    #[error("the campaign names the vault {found}, but {expected} follows from its fields: use another node")]
    OtherVault {
        /// The vault in the account.
        found: Address,
        /// The derived vault.
        expected: Address,
    },
    /// The campaign has no such tier, or pays nothing for the score.
    #[error("the campaign has no tier {tier}: choose a lower one, or a score from its floor on")]
    NoSuchTier {
        /// The number of the tier, or the score.
        tier: u32,
    },
}

/// Returns the name and the message of a custom error code of a transaction with an instruction of
/// the airdrop program. Codes from 7000 are the program's own. Lower codes are those of bauta, which
/// it calls, of Anchor, and of the system program.
#[must_use]
pub fn refusal(code: u32) -> ProgramError {
    match AirdropError::from_code(code) {
        Some(error) => ProgramError {
            code,
            name: error.name(),
            message: error.to_string(),
        },
        None => ProgramError::from_code(code),
    }
}
