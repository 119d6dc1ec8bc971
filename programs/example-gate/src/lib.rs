//! A consumer program: grants a counter to whoever shows a proof in the scope that its gate pins.
//!
//! ```text
//!   member --grant--> example-gate --verify, signed by the gate--> bauta --return data--> example-gate --> Counter
//! ```

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

use anchor_lang::{prelude::*, solana_program::program::get_return_data};
use bauta::instructions::Presentation;

declare_id!("Ga9HP4e3TZxu47C5KifEsbDMajjDqvJ44BC7Dn97rt5h");

/// The instructions.
#[program]
pub mod example_gate {
    use super::*;

    /// Creates a gate that accepts proofs of one scope. The scope has to name the gate's address as its gate.
    pub fn open_gate(ctx: Context<OpenGate>, scope: Pubkey) -> Result<()> {
        ctx.accounts.gate.set_inner(Gate {
            authority: ctx.accounts.authority.key(),
            scope,
            bump: ctx.bumps.gate,
        });
        Ok(())
    }

    /// Creates a counter that starts at `amount` for the recipient that the proof names, once per nullifier.
    pub fn grant(ctx: Context<Grant>, amount: u64, proof: Proof) -> Result<()> {
        // built here, never taken from the caller: a proof made for another amount doesn't hold
        let payload = payload(amount);
        let gate = &ctx.accounts.gate;
        let seeds: &[&[u8]] = &[Gate::SEED, gate.authority.as_ref(), &[gate.bump]];
        bauta::cpi::verify(
            CpiContext::new_with_signer(bauta::ID, ctx.accounts.verification(), &[seeds]),
            Presentation {
                proof: proof.proof,
                root: proof.root,
                nullifier: proof.nullifier,
                claim: proof.claim,
                auxiliary_root: None,
                expiry: proof.expiry,
                payload,
            },
        )?;
        // the CPI went to bauta's address; that it was bauta that answered last is checked all the same
        let answered = get_return_data().is_some_and(|(program, _)| program == bauta::ID);
        require!(answered, GateError::NotVerified);
        ctx.accounts.counter.set_inner(Counter {
            owner: ctx.accounts.recipient.key(),
            value: amount,
        });
        Ok(())
    }
}

/// What the proof's context binds besides recipient, relayer and expiry.
#[must_use]
pub fn payload(amount: u64) -> Vec<u8> {
    [b"example-gate/grant/1".as_slice(), &amount.to_le_bytes()].concat()
}

/// A proof as `grant` takes it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Proof {
    /// The use's nullifier.
    pub nullifier: [u8; 32],
    /// −A, B, C.
    pub proof: [u8; 256],
    /// The registry's root that membership is shown at.
    pub root: [u8; 32],
    /// What is shown.
    pub claim: [u8; 32],
    /// Unix time in seconds after which the proof is void.
    pub expiry: i64,
}

/// Pins one scope, and signs verifications.
#[account]
#[derive(InitSpace)]
pub struct Gate {
    /// Who made it.
    pub authority: Pubkey,
    /// The only scope whose proofs count.
    pub scope: Pubkey,
    /// The address's bump.
    pub bump: u8,
}

impl Gate {
    /// The first seed of its address; then the authority.
    pub const SEED: &'static [u8] = b"gate";
}

/// What a proof earns.
#[account]
#[derive(InitSpace)]
pub struct Counter {
    /// The recipient that the proof named.
    pub owner: Pubkey,
    /// The granted amount.
    pub value: u64,
}

impl Counter {
    /// The first seed of its address; then gate and nullifier.
    pub const SEED: &'static [u8] = b"counter";
}

/// Accounts of `open_gate`.
#[derive(Accounts)]
pub struct OpenGate<'info> {
    /// Pays, and gives the gate its address.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// Created here.
    #[account(
        init,
        payer = authority,
        space = 8 + Gate::INIT_SPACE,
        seeds = [Gate::SEED, authority.key().as_ref()],
        bump
    )]
    pub gate: Account<'info, Gate>,
    /// Creates `gate`.
    pub system_program: Program<'info, System>,
}

/// Accounts of `grant`.
#[derive(Accounts)]
#[instruction(amount: u64, proof: Proof)]
pub struct Grant<'info> {
    /// Pays for counter and nullifier.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// Whom the proof names.
    /// CHECK: bauta checks that the proof is bound to it
    pub recipient: UncheckedAccount<'info>,
    /// Pins the scope.
    #[account(seeds = [Gate::SEED, gate.authority.as_ref()], bump = gate.bump)]
    pub gate: Account<'info, Gate>,
    /// Created here, once per nullifier.
    #[account(
        init,
        payer = payer,
        space = 8 + Counter::INIT_SPACE,
        seeds = [Counter::SEED, gate.key().as_ref(), &proof.nullifier],
        bump
    )]
    pub counter: Account<'info, Counter>,
    /// Bauta's settings.
    /// CHECK: bauta checks it
    pub config: UncheckedAccount<'info>,
    /// The scope that the gate pins.
    /// CHECK: pinned by its address
    #[account(address = gate.scope @ GateError::WrongScope)]
    pub scope: UncheckedAccount<'info>,
    /// The scope's circuit.
    /// CHECK: bauta checks it
    pub circuit: UncheckedAccount<'info>,
    /// The nullifier, created by bauta.
    /// CHECK: bauta checks it
    #[account(mut)]
    pub nullifier: UncheckedAccount<'info>,
    /// The scope's registry, if the scope is Live.
    /// CHECK: bauta checks it
    pub registry: Option<UncheckedAccount<'info>>,
    /// Who alone may submit the proof, if it names somebody.
    pub relayer: Option<Signer<'info>>,
    /// Creates counter and nullifier.
    pub system_program: Program<'info, System>,
    /// Bauta's event authority.
    /// CHECK: bauta checks it
    pub bauta_event_authority: UncheckedAccount<'info>,
    /// Bauta.
    /// CHECK: by address
    #[account(address = bauta::ID)]
    pub bauta_program: UncheckedAccount<'info>,
}

impl<'info> Grant<'info> {
    fn verification(&self) -> bauta::cpi::accounts::Verify<'info> {
        bauta::cpi::accounts::Verify {
            payer: self.payer.to_account_info(),
            recipient: self.recipient.to_account_info(),
            config: self.config.to_account_info(),
            scope: self.scope.to_account_info(),
            circuit: self.circuit.to_account_info(),
            nullifier: self.nullifier.to_account_info(),
            registry: self.registry.as_ref().map(ToAccountInfo::to_account_info),
            auxiliary_registry: None,
            gate: Some(self.gate.to_account_info()),
            relayer: self.relayer.as_ref().map(ToAccountInfo::to_account_info),
            system_program: self.system_program.to_account_info(),
            event_authority: self.bauta_event_authority.to_account_info(),
            program: self.bauta_program.to_account_info(),
        }
    }
}

/// Why this program refuses.
#[error_code]
pub enum GateError {
    #[msg("the scope is not the one that the gate pins")]
    WrongScope,
    #[msg("bauta did not confirm the proof")]
    NotVerified,
}
