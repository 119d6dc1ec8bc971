//! The example service as a process: its configuration, its responses, its limits, its end.

mod common;
mod configuration;
mod limits;
mod operations;
mod problems;
mod shutdown;
