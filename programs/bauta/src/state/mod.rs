//! The program's accounts: zero-copy, `repr(C)`, every byte named. Offsets in the tables are after the 8-byte discriminator.

mod circuit;
mod collection;
mod config;
mod holding;
mod nullifier;
mod registry;
mod scope;
mod tree;

pub use circuit::*;
pub use collection::*;
pub use config::*;
pub use holding::*;
pub use nullifier::*;
pub use registry::*;
pub use scope::*;
pub use tree::*;
