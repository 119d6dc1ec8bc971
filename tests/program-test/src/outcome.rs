//! The outcome of a transaction.

use bauta_client::{Event, ProgramError};
use solana_address::Address;
use solana_instruction::{Instruction, error::InstructionError};
use solana_transaction_error::TransactionError;

/// A transaction that succeeded.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The compute units of the whole transaction.
    pub compute_units: u64,
    /// The length of the whole transaction in bytes, including signatures.
    pub transaction_bytes: usize,
    /// The program's events in order, from inner instructions.
    pub events: Vec<Event>,
    /// The last program that set return data, and the data.
    pub return_data: (Address, Vec<u8>),
    /// The transaction fee in lamports.
    pub fee: u64,
    /// The log lines.
    pub logs: Vec<String>,
}

/// A transaction that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .error.as_ref().map_or_else(|| .transaction_error.to_string(), ToString::to_string))]
pub struct Refusal {
    /// The custom error, if an instruction of this program failed with one.
    pub error: Option<ProgramError>,
    /// The error of the runtime.
    pub transaction_error: TransactionError,
    /// The compute units until the failure.
    pub compute_units: u64,
    /// The transaction fee in lamports.
    pub fee: u64,
    /// The log lines.
    pub logs: Vec<String>,
}

impl Refusal {
    /// Returns the custom error code of the failed instruction, whatever program it called.
    #[must_use]
    pub const fn code(&self) -> Option<u32> {
        match self.transaction_error {
            TransactionError::InstructionError(_, InstructionError::Custom(code)) => Some(code),
            _ => None,
        }
    }

    /// Returns the name of the error: the custom error of this program or of Anchor, or else the
    /// runtime's error.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.error {
            Some(error) => error.name.clone(),
            None => format!("{:?}", self.transaction_error),
        }
    }
}

/// Asserts that a transaction failed with this custom error, of the program (`BautaError`) or of
/// Anchor (`ErrorCode`).
///
/// # Panics
/// If the transaction succeeded or failed with another error. The message has the outcome.
#[track_caller]
pub fn assert_refused(result: Result<Receipt, Refusal>, error: impl Into<u32> + std::fmt::Debug) {
    let expected = format!("{error:?}");
    match result {
        Ok(receipt) => panic!(
            "the transaction succeeded, but {expected} was expected: {:?}",
            receipt.events
        ),
        Err(refusal) => assert_eq!(
            refusal.code(),
            Some(error.into()),
            "{expected} was expected, but the error is: {refusal}\n{}",
            refusal.logs.join("\n")
        ),
    }
}

/// Overwrites the first occurrence of `from` in the data of an instruction with `to`.
///
/// Tests use it for values that the typed client can't express.
///
/// # Panics
/// If the data does not contain `from`.
#[must_use]
pub fn with_bytes(mut instruction: Instruction, from: &[u8], to: &[u8]) -> Instruction {
    let mut windows = instruction.data.windows(from.len());
    let at = windows.position(|window| window == from);
    let at = at.expect("the data contains the bytes");
    instruction.data[at..at + to.len()].copy_from_slice(to);
    instruction
}
