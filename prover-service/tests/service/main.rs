//! The service as a process, over HTTP.

mod access;
mod audit;
mod away;
mod bad_input;
mod cache;
mod circuits;
mod common;
mod configuration;
mod connections;
mod contract;
mod crashes;
mod encrypted;
mod figures;
mod forgetting;
mod jobs;
mod memory;
mod openapi;
mod profiling;
mod progress;
mod proofs;
mod redis;
mod registry;
mod schemathesis;
mod secrets;
mod spans;
