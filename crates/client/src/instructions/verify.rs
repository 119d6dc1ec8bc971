use bauta::instructions::Presentation;
use bauta::{accounts, instruction};
use bauta_primitives::{ANYONE, Claim, Context, ContextParts, Nullifier, Root};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Verifies a proof in a scope.
#[derive(Debug, Clone)]
pub struct Verify {
    /// The account that pays the rent of the nullifier account. It receives the rent back after the
    /// end of the scope. It must sign.
    pub payer: Address,
    /// The scope account.
    pub scope: Address,
    /// The scope's circuit account.
    pub circuit: Address,
    /// The scope's registry. A scope of mode `Snapshot` doesn't need it.
    pub registry: Option<Address>,
    /// The scope's auxiliary registry, if it has one.
    pub auxiliary_registry: Option<Address>,
    /// The scope's gate, if it has one. It must sign.
    pub gate: Option<Address>,
    /// The address that benefits from the verification.
    pub recipient: Address,
    /// The relayer that the proof names. It must sign. `None` if anyone may submit the proof.
    pub relayer: Option<Address>,
    /// The proof: −A, B, C.
    pub proof: [u8; 256],
    /// The root that the proof was made at.
    pub root: Root,
    /// The nullifier that the proof shows.
    pub nullifier: Nullifier,
    /// The claim. With an auxiliary registry, the claim without its root.
    pub claim: Claim,
    /// The root of the auxiliary registry that the proof was made at, if the scope has an auxiliary
    /// registry.
    pub auxiliary_root: Option<Root>,
    /// The time after which the program refuses the proof, in Unix seconds.
    pub expiry: i64,
    /// The consumer's data. The proof is bound to its SHA-256 hash.
    pub payload: Vec<u8>,
}

impl Verify {
    /// Derives the address of the nullifier account.
    #[must_use]
    pub fn nullifier_account(&self) -> Address {
        addresses::nullifier(&self.scope, self.nullifier).address
    }

    /// Computes the context. The proof must be made for it.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::derive(&ContextParts {
            recipient: self.recipient.as_array(),
            relayer: self.relayer.as_ref().map_or(&ANYONE, Address::as_array),
            expiry: self.expiry,
            payload: &self.payload,
        })
    }

    /// Builds the instruction.
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
