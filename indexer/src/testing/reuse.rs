//! Transactions that fail because a nullifier has been used.

use anchor_lang::InstructionData;
use bauta::instructions::Presentation;
use bauta_primitives::Claim;
use solana_address::Address;
use solana_signature::Signature;

use super::{Chain, program};
use crate::chain::{Call, InnerCall};

/// The call of `verify` for a scope, with a claim; the rest of it means nothing.
#[must_use]
pub fn verify_call(scope: Address, track: u64) -> Call {
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
    Call {
        program: program(),
        accounts,
        data: bauta::instruction::Verify { presentation }.data(),
    }
}

impl Chain {
    /// A transaction whose second instruction, this one, failed with the program's code for a used nullifier, after it had
    /// called these.
    pub fn fail_as_used(&mut self, call: Call, inner: Vec<InnerCall>) -> Signature {
        let other = Call {
            program: Address::from([8; 32]),
            accounts: Vec::new(),
            data: Vec::new(),
        };
        let inner = inner
            .into_iter()
            .map(|call| InnerCall {
                instruction: 1,
                ..call
            })
            .collect();
        let signature = self.send_failing(inner);
        if let Some(last) = self.transactions.last_mut() {
            last.reuse = Some(1);
            last.calls = vec![other, call];
        }
        signature
    }
}
