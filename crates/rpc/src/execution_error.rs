use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use solana_transaction_error::TransactionError;

/// The longest text of an unknown error that a message shows, in characters.
const MAX_SHOWN_CHARACTERS: usize = 200;

/// The error of an executed transaction, as the node reports it.
///
/// The error is kept as JSON. Clusters add errors, and a program decides which one its transaction
/// fails with. So an error that this version does not know must not make a response unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ExecutionError(Value);

impl ExecutionError {
    /// Creates an error from the `err` of a response.
    #[must_use]
    pub const fn new(json: Value) -> Self {
        Self(json)
    }

    /// Returns the error as Solana's own type. `None` if this version does not know it.
    #[must_use]
    pub fn known(&self) -> Option<TransactionError> {
        TransactionError::deserialize(&self.0).ok()
    }

    /// Returns the index of the instruction that failed and the error code of its program. `None`
    /// if the transaction failed for another reason.
    #[must_use]
    pub fn program_error(&self) -> Option<(u8, u32)> {
        let [index, reason] = self.0.get("InstructionError")?.as_array()?.as_slice() else {
            return None;
        };
        let code = reason.get("Custom")?.as_u64()?;
        Some((u8::try_from(index.as_u64()?).ok()?, u32::try_from(code).ok()?))
    }
}

impl fmt::Display for ExecutionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.known() {
            return error.fmt(out);
        }
        let json = self.0.to_string();
        let shown: String = json.chars().take(MAX_SHOWN_CHARACTERS).collect();
        out.write_str(&shown)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use solana_instruction::error::InstructionError;

    use super::*;

    #[test]
    fn the_code_of_a_programs_error_is_read() {
        let error = ExecutionError::new(json!({ "InstructionError": [2, { "Custom": 6_000 }] }));
        assert_eq!(error.program_error(), Some((2, 6_000)));
        let known = TransactionError::InstructionError(2, InstructionError::Custom(6_000));
        assert_eq!(error.known(), Some(known));
    }

    #[test]
    fn errors_of_other_versions_are_kept_and_shown() {
        for json in [
            json!({ "InstructionError": [0, { "BorshIoError": "unknown" }] }),
            json!({ "InstructionError": [0, "AnErrorOfTheFuture"] }),
            json!({ "InstructionError": [0] }),
            json!({ "InstructionError": [300, { "Custom": 1 }] }),
            json!({ "InstructionError": [0, { "Custom": 1_u64 << 32 }] }),
            json!("AnErrorOfTheFuture"),
            json!(7),
            json!([]),
        ] {
            let error = ExecutionError::new(json.clone());
            assert_eq!(error.program_error(), None, "{json}");
            assert!(!error.to_string().is_empty(), "{json}");
        }
        let long = ExecutionError::new(json!("x".repeat(100_000)));
        assert_eq!(long.to_string().len(), MAX_SHOWN_CHARACTERS);
    }
}
