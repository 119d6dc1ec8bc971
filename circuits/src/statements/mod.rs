//! The statements that can be proved.
//!
//! docs/add-statement.md describes how to add one: its file, and its name in `list`.

mod address;
mod ownership;
mod reputation;

use bauta_primitives::tree::Depth;

pub use address::{Address, AddressInputs, NotRevoked};
pub use ownership::Ownership;
pub use reputation::{Reputation, ReputationInputs};

use crate::statement::Statement;

/// The depths of registry trees. Every statement has a circuit for each.
pub const DEPTHS: [Depth; 2] = [Depth::Ten, Depth::Sixteen];

/// Calls a macro with the types of all statements.
macro_rules! list {
    ($callback:ident) => {
        $callback! { Ownership, Reputation, Address }
    };
}
#[cfg(feature = "keys")]
pub(crate) use list;

/// A function that is generic over statements.
pub trait Visitor {
    /// The result for one statement.
    type Output;

    /// Is called with a statement at one depth.
    fn visit<S: Statement + Clone + 'static>(&mut self, statement: S) -> Self::Output;
}

macro_rules! visits {
    ($($statement:ident),*) => {
        /// The names of all statements.
        pub const NAMES: &[&str] = &[$($statement::NAME),*];

        /// Calls the visitor with every statement at every depth.
        pub fn visit_all<V: Visitor>(visitor: &mut V) -> Vec<V::Output> {
            let mut outputs = Vec::new();
            $(outputs.extend(DEPTHS.map(|depth| visitor.visit($statement::new(depth))));)*
            outputs
        }

        /// Calls the visitor with the statement of this name. Returns `None` if there is none.
        pub fn visit<V: Visitor>(name: &str, depth: Depth, visitor: &mut V) -> Option<V::Output> {
            match name {
                $($statement::NAME => Some(visitor.visit($statement::new(depth))),)*
                _ => None,
            }
        }
    };
}
list!(visits);
