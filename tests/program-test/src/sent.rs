//! What came of a transaction.

use bauta_client::{Event, ProgramError};
use solana_address::Address;
use solana_instruction::{Instruction, error::InstructionError};
use solana_transaction_error::TransactionError;

/// A transaction that succeeded.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Compute units of the whole transaction.
    pub compute_units: u64,
    /// Bytes of the whole transaction, signatures included.
    pub transaction_bytes: usize,
    /// The program's events, in order; from inner instructions only.
    pub events: Vec<Event>,
    /// What the last program to set return data set, and that program.
    pub return_data: (Address, Vec<u8>),
    /// Lamports that the payer paid for the transaction itself.
    pub fee: u64,
    /// Log lines.
    pub logs: Vec<String>,
}

/// A transaction that was refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .error.as_ref().map_or_else(|| .transaction_error.to_string(), ToString::to_string))]
pub struct Refused {
    /// The program's error or Anchor's, where it was an instruction of this program that refused.
    pub error: Option<ProgramError>,
    /// What the runtime says.
    pub transaction_error: TransactionError,
    /// Compute units until the refusal.
    pub compute_units: u64,
    /// Lamports that the payer paid for the transaction itself.
    pub fee: u64,
    /// Log lines.
    pub logs: Vec<String>,
}

impl Refused {
    /// The custom code that the failing instruction gave, whichever program it was of.
    #[must_use]
    pub const fn code(&self) -> Option<u32> {
        match self.transaction_error {
            TransactionError::InstructionError(_, InstructionError::Custom(code)) => Some(code),
            _ => None,
        }
    }

    /// The name of the error: the program's or Anchor's custom error, else the runtime's.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.error {
            Some(error) => error.name.clone(),
            None => format!("{:?}", self.transaction_error),
        }
    }
}

/// Asserts that a transaction was refused with exactly this custom error, the program's (`BautaError`) or Anchor's
/// (`ErrorCode`).
///
/// # Panics
/// When it succeeded or was refused otherwise; says what happened.
#[track_caller]
pub fn assert_refused(result: Result<Sent, Refused>, error: impl Into<u32> + std::fmt::Debug) {
    let wanted = format!("{error:?}");
    match result {
        Ok(sent) => panic!("succeeded where {wanted} was due: {:?}", sent.events),
        Err(refused) => assert_eq!(
            refused.code(),
            Some(error.into()),
            "{wanted} was due, but: {refused}\n{}",
            refused.logs.join("\n")
        ),
    }
}

/// The instruction with the first `from` in its data overwritten: to send what the typed client can't say.
///
/// # Panics
/// When the bytes aren't in the data.
#[must_use]
pub fn with_bytes(mut instruction: Instruction, from: &[u8], to: &[u8]) -> Instruction {
    let mut windows = instruction.data.windows(from.len());
    let at = windows.position(|window| window == from);
    let at = at.expect("the bytes are in the data");
    instruction.data[at..at + to.len()].copy_from_slice(to);
    instruction
}
