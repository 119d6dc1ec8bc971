use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{CircuitStatusChanged, emit},
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
    pub(crate) fn run(&self, retire: bool) -> Result<()> {
        let circuit = &mut *account::load_mut(&self.circuit)?;
        let now = account::now()?;
        circuit.check_not_retired(now)?;
        let scheduled = circuit.retires_at != 0;
        circuit.retires_at = if retire {
            require!(!scheduled, BautaError::RetirementScheduled);
            now.checked_add(Circuit::RETIREMENT_DELAY)
                .ok_or_else(|| refused(BautaError::OutOfRange))?
        } else {
            require!(scheduled, BautaError::RetirementNotScheduled);
            0
        };
        emit(
            &CircuitStatusChanged::of(self.circuit.key(), circuit, now),
            &self.event_authority,
        )
    }
}

impl CircuitStatusChanged {
    /// Creates the event from the current values of `circuit`.
    pub(crate) fn of(key: Pubkey, circuit: &Circuit, timestamp: i64) -> Self {
        Self {
            circuit: key,
            vk_hash: circuit.vk_hash,
            suspended: circuit.status == Circuit::SUSPENDED,
            retires_at: circuit.retires_at,
            timestamp,
        }
    }
}
