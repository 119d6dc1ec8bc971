use bauta::instructions::CircuitRegistration;
use bauta::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Creates `Config`, once.
#[derive(Debug, Clone, Copy)]
pub struct Initialize {
    /// Pays; signs.
    pub payer: Address,
    /// The program's upgrade authority; signs.
    pub upgrade_authority: Address,
    /// The cluster's genesis hash, or a tag chosen for a local chain.
    pub cluster_tag: [u8; 32],
    /// Who administers.
    pub admin: Address,
    /// Whether circuits with development keys may be registered; for ever.
    pub development_keys_allowed: bool,
}

impl Initialize {
    /// The instruction.
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

/// Names who may become admin.
#[derive(Debug, Clone, Copy)]
pub struct SetAdmin {
    /// The admin; signs.
    pub admin: Address,
    /// Who may accept; zero: nobody.
    pub new_admin: Address,
}

impl SetAdmin {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::SetAdmin {
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

/// Takes over as admin.
#[derive(Debug, Clone, Copy)]
pub struct AcceptAdmin {
    /// Who was named; signs.
    pub new_admin: Address,
}

impl AcceptAdmin {
    /// The instruction.
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

/// Stops verifications, or lets them go on.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// The admin; signs.
    pub admin: Address,
    /// Whether verifications are refused from now on.
    pub paused: bool,
}

impl Pause {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::Pause {
                admin: self.admin,
                config: addresses::config().address,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::Pause { paused: self.paused },
        )
    }
}

/// Registers a circuit, at the address of its key's hash.
#[derive(Clone)]
pub struct RegisterCircuit {
    /// Pays; signs.
    pub payer: Address,
    /// The admin; signs.
    pub admin: Address,
    /// Statement, key and where the key comes from.
    pub registration: CircuitRegistration,
}

impl RegisterCircuit {
    /// The circuit account's address.
    #[must_use]
    pub fn circuit(&self) -> Address {
        addresses::circuit_of(&self.registration.verifying_key).address
    }

    /// The instruction.
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

/// Ends a circuit: no more scopes and no more verifications.
#[derive(Debug, Clone, Copy)]
pub struct RetireCircuit {
    /// The admin; signs.
    pub admin: Address,
    /// The circuit account.
    pub circuit: Address,
}

impl RetireCircuit {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::RetireCircuit {
                admin: self.admin,
                config: addresses::config().address,
                circuit: self.circuit,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::RetireCircuit {},
        )
    }
}
