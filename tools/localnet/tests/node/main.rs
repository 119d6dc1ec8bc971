//! Tests of the node as a process, through Solana's own clients.

mod history;
mod ledger;
mod program;
mod refusals;
mod start;
mod subscriptions;
mod support;
