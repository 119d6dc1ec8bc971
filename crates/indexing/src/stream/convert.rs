//! Converts a transaction of the stream into the form of the indexer.

use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;
use yellowstone_grpc_proto::prelude::{CompiledInstruction, SubscribeUpdateTransaction};

use crate::chain::{InnerInstruction, Instruction, Transaction};

/// Converts a transaction. Fails if it is one that only a node can return, or if its parts
/// contradict each other. Then it is requested from a node.
pub fn convert(update: SubscribeUpdateTransaction) -> Result<Transaction, &'static str> {
    let info = update.transaction.ok_or("it has no content")?;
    let transaction = info.transaction.ok_or("it has no message")?;
    let message = transaction.message.ok_or("it has no message")?;
    let meta = info.meta.ok_or("it has no outcome")?;
    if transaction.signatures.first() != Some(&info.signature) {
        return Err("its first signature differs from the one that was announced");
    }
    if meta.err.is_some() {
        return Err("it failed, and the stream encodes errors in a form of its own");
    }
    if meta.inner_instructions_none {
        return Err("its inner instructions were not recorded");
    }
    let keys = message
        .account_keys
        .iter()
        .chain(&meta.loaded_writable_addresses)
        .chain(&meta.loaded_readonly_addresses)
        .map(|key| Address::try_from(key.as_slice()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| "an address does not have 32 bytes")?;
    let instructions: Vec<Instruction> = message
        .instructions
        .into_iter()
        .map(|instruction| resolve(instruction, &keys))
        .collect::<Result<_, _>>()?;
    let mut inner_instructions = Vec::new();
    let mut next_outer = 0;
    for group in meta.inner_instructions {
        if group.index < next_outer || group.index as usize >= instructions.len() {
            return Err("its inner instructions are out of order");
        }
        next_outer = group.index + 1;
        for (inner_index, inner) in (0..).zip(group.instructions) {
            let inner = CompiledInstruction {
                program_id_index: inner.program_id_index,
                accounts: inner.accounts,
                data: inner.data,
            };
            let Instruction {
                program,
                accounts,
                data,
            } = resolve(inner, &keys)?;
            inner_instructions.push(InnerInstruction {
                outer_index: group.index,
                inner_index,
                program,
                accounts,
                data,
            });
        }
    }
    Ok(Transaction {
        slot: Slot::new(update.slot),
        index: u32::try_from(info.index).map_err(|_| "its index in the slot is too large")?,
        signature: Signature::try_from(info.signature.as_slice())
            .map_err(|_| "its signature does not have 64 bytes")?,
        succeeded: true,
        refused_reuse: None,
        time: None,
        instructions,
        inner_instructions,
    })
}

/// Replaces the indices of an instruction by addresses.
fn resolve(instruction: CompiledInstruction, keys: &[Address]) -> Result<Instruction, &'static str> {
    let key = |index: usize| keys.get(index).copied().ok_or("it names an unknown account");
    Ok(Instruction {
        program: key(instruction.program_id_index as usize)?,
        accounts: instruction
            .accounts
            .iter()
            .map(|index| key(usize::from(*index)))
            .collect::<Result<_, _>>()?,
        data: instruction.data,
    })
}
