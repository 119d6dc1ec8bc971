//! The parts of which statements are built. They are independent of any statement.
//!
//! ```text
//!   secret --Poseidon1--> commitment --+
//!   entry_id, attributes --------------+--Poseidon3--> leaf --merkle--> root -+
//!   secret, entry_id, scope --------------Poseidon3--> nullifier -------------+-Poseidon5-> digest
//!   scope, claim, context ----------------------------------------------------+
//! ```
//!
//! Predicates use [`Range`] for bounds and for the order of numbers, [`chain`] for long hashes,
//! [`Components`] and [`PrefixMask`] for lists of which only the first elements are shown, and
//! [`Path`] for the tree of an auxiliary registry.

mod boolean;
mod chain;
mod components;
mod digest;
mod membership;
mod merkle;
mod poseidon;
mod range;

pub use boolean::constrain_boolean;
pub use chain::chain;
pub use components::{Components, PrefixMask};
pub use digest::{Bound, digest};
pub use membership::{Member, Membership, MembershipOutputs};
pub use merkle::{Level, Path};
pub use poseidon::{poseidon, tagged_poseidon};
pub use range::Range;
