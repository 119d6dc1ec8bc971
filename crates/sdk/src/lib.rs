//! The Rust SDK of Bauta, as one dependency.
//!
//! Each feature adds one part, so that a program on chain depends on little:
//!
//! | feature | modules | for |
//! |---|---|---|
//! | `program` | `program` | authors of consumer programs: the program's instructions by CPI |
//! | `client` (default) | `client`, `primitives`, `program` | instructions, decoding, addresses, checks |
//! | `prover` | and `circuits` | members who prove on their own machine |
//! | `http` | and `http` | the API and the prover service |
//!
//! A consumer program needs only the first one:
//!
//! ```toml
//! bauta-sdk = { version = "0.1", default-features = false, features = ["program"] }
//! ```
#![cfg_attr(feature = "prover", doc = include_str!("member.md"))]
#![cfg_attr(feature = "http", doc = include_str!("relay.md"))]
#![cfg_attr(feature = "program", doc = include_str!("consumer.md"))]
#![cfg_attr(feature = "client", doc = include_str!("authority.md"))]

#[cfg(any(feature = "client", feature = "program"))]
pub use bauta as program;
#[cfg(feature = "prover")]
pub use bauta_circuits as circuits;
#[cfg(feature = "client")]
pub use bauta_client as client;
#[cfg(feature = "http")]
pub use bauta_http as http;
#[cfg(feature = "client")]
pub use bauta_primitives as primitives;
#[cfg(feature = "client")]
pub use solana_address::Address;
