use crate::{
    errors::{AirdropError, require},
    mint,
    reward::Reward,
    state::Campaign,
    token::associated_address,
};
use anchor_lang::prelude::*;
use bauta::{
    account,
    errors::refused,
    state::{Circuit, Provenance, Scope, ScopeMode},
};
use bauta_primitives::FieldElement;

/// The name of the statement, zero-padded, as in [`Circuit`].
const STATEMENT: [u8; 32] = *b"reputation\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The version of the statement.
const VERSION: u16 = 1;
/// The leaf format `score`.
const LEAF_FORMAT: u8 = 2;
/// The least `max_age` in seconds. Clients round `as_of` down to the hour.
pub const MIN_MAX_AGE: i64 = 2 * 60 * 60;
/// The greatest `max_age` in seconds: 30 days. A score can be claimed for so long after it expired.
pub const MAX_MAX_AGE: i64 = 30 * 24 * 60 * 60;
/// The greatest number of seconds from now to `sweep_at`: 10 years. Nothing can be swept before.
pub const MAX_DURATION: i64 = 10 * 365 * 24 * 60 * 60;

/// Accounts of `create_campaign`.
#[derive(Accounts)]
#[instruction(nonce: u64)]
pub struct CreateCampaign<'info> {
    /// The account that pays the rent of `campaign`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The authority of the campaign, which may sweep its vault.
    pub authority: Signer<'info>,
    /// The account to create.
    #[account(
        init,
        payer = payer,
        space = 8 + size_of::<Campaign>(),
        seeds = [Campaign::SEED, authority.key().as_ref(), &nonce.to_le_bytes()],
        bump
    )]
    pub campaign: AccountLoader<'info, Campaign>,
    /// The scope whose proofs the campaign accepts. Its gate must be the campaign's address.
    pub scope: AccountLoader<'info, Scope>,
    /// The scope's circuit account.
    pub circuit: AccountLoader<'info, Circuit>,
    /// The mint of the tokens.
    /// CHECK: its owner and its contents are checked
    pub mint: UncheckedAccount<'info>,
    /// The vault: the campaign's associated token account of the mint. It need not exist yet.
    /// CHECK: its address is checked
    pub vault: UncheckedAccount<'info>,
    /// The token program that owns the mint: SPL Token or Token-2022.
    /// CHECK: it is compared with the owner of the mint
    pub token_program: UncheckedAccount<'info>,
    /// The system program, which creates `campaign`.
    pub system_program: Program<'info, System>,
}

/// The rules of a new campaign, an argument of `create_campaign`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct CampaignRules {
    /// What the score is about: a field element, big-endian.
    pub domain: [u8; 32],
    /// What the campaign pays.
    pub reward: Reward,
    /// The greatest age of a claim's `as_of` in seconds: 7,200 to 2,592,000.
    pub max_age: i64,
    /// The time between the scope's `closes_at` and `sweep_at`, in seconds.
    pub grace: i64,
    /// Whether the circuit may have a development key. Anyone can forge proofs with such a key.
    pub development_key: bool,
}

impl CreateCampaign<'_> {
    pub(crate) fn run(&self, bump: u8, nonce: u64, rules: &CampaignRules) -> Result<()> {
        let now = Clock::get()?.unix_timestamp;
        let scope = *account::load(&self.scope)?;
        self.check_scope(&scope, now)?;
        self.check_circuit(&scope, rules.development_key, now)?;
        require!(
            rules.domain < FieldElement::MODULUS,
            AirdropError::DomainNotCanonical
        );
        rules.reward.check()?;
        require!(
            (MIN_MAX_AGE..=MAX_MAX_AGE).contains(&rules.max_age),
            AirdropError::BadMaxAge
        );
        let sweep_at = sweep_at(scope.closes_at, rules.grace, now)?;
        require!(
            self.mint.owner == self.token_program.key,
            AirdropError::WrongTokenProgram
        );
        let decimals = mint::check(self.mint.owner, &self.mint.try_borrow_data()?)?;
        let vault = associated_address(&self.campaign.key(), self.mint.owner, self.mint.key);
        require!(*self.vault.key == vault, AirdropError::WrongVault);

        let campaign = &mut *self.campaign.load_init()?;
        campaign.authority = self.authority.key();
        campaign.scope = self.scope.key();
        campaign.registry = scope.registry;
        campaign.circuit = scope.circuit;
        campaign.mint = self.mint.key();
        campaign.token_program = self.token_program.key();
        campaign.vault = vault;
        campaign.domain = rules.domain;
        campaign.set_reward(&rules.reward);
        campaign.nonce = nonce;
        campaign.sweep_at = sweep_at;
        campaign.max_age = rules.max_age;
        campaign.decimals = decimals;
        campaign.bump = bump;
        Ok(())
    }

    fn check_scope(&self, scope: &Scope, now: i64) -> Result<()> {
        require!(scope.gate == self.campaign.key(), AirdropError::WrongGate);
        require!(
            scope.mode == ScopeMode::Snapshot as u8,
            AirdropError::NotASnapshot
        );
        require!(
            scope.has_required_claim == 0 && scope.auxiliary_registry == Pubkey::default(),
            AirdropError::UnfitScope
        );
        require!(!scope.is_over(now), AirdropError::ScopeIsOver);
        Ok(())
    }

    fn check_circuit(&self, scope: &Scope, development_key: bool, now: i64) -> Result<()> {
        require!(self.circuit.key() == scope.circuit, AirdropError::WrongCircuit);
        let circuit = &*account::load(&self.circuit)?;
        let is_reputation = circuit.statement == STATEMENT
            && circuit.version == VERSION
            && circuit.leaf_format == LEAF_FORMAT
            && circuit.auxiliary_format == 0;
        require!(is_reputation, AirdropError::WrongStatement);
        require!(
            development_key || circuit.provenance == Provenance::Ceremony as u8,
            AirdropError::DevelopmentKey
        );
        if circuit.check_active(now).is_err() {
            return Err(refused(AirdropError::InactiveCircuit));
        }
        Ok(())
    }
}

/// Adds the grace period to the end of the scope.
fn sweep_at(closes_at: i64, grace: i64, now: i64) -> Result<i64> {
    let latest = now.saturating_add(MAX_DURATION);
    closes_at
        .checked_add(grace)
        .filter(|sweep_at| grace >= 0 && *sweep_at <= latest)
        .ok_or_else(|| refused(AirdropError::BadGrace))
}
