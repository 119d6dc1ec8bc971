//! The streamed transactions that no list has named yet.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_store::Slot;

use crate::chain::{InnerInstruction, Instruction, ListedTransaction, Transaction};

/// The largest size of the buffer in bytes, approximately. The transactions of the oldest slots are
/// removed first.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How long the stream is not used after the database contradicted an answer.
const DISTRUST_TIME: Duration = Duration::from_mins(1);

#[derive(Default)]
pub struct Buffer {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    transactions: BTreeMap<(Slot, [u8; 64]), Transaction>,
    bytes: usize,
    distrusted_at: Option<Instant>,
}

impl State {
    fn remove(&mut self, key: &(Slot, [u8; 64])) -> Option<Transaction> {
        let transaction = self.transactions.remove(key)?;
        self.bytes -= size(&transaction);
        Some(transaction)
    }
}

impl Buffer {
    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a transaction. If there is another one with the same slot and signature, the stream
    /// contradicts itself, and neither is kept.
    pub fn insert(&self, transaction: Transaction) {
        self.with_state(|state| {
            if state
                .distrusted_at
                .is_some_and(|since| since.elapsed() < DISTRUST_TIME)
            {
                return;
            }
            let key = (transaction.slot, transaction.signature.into());
            if let Some(present) = state.remove(&key)
                && present != transaction
            {
                return;
            }
            state.bytes += size(&transaction);
            state.transactions.insert(key, transaction);
            while state.bytes > MAX_BYTES
                && let Some(oldest) = state.transactions.keys().next().copied()
            {
                state.remove(&oldest);
            }
        });
    }

    /// Removes and returns the transaction of an entry of a list.
    pub fn take(&self, entry: &ListedTransaction) -> Option<Transaction> {
        self.with_state(|state| state.remove(&(entry.slot, entry.signature.into())))
    }

    /// Removes every transaction, and accepts none for some time.
    pub fn distrust(&self) {
        self.with_state(|state| {
            *state = State {
                distrusted_at: Some(Instant::now()),
                ..State::default()
            };
        });
    }
}

/// Returns the approximate size of a transaction in memory.
fn size(transaction: &Transaction) -> usize {
    let instruction = |accounts: &[_], data: &[u8]| -> usize {
        size_of::<InnerInstruction>() + size_of_val(accounts) + data.len()
    };
    let outer: usize = transaction
        .instructions
        .iter()
        .map(|Instruction { accounts, data, .. }| instruction(accounts, data))
        .sum();
    let inner: usize = transaction
        .inner_instructions
        .iter()
        .map(|InnerInstruction { accounts, data, .. }| instruction(accounts, data))
        .sum();
    size_of::<Transaction>() + outer + inner
}

#[cfg(test)]
mod tests {
    use solana_signature::Signature;

    use super::*;

    fn transaction(slot: u64, data: usize) -> Transaction {
        Transaction {
            slot: Slot::new(slot),
            index: 0,
            signature: Signature::from([7; 64]),
            succeeded: true,
            refused_reuse: None,
            time: None,
            instructions: vec![Instruction {
                program: bauta::ID,
                accounts: Vec::new(),
                data: vec![0; data],
            }],
            inner_instructions: Vec::new(),
        }
    }

    fn entry(slot: u64) -> ListedTransaction {
        ListedTransaction {
            slot: Slot::new(slot),
            signature: Signature::from([7; 64]),
            succeeded: true,
            is_refused_reuse: false,
        }
    }

    #[test]
    fn the_transactions_of_the_oldest_slots_are_removed_first_when_the_buffer_is_full() {
        let buffer = Buffer::default();
        for slot in 0..40 {
            buffer.insert(transaction(slot, 1024 * 1024));
        }
        assert_eq!(buffer.take(&entry(3)), None);
        assert!(buffer.take(&entry(39)).is_some());
        assert_eq!(buffer.take(&entry(39)), None);
        for slot in 0..40 {
            buffer.take(&entry(slot));
        }
        assert_eq!(buffer.with_state(|state| state.bytes), 0);
    }

    #[test]
    fn a_transaction_that_the_stream_sends_with_different_contents_is_not_used() {
        let buffer = Buffer::default();
        buffer.insert(transaction(5, 1));
        buffer.insert(transaction(5, 1));
        buffer.insert(transaction(5, 2));
        assert_eq!(buffer.take(&entry(5)), None);
    }
}
