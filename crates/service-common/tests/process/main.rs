//! Tests of the example service as a process: configuration, responses, limits and shutdown.

mod common;
mod configuration;
mod limits;
mod operations;
mod problems;
mod shutdown;
