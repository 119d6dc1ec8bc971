use bauta::instructions::ScopeRules;
use bauta::state::ScopeMode;
use bauta::{accounts, instruction};
use bauta_primitives::{Claim, Nullifier, Root};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Creates a scope. The registry, the creator and the nonce determine its address.
#[derive(Debug, Clone, Copy)]
pub struct CreateScope {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The creator. It must sign.
    pub creator: Address,
    /// The registry whose members may prove.
    pub registry: Address,
    /// The circuit account.
    pub circuit: Address,
    /// The auxiliary registry, whose root is included in the claim. It must have depth 10 and the
    /// circuit's `auxiliary_format`. `None` if that is 0.
    pub auxiliary_registry: Option<Address>,
    /// The number that the creator chooses for the scope.
    pub nonce: u64,
    /// The mode: see [`ScopeMode`].
    pub mode: ScopeMode,
    /// The gate, which must sign each verification, if there is one.
    pub gate: Option<Address>,
    /// The only accepted claim. `None` accepts every claim.
    pub required_claim: Option<Claim>,
    /// The time from which the scope accepts verifications, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    pub closes_at: i64,
    /// A root that the registry must accept when the scope is created: its current root or a kept
    /// root. It is the root of a scope of mode `Snapshot`. `None`: the current root.
    pub expected_root: Option<Root>,
}

impl CreateScope {
    /// Derives the address of the scope account.
    #[must_use]
    pub fn scope(&self) -> Address {
        addresses::scope(&self.registry, &self.creator, self.nonce).address
    }

    /// Builds the instruction.
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
                    expected_root: self.expected_root.map(Root::to_bytes),
                },
            },
        )
    }
}

/// Closes a scope before `closes_at`.
#[derive(Debug, Clone, Copy)]
pub struct CloseScope {
    /// The scope's creator. It must sign.
    pub creator: Address,
    /// The scope account.
    pub scope: Address,
}

impl CloseScope {
    /// Builds the instruction.
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

/// Closes a nullifier account after the end of its scope and returns the rent.
#[derive(Debug, Clone, Copy)]
pub struct ReclaimNullifier {
    /// The scope account.
    pub scope: Address,
    /// The nullifier whose account is closed.
    pub nullifier: Nullifier,
    /// The account that paid the rent. The nullifier account names it.
    pub rent_payer: Address,
}

impl ReclaimNullifier {
    /// Builds the instruction.
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
            &instruction::ReclaimNullifier {
                nullifier: self.nullifier.to_bytes(),
            },
        )
    }
}
