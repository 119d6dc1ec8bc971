use bauta::instructions::ScopeRules;
use bauta::state::ScopeMode;
use bauta::{accounts, instruction};
use bauta_primitives::{Claim, Nullifier};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Creates a scope at the address of registry, creator and nonce.
#[derive(Debug, Clone, Copy)]
pub struct CreateScope {
    /// Pays; signs.
    pub payer: Address,
    /// Who makes it; signs.
    pub creator: Address,
    /// Whose members may prove.
    pub registry: Address,
    /// The circuit account.
    pub circuit: Address,
    /// The registry whose root is bound into the claim, if any.
    pub auxiliary_registry: Option<Address>,
    /// The creator's number for it.
    pub nonce: u64,
    /// What it counts: see [`ScopeMode`].
    pub mode: ScopeMode,
    /// Who has to sign each verification, if anybody.
    pub gate: Option<Address>,
    /// The only claim that is accepted, if there is one.
    pub required_claim: Option<Claim>,
    /// Unix time in seconds from which it is open.
    pub opens_at: i64,
    /// Unix time in seconds at which it has ended.
    pub closes_at: i64,
}

impl CreateScope {
    /// The scope account's address.
    #[must_use]
    pub fn scope(&self) -> Address {
        addresses::scope(&self.registry, &self.creator, self.nonce).address
    }

    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::CreateScope {
                payer: self.payer,
                creator: self.creator,
                config: addresses::config().address,
                registry: self.registry,
                circuit: self.circuit,
                auxiliary_registry: self.auxiliary_registry,
                scope: self.scope(),
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::CreateScope {
                nonce: self.nonce,
                rules: ScopeRules {
                    mode: self.mode,
                    gate: self.gate,
                    required_claim: self.required_claim.map(Claim::to_bytes),
                    opens_at: self.opens_at,
                    closes_at: self.closes_at,
                },
            },
        )
    }
}

/// Ends a scope early.
#[derive(Debug, Clone, Copy)]
pub struct CloseScope {
    /// Who made it; signs.
    pub creator: Address,
    /// The scope account.
    pub scope: Address,
}

impl CloseScope {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::CloseScope {
                creator: self.creator,
                scope: self.scope,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::CloseScope {},
        )
    }
}

/// Closes the nullifier account of a scope that is over and returns its rent.
#[derive(Debug, Clone, Copy)]
pub struct ReclaimNullifier {
    /// The scope account.
    pub scope: Address,
    /// The nullifier.
    pub nullifier: Nullifier,
    /// Who paid the rent, as the nullifier account says.
    pub rent_payer: Address,
}

impl ReclaimNullifier {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ReclaimNullifier {
                scope: self.scope,
                nullifier: addresses::nullifier(&self.scope, self.nullifier).address,
                rent_payer: self.rent_payer,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::ReclaimNullifier {},
        )
    }
}
