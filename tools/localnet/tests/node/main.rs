//! The node as its users meet it: started as a process, spoken to by Solana's own clients.

mod history;
mod ledger;
mod program;
mod refusals;
mod start;
mod subscriptions;
mod support;
