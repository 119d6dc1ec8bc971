use bauta::instructions::CircuitRegistration;
use bauta::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Creates the account `Config`. It can be created once.
#[derive(Debug, Clone, Copy)]
pub struct Initialize {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The program's upgrade authority. It must sign.
    pub upgrade_authority: Address,
    /// The cluster's genesis hash, or a tag chosen for a local chain.
    pub cluster_tag: [u8; 32],
    /// The first admin.
    pub admin: Address,
    /// Whether circuits with development keys may be registered. It can't be changed later.
    pub development_keys_allowed: bool,
}

impl Initialize {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::Initialize {
                payer: self.payer,
                upgrade_authority: self.upgrade_authority,
                program_data: addresses::program_data().address,
                config: addresses::config().address,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::Initialize {
                cluster_tag: self.cluster_tag,
                admin: self.admin,
                development_keys_allowed: self.development_keys_allowed,
            },
        )
    }
}

/// Sets the pending admin.
#[derive(Debug, Clone, Copy)]
pub struct SetAdmin {
    /// The admin in `Config`. It must sign.
    pub admin: Address,
    /// The pending admin. The zero address cancels a pending handover.
    pub new_admin: Address,
}

impl SetAdmin {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ChangeConfig {
                admin: self.admin,
                config: addresses::config().address,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::SetAdmin {
                new_admin: self.new_admin,
            },
        )
    }
}

/// Makes the pending admin the admin.
#[derive(Debug, Clone, Copy)]
pub struct AcceptAdmin {
    /// The pending admin. It must sign.
    pub new_admin: Address,
}

impl AcceptAdmin {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::AcceptAdmin {
                new_admin: self.new_admin,
                config: addresses::config().address,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::AcceptAdmin {},
        )
    }
}

/// Replaces the admin and removes the pending admin.
#[derive(Debug, Clone, Copy)]
pub struct ReplaceAdmin {
    /// The program's upgrade authority. It must sign.
    pub upgrade_authority: Address,
    /// The address that becomes the admin at once.
    pub new_admin: Address,
}

impl ReplaceAdmin {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ReplaceAdmin {
                upgrade_authority: self.upgrade_authority,
                program_data: addresses::program_data().address,
                config: addresses::config().address,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::ReplaceAdmin {
                new_admin: self.new_admin,
            },
        )
    }
}

/// Pauses or resumes verifications.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// The admin in `Config`. It must sign.
    pub admin: Address,
    /// Whether the program refuses verifications.
    pub paused: bool,
}

impl Pause {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ChangeConfig {
                admin: self.admin,
                config: addresses::config().address,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::Pause { paused: self.paused },
        )
    }
}

/// Registers a circuit. Its verifying key and its metadata determine its address.
#[derive(Clone)]
pub struct RegisterCircuit {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The admin in `Config`. It must sign.
    pub admin: Address,
    /// The statement, the verifying key and its provenance.
    pub registration: CircuitRegistration,
}

impl RegisterCircuit {
    /// Derives the address of the circuit account.
    #[must_use]
    pub fn circuit(&self) -> Address {
        addresses::circuit_of(&self.registration).address
    }

    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::RegisterCircuit {
                payer: self.payer,
                admin: self.admin,
                config: addresses::config().address,
                circuit: self.circuit(),
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::RegisterCircuit {
                registration: self.registration.clone(),
            },
        )
    }
}

/// Suspends or resumes a circuit. While it is suspended, the program refuses new scopes and
/// verifications with it.
#[derive(Debug, Clone, Copy)]
pub struct SuspendCircuit {
    /// The admin in `Config`. It must sign.
    pub admin: Address,
    /// The circuit account.
    pub circuit: Address,
    /// `true` suspends the circuit, `false` resumes it.
    pub suspended: bool,
}

impl SuspendCircuit {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ChangeCircuit {
                admin: self.admin,
                config: addresses::config().address,
                circuit: self.circuit,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::SuspendCircuit {
                suspended: self.suspended,
            },
        )
    }
}

/// Schedules the retirement of a circuit in 7 days, or cancels a scheduled retirement. The program
/// refuses new scopes and verifications with a retired circuit, for ever.
#[derive(Debug, Clone, Copy)]
pub struct RetireCircuit {
    /// The admin in `Config`. It must sign.
    pub admin: Address,
    /// The circuit account.
    pub circuit: Address,
    /// `true` schedules the retirement, `false` cancels it.
    pub retire: bool,
}

impl RetireCircuit {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ChangeCircuit {
                admin: self.admin,
                config: addresses::config().address,
                circuit: self.circuit,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::RetireCircuit { retire: self.retire },
        )
    }
}
