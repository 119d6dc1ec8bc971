use bauta_airdrop::state::Campaign;
use solana_address::Address;

use crate::{AirdropClientError, addresses};

/// Decodes the campaign account at `address`, and compares the address and the vault with those
/// that follow from the account's own fields.
///
/// A node can still give other values for the remaining fields. The proof is bound to the campaign,
/// the tier, the amount and `as_of`, so a wrong value makes the program refuse the claim.
///
/// # Errors
/// If the account is not a campaign of the program, is that of another address, or names a vault
/// other than the derived one.
pub fn decode_campaign(
    address: &Address,
    owner: &Address,
    data: &[u8],
) -> Result<Campaign, AirdropClientError> {
    if *owner != bauta_airdrop::ID {
        return Err(AirdropClientError::ForeignAccount { owner: *owner });
    }
    let campaign: Campaign = bauta_client::decode_account(owner, data)?;
    let derived = addresses::campaign(&campaign.authority, campaign.nonce).address;
    if derived != *address {
        return Err(AirdropClientError::OtherCampaign {
            requested: *address,
            received: derived,
        });
    }
    let vault = addresses::associated(address, &campaign.token_program, &campaign.mint);
    if campaign.vault != vault {
        return Err(AirdropClientError::OtherVault {
            found: campaign.vault,
            expected: vault,
        });
    }
    Ok(campaign)
}
