//! The service as a process, over HTTP.

mod access;
mod bad_input;
mod common;
mod configuration;
mod crashes;
mod jobs;
mod proofs;
mod secrets;
