//! The leaf formats and claims of the statements other than `ownership`.
//!
//! ```text
//!   Score     --attributes--> leaf (format 2)      ScoreClaim   --value--> claim
//!   Address   --attributes--> leaf (format 3)      AddressClaim --value--+
//!   Gap       --leaf--------> leaf (format 129) --path--> auxiliary root +--Poseidon2--> claim
//! ```
//!
//! A value that a party presents is checked when it is created. The error names the field and the
//! rule. The circuits repeat the checks as constraints.

mod address;
mod chain;
mod error;
mod revocations;
mod salt;
mod score;

pub use address::{Address, AddressClaim, Component, MAX_COMPONENTS, Pattern, parse_pid};
pub use chain::{chain, tag};
pub use error::InvalidValue;
pub use revocations::{Gap, HANDLE_BITS, Handle};
pub use salt::Salt;
pub use score::{SCORE_BITS, Score, ScoreClaim};

/// The number of bits of a time in Unix seconds.
pub const TIME_BITS: usize = 40;

/// Checks that a time fits its bits.
fn check_time(field: &'static str, time: u64) -> Result<(), InvalidValue> {
    if time >> TIME_BITS == 0 {
        Ok(())
    } else {
        Err(InvalidValue {
            field,
            rule: "must be Unix seconds below 2^40",
        })
    }
}
