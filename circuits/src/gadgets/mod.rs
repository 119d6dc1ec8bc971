//! The parts of which statements are built. They are independent of any statement.
//!
//! ```text
//!   secret --Poseidon1--> commitment --+
//!   entry_id, attributes --------------+--Poseidon3--> leaf --merkle--> root -+
//!   secret, entry_id, scope --------------Poseidon3--> nullifier -------------+-Poseidon5-> digest
//!   scope, claim, context ----------------------------------------------------+
//! ```

mod boolean;
mod digest;
mod membership;
mod merkle;
mod poseidon;

pub use boolean::constrain_boolean;
pub use digest::{Bound, digest};
pub use membership::{Membership, MembershipOutputs};
pub use merkle::Level;
pub use poseidon::poseidon;
