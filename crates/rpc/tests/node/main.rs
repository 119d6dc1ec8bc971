//! The client against a real node: tools/localnet, with the program's ELF in it.

mod accounts;
mod history;
mod send;
mod subscriptions;
mod support;
