use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{CircuitStatusChanged, emit},
    state::{Circuit, Config},
};
use anchor_lang::prelude::*;

/// Accounts of `suspend_circuit` and `retire_circuit`. They share the type, because the code that
/// Anchor generates for it has about 5 kB.
#[event_cpi]
#[derive(Accounts)]
pub struct ChangeCircuit<'info> {
    /// The admin in `Config`.
    pub admin: Signer<'info>,
    /// The account `Config`, the program's settings.
    #[account(has_one = admin @ BautaError::NotAdmin)]
    pub config: AccountLoader<'info, Config>,
    /// The circuit to suspend, to resume or to retire.
    #[account(mut)]
    pub circuit: AccountLoader<'info, Circuit>,
}

impl ChangeCircuit<'_> {
    pub(crate) fn suspend(&self, suspended: bool) -> Result<()> {
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

    pub(crate) fn retire(&self, retire: bool) -> Result<()> {
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
