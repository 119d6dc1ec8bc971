//! The program's accounts. They are zero-copy and `repr(C)`, and every byte belongs to a field.
//! Offsets in the tables count from the end of the 8-byte discriminator.

mod circuit;
mod collection;
mod config;
mod holding;
mod nullifier;
mod registry;
mod scope;
mod staged;
mod tree;

pub use circuit::*;
pub use collection::*;
pub use config::*;
pub use holding::*;
pub use nullifier::*;
pub use registry::*;
pub use scope::*;
pub use staged::*;
pub use tree::*;
