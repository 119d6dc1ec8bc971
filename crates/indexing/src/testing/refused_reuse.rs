//! Transactions that fail because a nullifier was used before.

use anchor_lang::InstructionData;
use bauta::instructions::Presentation;
use bauta_primitives::Claim;
use solana_address::Address;
use solana_signature::Signature;

use super::TestChain;
use crate::chain::{InnerInstruction, Instruction};

/// Returns a `verify` instruction for a scope and a track's claim. Its other arguments and accounts
/// are placeholders.
#[must_use]
pub fn verify_instruction(scope: Address, track: u64) -> Instruction {
    let presentation = Presentation {
        proof: [0; 256],
        root: [0; 32],
        nullifier: [0; 32],
        claim: Claim::of_track(track).to_bytes(),
        auxiliary_root: None,
        expiry: 0,
        payload: Vec::new(),
    };
    // payer, recipient, config, scope, circuit, nullifier
    let mut accounts = vec![Address::from([9; 32]); 6];
    accounts[3] = scope;
    Instruction {
        program: bauta::ID,
        accounts,
        data: bauta::instruction::Verify { presentation }.data(),
    }
}

impl TestChain {
    /// Adds a transaction whose second instruction is `instruction`. It invoked the inner
    /// instructions and then failed with the program's error `NullifierUsed`.
    pub fn fail_as_reused(
        &mut self,
        instruction: Instruction,
        inner_instructions: Vec<InnerInstruction>,
    ) -> Signature {
        let first = Instruction {
            program: Address::from([8; 32]),
            accounts: Vec::new(),
            data: Vec::new(),
        };
        let inner_instructions = inner_instructions
            .into_iter()
            .map(|inner| InnerInstruction {
                outer_index: 1,
                ..inner
            })
            .collect();
        let signature = self.send_failing(inner_instructions);
        if let Some(last) = self.transactions.last_mut() {
            last.refused_reuse = Some(1);
            last.instructions = vec![first, instruction];
        }
        signature
    }
}
