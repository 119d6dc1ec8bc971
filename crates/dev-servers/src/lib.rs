//! Private Postgres, Redis and Solana servers for tests and development. They start within seconds
//! and end with the process that starts them.
//!
//! ```text
//!   this process ──── pipe ────> sh (the supervisor) ───> server, its data in a temporary folder
//!                                  │
//!                   pipe closed ───┴──> ends the server, removes the folder
//! ```
//!
//! The pipe closes when the value is dropped. It also closes when the process ends without dropping
//! the value: after a panic, after `exit` with the server in a `static`, after `kill -9`. In every
//! case the server ends and its folder is removed.
//!
//! Each server listens only on 127.0.0.1, on a free port or on a given one. Postgres and Redis have
//! a random password. Their programs come from Debian's packages `postgresql` and `redis-server`.
//! Postgres refuses to run as root; if this process is root, Postgres runs as the user `postgres`
//! or, if there is no such user, as `nobody`.
//!
//! The Solana chain is `tools/localnet`, which `cargo xtask localnet` builds. It watches the pipe
//! itself.

mod cache;
mod chain;
mod error;
mod ports;
mod postgres;
mod programs;
mod random;
mod redis;
mod service;
mod supervisor;
mod validator;

pub use cache::cache;
pub use chain::{Chain, ChainSettings, node_program};
pub use error::Error;
pub use postgres::{Postgres, Restore};
pub use programs::{POSTGRES, Program, REDIS};
pub use random::random_hex;
pub use redis::{Redis, StoppedRedis};
pub use service::Service;
pub use validator::{TestValidator, TestValidatorSettings};
