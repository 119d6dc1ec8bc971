//! Campaigns with real mints of both token programs.

use bauta_airdrop::AirdropError;
use bauta_program_test::{
    CampaignSpec, MintExtension, MintSpec, SPL_TOKEN, TOKEN_2022, assert_refused, keypair,
};
use solana_signer::Signer;

use super::{balance, chain, send};

fn mint_2022(extensions: Vec<MintExtension>) -> MintSpec {
    MintSpec {
        extensions,
        ..CampaignSpec::mint_of(TOKEN_2022)
    }
}

#[test]
fn a_campaign_pays_tokens_of_both_token_programs() {
    let pointer = MintExtension::GroupMemberPointer(keypair("group").pubkey());
    for mint in [
        CampaignSpec::mint_of(SPL_TOKEN),
        mint_2022(vec![]),
        mint_2022(vec![pointer, MintExtension::InterestBearing]),
    ] {
        let mut chain = chain();
        let campaign = chain.create_campaign(CampaignSpec {
            mint,
            ..CampaignSpec::default()
        });
        let claim = chain.claim(&campaign, 1, 5);
        send(&mut chain, &claim).expect("claim");
        assert_eq!(balance(&chain, &campaign, &claim.recipient), 100);
        chain.advance_clock(2 * 86_400);
        let authority = campaign.authority.insecure_clone();
        chain
            .send(&[campaign.sweep().instruction()], &[&authority])
            .expect("sweep");
        assert_eq!(chain.token_amount(&campaign.token.account), 9_900);
    }
}

#[test]
fn a_mint_whose_tokens_can_be_taken_hidden_or_stopped_is_refused() {
    for extension in [
        MintExtension::CloseAuthority,
        MintExtension::PermanentDelegate,
        MintExtension::ConfidentialTransfer,
        MintExtension::TransferFee,
        MintExtension::TransferHook,
        MintExtension::Pausable,
    ] {
        let mut chain = chain();
        let (campaign, create) = chain.prepare_campaign(CampaignSpec {
            mint: mint_2022(vec![extension]),
            funding: 0,
            ..CampaignSpec::default()
        });
        assert_refused(
            chain.send_campaign(&campaign, &create),
            AirdropError::MintExtensionRefused,
        );
    }
}

#[test]
fn an_account_that_is_no_mint_is_refused() {
    let mut chain = chain();
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    // A token account, and an account of another program.
    for (account, error) in [
        (campaign.token.account, AirdropError::InvalidMint),
        (campaign.scope.address, AirdropError::WrongTokenProgram),
    ] {
        let mut wrong = create.clone();
        wrong.mint = account;
        assert_refused(chain.send_campaign(&campaign, &wrong), error);
    }
}
