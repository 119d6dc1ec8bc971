use crate::{
    account,
    errors::BautaError,
    events::{CircuitRetired, emit},
    state::{Circuit, Config},
};
use anchor_lang::prelude::*;

/// Accounts of `retire_circuit`.
#[event_cpi]
#[derive(Accounts)]
pub struct RetireCircuit<'info> {
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(seeds = [Config::SEED], bump = config.load()?.bump, has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
    /// The circuit to retire.
    #[account(mut)]
    pub circuit: AccountLoader<'info, Circuit>,
}

impl RetireCircuit<'_> {
    pub(crate) fn run(&self) -> Result<()> {
        let circuit = &mut *self.circuit.load_mut()?;
        require!(circuit.status == Circuit::ACTIVE, BautaError::CircuitRetired);
        circuit.status = Circuit::RETIRED;
        let event = CircuitRetired {
            circuit: self.circuit.key(),
            vk_hash: circuit.vk_hash,
            timestamp: account::now()?,
        };
        emit(&event, &self.event_authority)
    }
}
