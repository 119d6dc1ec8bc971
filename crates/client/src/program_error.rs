//! Decodes the program's errors.

use std::fmt;

use bauta::errors::BautaError;
use bytemuck::checked::try_cast;
use solana_address::Address;
use solana_instruction::error::InstructionError;
use solana_transaction_error::TransactionError;

/// The first error code of a program. Lower codes are Anchor's.
const FIRST_CODE: u32 = anchor_lang::error::ERROR_CODE_OFFSET;
/// The first error code of Anchor. Lower codes are those of the system program, which creates the
/// program's accounts.
const FIRST_ANCHOR_CODE: u32 = 100;

/// A custom error of an instruction of the program: an error of the program, of Anchor's checks, or
/// of the system program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramError {
    /// The custom error code.
    pub code: u32,
    /// The error's name in the IDL. The name in `SystemError` for the codes 0 and 1, `System` for
    /// other codes below 100, `Anchor` for other codes below 6000, and `Unknown` for codes that
    /// this client doesn't know.
    pub name: String,
    /// The error message.
    pub message: String,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.code, self.message)
    }
}

impl std::error::Error for ProgramError {}

impl ProgramError {
    /// Decodes the custom error code of a failed instruction of the program.
    #[must_use]
    pub fn from_code(code: u32) -> Self {
        // The discriminants of the enum start at 0.
        let known = code
            .checked_sub(FIRST_CODE)
            .and_then(|number| try_cast::<u32, BautaError>(number).ok());
        let (name, message) = known.map_or_else(
            || {
                let (name, message) = foreign(code);
                (name.to_owned(), message.to_owned())
            },
            |error| (error.name(), error.to_string()),
        );
        Self { code, name, message }
    }

    /// Decodes the error of a failed transaction. Returns `None` unless an instruction of this
    /// program failed with a custom code.
    ///
    /// `programs` has the program of each instruction of the transaction, in order. If a consumer
    /// program calls this program, the runtime reports this program's code as an error of the
    /// consumer program. Callers must distinguish this case and use [`ProgramError::from_code`].
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

/// Returns the name and the message of a code that is not one of the program.
const fn foreign(code: u32) -> (&'static str, &'static str) {
    match code {
        0 => (
            "AccountAlreadyInUse",
            "the system program refused to create an account: it already exists",
        ),
        1 => (
            "ResultWithNegativeLamports",
            "the system program refused a transfer: the payer has fewer lamports than the rent of the new account",
        ),
        2..FIRST_ANCHOR_CODE => (
            "System",
            "the system program refused to create an account; see the code in its table of errors",
        ),
        FIRST_ANCHOR_CODE..FIRST_CODE => (
            "Anchor",
            "an account or argument failed a check of Anchor; see the code in Anchor's table of errors",
        ),
        _ => ("Unknown", "the error is unknown: update the client"),
    }
}
