//! The instructions. Each file has the accounts and the arguments of one instruction, and its
//! handler in the method `run`.

mod claim;
mod create_campaign;
mod sweep;

pub use claim::*;
pub use create_campaign::*;
pub use sweep::*;
