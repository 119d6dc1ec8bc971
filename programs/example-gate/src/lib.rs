//! An example of a consumer program. It creates a counter for the recipient of a proof in the scope
//! that its gate pins.
//!
//! ```text
//!   member --grant--> example-gate --verify, signed by the gate--> bauta
//!                                                                    |
//!                     Counter <-- example-gate <----- return data ---+
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

    /// Creates a gate that accepts proofs of one scope. The scope must name the gate's address as
    /// its gate.
    pub fn open_gate(ctx: Context<OpenGate>, scope: Pubkey) -> Result<()> {
        ctx.accounts.gate.set_inner(Gate {
            authority: ctx.accounts.authority.key(),
            scope,
            bump: ctx.bumps.gate,
        });
        Ok(())
    }

    /// Creates a counter with the value `amount` for the recipient that the proof names. There is
    /// one counter for each nullifier.
    pub fn grant(ctx: Context<Grant>, amount: u64, proof: Proof) -> Result<()> {
        // The program builds the payload and never accepts it from the caller. A proof for another
        // amount is therefore refused.
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
        // The return data must come from bauta.
        let verified = get_return_data().is_some_and(|(program, _)| program == bauta::ID);
        require!(verified, GateError::NotVerified);
        ctx.accounts.counter.set_inner(Counter {
            owner: ctx.accounts.recipient.key(),
            value: amount,
        });
        Ok(())
    }
}

/// Builds the payload, to which the proof is bound in addition to recipient, relayer and expiry.
#[must_use]
pub fn payload(amount: u64) -> Vec<u8> {
    [b"example-gate/grant/1".as_slice(), &amount.to_le_bytes()].concat()
}

/// A proof and the values that it shows, an argument of `grant`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct Proof {
    /// The nullifier.
    pub nullifier: [u8; 32],
    /// The proof: −A, B, C.
    pub proof: [u8; 256],
    /// The root that the proof was made at.
    pub root: [u8; 32],
    /// The claim.
    pub claim: [u8; 32],
    /// The time after which bauta refuses the proof, in Unix seconds.
    pub expiry: i64,
}

/// A gate: it pins one scope and signs the verifications in it.
#[account]
#[derive(InitSpace)]
pub struct Gate {
    /// The authority, which created the gate.
    pub authority: Pubkey,
    /// The scope whose proofs the gate accepts.
    pub scope: Pubkey,
    /// The bump of the account's address.
    pub bump: u8,
}

impl Gate {
    /// The first seed of the address. The authority follows.
    pub const SEED: &'static [u8] = b"gate";
}

/// A counter, which a proof grants.
#[account]
#[derive(InitSpace)]
pub struct Counter {
    /// The recipient that the proof named.
    pub owner: Pubkey,
    /// The granted amount.
    pub value: u64,
}

impl Counter {
    /// The first seed of the address. The gate and the nullifier follow.
    pub const SEED: &'static [u8] = b"counter";
}

/// Accounts of `open_gate`.
#[derive(Accounts)]
pub struct OpenGate<'info> {
    /// The authority, which pays the rent of `gate`. The gate's address is derived from it.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The account to create.
    #[account(
        init,
        payer = authority,
        space = 8 + Gate::INIT_SPACE,
        seeds = [Gate::SEED, authority.key().as_ref()],
        bump
    )]
    pub gate: Account<'info, Gate>,
    /// The system program, which creates `gate`.
    pub system_program: Program<'info, System>,
}

/// Accounts of `grant`.
#[derive(Accounts)]
#[instruction(amount: u64, proof: Proof)]
pub struct Grant<'info> {
    /// The account that pays the rent of counter and nullifier.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The recipient that the proof names.
    /// CHECK: bauta checks that the proof is bound to it
    pub recipient: UncheckedAccount<'info>,
    /// The gate, which pins the scope.
    #[account(seeds = [Gate::SEED, gate.authority.as_ref()], bump = gate.bump)]
    pub gate: Account<'info, Gate>,
    /// The account to create. There is one for each nullifier.
    #[account(
        init,
        payer = payer,
        space = 8 + Counter::INIT_SPACE,
        seeds = [Counter::SEED, gate.key().as_ref(), &proof.nullifier],
        bump
    )]
    pub counter: Account<'info, Counter>,
    /// The account `Config` of bauta.
    /// CHECK: bauta checks it
    pub config: UncheckedAccount<'info>,
    /// The scope that the gate pins.
    /// CHECK: its address is the one in the gate
    #[account(address = gate.scope @ GateError::WrongScope)]
    pub scope: UncheckedAccount<'info>,
    /// The scope's circuit.
    /// CHECK: bauta checks it
    pub circuit: UncheckedAccount<'info>,
    /// The nullifier account, which bauta creates.
    /// CHECK: bauta checks it
    #[account(mut)]
    pub nullifier: UncheckedAccount<'info>,
    /// The scope's registry, if the scope has the mode `Live`.
    /// CHECK: bauta checks it
    pub registry: Option<UncheckedAccount<'info>>,
    /// The relayer that the proof names, if it names one. It must sign.
    pub relayer: Option<Signer<'info>>,
    /// The system program, which creates counter and nullifier.
    pub system_program: Program<'info, System>,
    /// Bauta's event authority.
    /// CHECK: bauta checks it
    pub bauta_event_authority: UncheckedAccount<'info>,
    /// The program bauta.
    /// CHECK: its address is checked
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

/// The errors of this program.
#[error_code]
pub enum GateError {
    #[msg("the scope is not the scope that the gate pins")]
    WrongScope,
    #[msg("the return data does not come from bauta")]
    NotVerified,
}
