//! Tests of the command `bauta` as users run it: the real program against a real local chain.

mod address;
mod airdrop;
mod api;
mod ceremony;
mod confirmation;
mod deploy;
mod doctor;
mod identity;
mod managed;
mod program;
mod proxy;
mod reference;
mod refusals;
mod rotate;
mod score;
mod second_node;
mod snapshots;
mod story;
mod support;
mod tiles;
mod token;
mod tutorial;
mod vault;
mod watch;
