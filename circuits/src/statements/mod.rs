//! What can be proved.

mod ownership;

pub use ownership::{Ownership, OwnershipInputs};
