//! Tests of the client against a real node: `tools/localnet`, with the program's ELF deployed.

mod accounts;
mod history;
mod send;
mod subscriptions;
mod support;
