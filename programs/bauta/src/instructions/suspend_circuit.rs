use crate::{
    account,
    errors::{BautaError, require},
    events::{CircuitStatusChanged, emit},
    state::{Circuit, Config},
};
use anchor_lang::prelude::*;

/// Accounts of `suspend_circuit`.
#[event_cpi]
#[derive(Accounts)]
pub struct SuspendCircuit<'info> {
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(seeds = [Config::SEED], bump = config.load()?.bump, has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
    /// The circuit to suspend or resume.
    #[account(mut)]
    pub circuit: AccountLoader<'info, Circuit>,
}

impl SuspendCircuit<'_> {
    pub(crate) fn run(&self, suspended: bool) -> Result<()> {
        let circuit = &mut *account::load_mut(&self.circuit)?;
        let now = account::now()?;
        circuit.check_not_retired(now)?;
        circuit.status = if suspended {
            require!(circuit.status == Circuit::ACTIVE, BautaError::CircuitSuspended);
            Circuit::SUSPENDED
        } else {
            require!(
                circuit.status == Circuit::SUSPENDED,
                BautaError::CircuitNotSuspended
            );
            Circuit::ACTIVE
        };
        emit(
            &CircuitStatusChanged::of(self.circuit.key(), circuit, now),
            &self.event_authority,
        )
    }
}
