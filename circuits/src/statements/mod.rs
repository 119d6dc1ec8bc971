//! The statements that can be proved.

mod ownership;

use bauta_primitives::tree::Depth;

pub use ownership::Ownership;

/// Every statement at every depth.
pub const ALL: [Ownership; 2] = [Ownership::new(Depth::Ten), Ownership::new(Depth::Sixteen)];
