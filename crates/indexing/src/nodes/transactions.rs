//! Converts transactions from the form of the RPC client to the form of the indexer.

use bauta::errors::BautaError;
use bauta_rpc::{
    ExecutedInstruction, ExecutedTransaction, ExecutionError, InnerInstruction as ReadInstruction,
};
use bauta_store::Slot;

use crate::chain::{InnerInstruction, Instruction, Transaction};

/// Converts a transaction with the given index in its block and the given inner instructions.
pub fn convert(
    transaction: ExecutedTransaction,
    inner_instructions: Vec<ReadInstruction>,
    index: u32,
) -> Transaction {
    let narrow = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let inner_instructions = inner_instructions
        .into_iter()
        .map(|inner| InnerInstruction {
            outer_index: narrow(inner.outer_index),
            inner_index: narrow(inner.inner_index),
            program: inner.instruction.program,
            accounts: inner.instruction.accounts,
            data: inner.instruction.data,
        })
        .collect();
    let instruction = |instruction: ExecutedInstruction| Instruction {
        program: instruction.program,
        accounts: instruction.accounts,
        data: instruction.data,
    };
    Transaction {
        slot: Slot::new(transaction.slot),
        index,
        signature: transaction.signature,
        succeeded: transaction.error.is_none(),
        refused_reuse: refused_reuse(transaction.error.as_ref()),
        time: transaction.block_time,
        instructions: transaction.instructions.into_iter().map(instruction).collect(),
        inner_instructions,
    }
}

/// Returns the index of the instruction that failed with the program's error `NullifierUsed`.
pub fn refused_reuse(error: Option<&ExecutionError>) -> Option<u32> {
    let (index, code) = error?.program_error()?;
    (code == u32::from(BautaError::NullifierUsed)).then_some(u32::from(index))
}
