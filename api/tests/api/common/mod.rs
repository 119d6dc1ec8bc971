//! Runs the service as a process on a database that the events of a chain fill.

mod chain;
pub mod complete;
pub mod ohttp_client;
mod process;
pub mod wallets;

pub use self::{
    chain::{Chain, PROGRAM, address, nullifier, number_bytes, poseidon, poseidon_tree},
    process::{Running, command, text},
};

/// Seconds of a day.
pub const DAY: i64 = 86_400;
