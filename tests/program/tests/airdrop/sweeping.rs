//! When and by whom the rest of a vault can be taken.

use bauta_airdrop::AirdropError;
use bauta_airdrop_client::Sweep;
use bauta_program_test::{
    CampaignSpec, Receipt, Refusal, TOKEN_2022, TestCampaign, TestChain, assert_refused, keypair,
};
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::{balance, chain, send};

fn fixture() -> (TestChain, TestCampaign) {
    let mut chain = chain();
    let campaign = chain.create_campaign(CampaignSpec::default());
    (chain, campaign)
}

fn swept(chain: &mut TestChain, sweep: &Sweep, by: &Keypair) -> Result<Receipt, Refusal> {
    chain.send(&[sweep.instruction()], &[by])
}

#[test]
fn the_authority_takes_the_rest_after_the_grace_period_and_not_before() {
    let (mut chain, campaign) = fixture();
    let claim = chain.claim(&campaign, 1, 5);
    send(&mut chain, &claim).expect("claim");
    let sweep = campaign.sweep();
    let authority = campaign.authority.insecure_clone();
    // The scope ends after a day, and the grace period is another one.
    for wait in [0, 86_400, 86_399] {
        chain.advance_clock(wait);
        assert_refused(swept(&mut chain, &sweep, &authority), AirdropError::SweepTooEarly);
    }
    chain.advance_clock(1);
    swept(&mut chain, &sweep, &authority).expect("sweep");
    assert_eq!(balance(&chain, &campaign, &campaign.address), 0);
    assert_eq!(chain.token_amount(&campaign.token.account), 10_000 - 100);
    assert_refused(
        swept(&mut chain, &sweep, &authority),
        AirdropError::NothingToSweep,
    );
}

#[test]
fn a_scope_that_its_creator_closes_early_does_not_make_the_sweep_earlier() {
    let (mut chain, campaign) = fixture();
    chain.close_scope(&campaign.scope).expect("close_scope");
    let authority = campaign.authority.insecure_clone();
    chain.advance_clock(2 * 86_400 - 1);
    assert_refused(
        swept(&mut chain, &campaign.sweep(), &authority),
        AirdropError::SweepTooEarly,
    );
    chain.advance_clock(1);
    swept(&mut chain, &campaign.sweep(), &authority).expect("sweep");
}

#[test]
fn no_one_but_the_authority_takes_the_rest() {
    let (mut chain, campaign) = fixture();
    chain.advance_clock(2 * 86_400);
    let other = chain.create_campaign(CampaignSpec::default());
    for thief in [
        campaign.scope.creator.insecure_clone(),
        other.authority.insecure_clone(),
        keypair("thief"),
    ] {
        let sweep = Sweep {
            authority: thief.pubkey(),
            ..campaign.sweep()
        };
        assert_refused(swept(&mut chain, &sweep, &thief), AirdropError::NotTheAuthority);
    }
    // The authority of one campaign can't take the vault of another.
    let mut instruction = other.sweep().instruction();
    for meta in &mut instruction.accounts {
        if meta.pubkey == other.vault() {
            meta.pubkey = campaign.vault();
        }
    }
    chain.advance_clock(2 * 86_400);
    assert_refused(
        chain.send(&[instruction], &[&other.authority]),
        AirdropError::WrongVault,
    );
    assert_eq!(balance(&chain, &campaign, &campaign.address), 1_000);
}

#[test]
fn a_sweep_with_another_mint_program_or_destination_is_refused() {
    let (mut chain, campaign) = fixture();
    let other = chain.create_campaign(CampaignSpec::default());
    chain.advance_clock(2 * 86_400);
    let authority = campaign.authority.insecure_clone();
    for (from, to, error) in [
        (campaign.token.mint, other.token.mint, AirdropError::WrongMint),
        (
            campaign.token.program,
            TOKEN_2022,
            AirdropError::WrongTokenProgram,
        ),
        (campaign.token.account, campaign.vault(), AirdropError::WrongVault),
    ] {
        let mut instruction = campaign.sweep().instruction();
        let meta = instruction.accounts.iter_mut().find(|meta| meta.pubkey == from);
        meta.expect("the sweep has the account").pubkey = to;
        assert_refused(chain.send(&[instruction], &[&authority]), error);
    }
    // The token program refuses an account of another mint.
    let elsewhere = Sweep {
        destination: other.token.account,
        ..campaign.sweep()
    };
    swept(&mut chain, &elsewhere, &authority).expect_err("an account of another mint");
    assert_eq!(balance(&chain, &campaign, &campaign.address), 1_000);
}
