//! The subcommands, one file for each.

pub mod admin;
pub mod airdrop;
pub mod ceremony;
pub mod circuit;
pub mod collection;
pub mod doctor;
pub mod generate;
pub mod holder;
pub mod identity;
pub mod initialize;
pub mod inspect;
pub mod keypair;
pub mod nullifier;
pub mod program;
pub mod prove;
pub mod registry;
pub mod scope;
pub mod verify;
