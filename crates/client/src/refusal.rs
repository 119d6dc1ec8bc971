//! Naming the program's refusals.

use std::fmt;

use bauta::errors::BautaError;
use bytemuck::checked::try_cast;
use solana_address::Address;
use solana_instruction::error::InstructionError;
use solana_transaction_error::TransactionError;

/// Where Anchor's own errors end and a program's begin.
const FIRST_CODE: u32 = anchor_lang::error::ERROR_CODE_OFFSET;

/// A custom error of an instruction of the program: the program's own, or Anchor's account checks'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramError {
    /// The custom code.
    pub code: u32,
    /// The error's name in `programs/bauta/src/errors.rs`; `Anchor` for those below 6000, `Unknown` above the last.
    pub name: String,
    /// What was wrong, and the rule.
    pub message: String,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.code, self.message)
    }
}

impl std::error::Error for ProgramError {}

impl ProgramError {
    /// The error of a custom code that an instruction of the program failed with.
    #[must_use]
    pub fn from_code(code: u32) -> Self {
        // the enum's own numbers count from 0
        let known = code
            .checked_sub(FIRST_CODE)
            .and_then(|number| try_cast::<u32, BautaError>(number).ok());
        let (name, message) = match known {
            Some(error) => (error.name(), error.to_string()),
            None if code < FIRST_CODE => (
                "Anchor".to_owned(),
                "an account or argument failed one of Anchor's checks; its error table names the code"
                    .to_owned(),
            ),
            None => (
                "Unknown".to_owned(),
                "an error that this client doesn't know: a newer client is needed".to_owned(),
            ),
        };
        Self { code, name, message }
    }

    /// The error of a failed transaction, if it was an instruction of this program that failed with a custom code.
    ///
    /// `programs` are those that the transaction's instructions call, in order. A consumer program passes this
    /// program's codes on as its own; it has to tell them apart itself, with [`ProgramError::from_code`].
    #[must_use]
    pub fn of_transaction(error: &TransactionError, programs: &[Address]) -> Option<Self> {
        match error {
            TransactionError::InstructionError(index, InstructionError::Custom(code))
                if programs.get(usize::from(*index)) == Some(&bauta::ID) =>
            {
                Some(Self::from_code(*code))
            }
            _ => None,
        }
    }
}
