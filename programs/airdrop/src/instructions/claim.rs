use crate::{
    errors::{AirdropError, require},
    payload,
    state::{self, Campaign},
    token::{self, Payment, associated_address},
};
use anchor_lang::{prelude::*, solana_program::program::get_return_data};
use bauta::{account, errors::refused, instructions::Presentation, state::Scope};
use bauta_primitives::sha256;

/// Accounts of `claim`. Claims of one campaign write to its vault, so they do not run in parallel.
#[derive(Accounts)]
pub struct Claim<'info> {
    /// The account that pays the rent of `nullifier`. It receives the rent back after the end of
    /// the scope.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The recipient that the proof names.
    /// CHECK: bauta checks that the proof is bound to it
    pub recipient: UncheckedAccount<'info>,
    /// The campaign, which is the scope's gate and signs the verification and the transfer.
    pub campaign: AccountLoader<'info, Campaign>,
    /// The campaign's vault.
    /// CHECK: its address is the one in the campaign
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// The recipient's associated token account of the mint. It must exist.
    /// CHECK: its address and its contents are checked
    #[account(mut)]
    pub recipient_account: UncheckedAccount<'info>,
    /// The campaign's mint.
    /// CHECK: its address is the one in the campaign
    pub mint: UncheckedAccount<'info>,
    /// The account `Config` of bauta.
    /// CHECK: bauta checks it
    pub config: UncheckedAccount<'info>,
    /// The campaign's scope.
    pub scope: AccountLoader<'info, Scope>,
    /// The scope's circuit.
    /// CHECK: bauta checks it
    pub circuit: UncheckedAccount<'info>,
    /// The nullifier account, which bauta creates.
    /// CHECK: bauta checks it
    #[account(mut)]
    pub nullifier: UncheckedAccount<'info>,
    /// The relayer that the proof names, if it names one. It must sign.
    pub relayer: Option<Signer<'info>>,
    /// The campaign's token program.
    /// CHECK: its address is the one in the campaign
    pub token_program: UncheckedAccount<'info>,
    /// The system program, which creates `nullifier`.
    pub system_program: Program<'info, System>,
    /// Bauta's event authority.
    /// CHECK: bauta checks it
    pub bauta_event_authority: UncheckedAccount<'info>,
    /// The program bauta.
    /// CHECK: its address is checked
    #[account(address = bauta::ID)]
    pub bauta_program: UncheckedAccount<'info>,
}

/// A proof and the values that it shows, an argument of `claim`. The program computes the claim, and
/// the scope has the root.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Proof {
    /// The proof: −A, B, C.
    pub proof: [u8; 256],
    /// The nullifier.
    pub nullifier: [u8; 32],
    /// The time after which bauta refuses the proof, in Unix seconds.
    pub expiry: i64,
}

impl Claim<'_> {
    pub(crate) fn run(&self, tier: u32, as_of: u64, proof: &Proof) -> Result<()> {
        let campaign = state::read(&self.campaign)?;
        self.check_addresses(&campaign)?;
        let grant = campaign.grant(tier)?;
        campaign.check_as_of(as_of, Clock::get()?.unix_timestamp)?;
        self.check_accounts(&campaign, grant.amount)?;

        let claim = campaign.claim(&grant, as_of)?;
        // The program builds the payload, so a proof for another tier or amount is refused.
        let payload = payload(self.campaign.as_ref().key, tier, grant.amount, as_of);
        let payload_hash = sha256(&payload);
        self.verify(&campaign, claim, proof, payload)?;
        let recipient = self.recipient.key.to_bytes();
        Self::check_return_data(&[
            campaign.scope.to_bytes(),
            campaign.registry.to_bytes(),
            campaign.circuit.to_bytes(),
            claim,
            proof.nullifier,
            recipient,
            payload_hash,
        ])?;
        let payment = Payment {
            campaign: self.campaign.as_ref(),
            vault: &self.vault,
            mint: &self.mint,
            to: &self.recipient_account,
            token_program: &self.token_program,
        };
        payment.send(&campaign, grant.amount)
    }

    fn check_addresses(&self, campaign: &Campaign) -> Result<()> {
        require!(self.scope.key() == campaign.scope, AirdropError::WrongScope);
        require!(*self.vault.key == campaign.vault, AirdropError::WrongVault);
        require!(*self.mint.key == campaign.mint, AirdropError::WrongMint);
        require!(
            *self.token_program.key == campaign.token_program,
            AirdropError::WrongTokenProgram
        );
        Ok(())
    }

    /// Checks the token accounts before the verification, so that an error names the reason. The
    /// owner of an associated token account of SPL Token can give it away, so the owner is checked.
    fn check_accounts(&self, campaign: &Campaign, amount: u64) -> Result<()> {
        let (program, mint) = (&campaign.token_program, &campaign.mint);
        let vault = token::read(&self.vault, program, mint);
        require!(
            vault.is_some_and(|vault| vault.amount >= amount),
            AirdropError::VaultTooLow
        );
        let recipient = self.recipient.key;
        let account = token::read(&self.recipient_account, program, mint);
        require!(
            account.is_some_and(|account| account.owner == *recipient)
                && *self.recipient_account.key == associated_address(recipient, program, mint),
            AirdropError::WrongRecipientAccount
        );
        Ok(())
    }

    fn verify(&self, campaign: &Campaign, claim: [u8; 32], proof: &Proof, payload: Vec<u8>) -> Result<()> {
        let nonce = campaign.nonce.to_le_bytes();
        let bump = [campaign.bump];
        let seeds: [&[u8]; 4] = [Campaign::SEED, campaign.authority.as_ref(), &nonce, &bump];
        let presentation = Presentation {
            proof: proof.proof,
            root: account::load(&self.scope)?.root,
            nullifier: proof.nullifier,
            claim,
            auxiliary_root: None,
            expiry: proof.expiry,
            payload,
        };
        let accounts = bauta::cpi::accounts::Verify {
            payer: self.payer.to_account_info(),
            recipient: self.recipient.to_account_info(),
            config: self.config.to_account_info(),
            scope: self.scope.to_account_info(),
            circuit: self.circuit.to_account_info(),
            nullifier: self.nullifier.to_account_info(),
            registry: None,
            auxiliary_registry: None,
            gate: Some(self.campaign.to_account_info()),
            relayer: self.relayer.as_ref().map(ToAccountInfo::to_account_info),
            system_program: self.system_program.to_account_info(),
            event_authority: self.bauta_event_authority.to_account_info(),
            program: self.bauta_program.to_account_info(),
        };
        bauta::cpi::verify(
            CpiContext::new_with_signer(bauta::ID, accounts, &[&seeds]),
            presentation,
        )
    }

    /// Compares the return data of `verify` with the values that this claim expects: scope,
    /// registry, circuit, claim, nullifier, recipient and payload hash.
    fn check_return_data(expected: &[[u8; 32]; 7]) -> Result<()> {
        let (program, data) = get_return_data().ok_or_else(|| refused(AirdropError::NotVerified))?;
        let is_equal = data.len() == size_of_val(expected)
            && data
                .chunks_exact(32)
                .zip(expected)
                .all(|(field, expected)| field == expected);
        require!(program == bauta::ID && is_equal, AirdropError::NotVerified);
        Ok(())
    }
}
