//! Tests of the service as a process, over HTTP.

mod access;
mod audit;
mod bad_input;
mod cache;
mod circuits;
mod common;
mod configuration;
mod connections;
mod contract;
mod crashes;
mod jobs;
mod memory;
mod metrics;
mod openapi;
mod profiling;
mod progress;
mod proofs;
mod redis;
mod registry;
mod role;
mod schemathesis;
mod secrets;
mod spans;
mod tls;
mod unavailable;
mod wiping;
