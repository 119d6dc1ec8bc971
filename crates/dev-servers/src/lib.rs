//! Private Postgres, Redis and Solana chain for tests and development: started in a moment, gone when their starter is.
//!
//! ```text
//!   this process ──── pipe ────> sh (the keeper) ───> server, its data in a temporary folder
//!                                  │
//!                   pipe closed ───┴──> ends the server, removes the folder
//! ```
//!
//! The pipe closes when the value is dropped, and also when the process ends without dropping it: by a panic, by `exit`
//! with the server in a `static`, by `kill -9`. So nothing is left behind in any case.
//!
//! Each server listens on 127.0.0.1 alone, on a free port or one asked for, with a password of its own. Programs are those of
//! Debian's packages `postgresql` and `redis-server`. When this process is root, Postgres, which refuses to run as
//! root, runs as `postgres` or, where there is no such user, as `nobody`. The chain is `tools/localnet`, which
//! `cargo xtask localnet` builds; it watches the pipe itself.

mod cache;
mod chain;
mod error;
mod keeper;
mod postgres;
mod programs;
mod redis;
mod service;
mod validator;

pub use cache::cache;
pub use chain::{Chain, ChainSettings, node_program};
pub use error::Error;
pub use keeper::random_hex;
pub use postgres::{Postgres, Restore};
pub use programs::{POSTGRES, Program, REDIS};
pub use redis::{Redis, Stopped};
pub use service::Service;
pub use validator::TestValidator;
