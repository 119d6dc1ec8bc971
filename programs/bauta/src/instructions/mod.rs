//! The instructions. Each file has the accounts and the arguments of one instruction, and its
//! handler in the method `run`.

mod accept_admin;
mod add_collection;
mod append_leaves;
mod close_scope;
mod create_registry;
mod create_scope;
mod evict_holder;
mod initialize;
mod pause;
mod publish_root;
mod reclaim_nullifier;
mod register_circuit;
mod register_core_holder;
mod register_holder;
mod registration;
mod replace_admin;
mod replace_leaf;
mod retire_circuit;
mod seal_registry;
mod set_admin;
mod suspend_circuit;
mod verify;

pub use accept_admin::*;
pub use add_collection::*;
pub use append_leaves::*;
pub use close_scope::*;
pub use create_registry::*;
pub use create_scope::*;
pub use evict_holder::*;
pub use initialize::*;
pub use pause::*;
pub use publish_root::*;
pub use reclaim_nullifier::*;
pub use register_circuit::*;
pub use register_core_holder::*;
pub use register_holder::*;
pub use replace_admin::*;
pub use replace_leaf::*;
pub use retire_circuit::*;
pub use seal_registry::*;
pub use set_admin::*;
pub use suspend_circuit::*;
pub use verify::*;
