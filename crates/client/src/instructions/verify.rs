use bauta::instructions::Presentation;
use bauta::{accounts, instruction};
use bauta_primitives::{ANYONE, Claim, Context, ContextParts, Nullifier, Root};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Uses a proof in a scope.
#[derive(Debug, Clone)]
pub struct Verify {
    /// Pays the nullifier account's rent, and gets it back when the scope is over; signs.
    pub payer: Address,
    /// The scope account.
    pub scope: Address,
    /// The scope's circuit account.
    pub circuit: Address,
    /// The scope's registry; none for a Snapshot scope, which doesn't touch it.
    pub registry: Option<Address>,
    /// The scope's auxiliary registry, if it has one.
    pub auxiliary_registry: Option<Address>,
    /// The scope's gate, which signs, if it names one.
    pub gate: Option<Address>,
    /// Whom the use benefits.
    pub recipient: Address,
    /// Who alone may submit the proof, and signs; none: anyone.
    pub relayer: Option<Address>,
    /// The proof's 256 bytes: −A, B, C.
    pub proof: [u8; 256],
    /// The root that the proof was made at.
    pub root: Root,
    /// The use's nullifier.
    pub nullifier: Nullifier,
    /// What is shown; with an auxiliary registry, the value alone.
    pub claim: Claim,
    /// The auxiliary registry's root that the proof was made at, if the scope has one.
    pub auxiliary_root: Option<Root>,
    /// Unix time in seconds after which the proof is void.
    pub expiry: i64,
    /// The consumer's data.
    pub payload: Vec<u8>,
}

impl Verify {
    /// The nullifier account's address.
    #[must_use]
    pub fn nullifier_account(&self) -> Address {
        addresses::nullifier(&self.scope, self.nullifier).address
    }

    /// The context that the proof has to be made for.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::derive(&ContextParts {
            recipient: self.recipient.as_array(),
            relayer: self.relayer.as_ref().map_or(&ANYONE, Address::as_array),
            expiry: self.expiry,
            payload: &self.payload,
        })
    }

    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::Verify {
                payer: self.payer,
                recipient: self.recipient,
                config: addresses::config().address,
                scope: self.scope,
                circuit: self.circuit,
                nullifier: self.nullifier_account(),
                registry: self.registry,
                auxiliary_registry: self.auxiliary_registry,
                gate: self.gate,
                relayer: self.relayer,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::Verify {
                presentation: Presentation {
                    proof: self.proof,
                    root: self.root.to_bytes(),
                    nullifier: self.nullifier.to_bytes(),
                    claim: self.claim.to_bytes(),
                    auxiliary_root: self.auxiliary_root.map(Root::to_bytes),
                    expiry: self.expiry,
                    payload: self.payload.clone(),
                },
            },
        )
    }
}
