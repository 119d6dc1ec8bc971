//! The request and response types of the HTTP services of Bauta. The services and the client
//! `bauta-http` share them.
//!
//! Values are texts, as they are sent. The services and the client check them. States are texts as
//! well, so that an old client can read the response of a newer service.

pub mod api;
mod bounded;
pub mod prover;
mod secret;

pub use bounded::{at_most, optional_at_most};
pub use secret::Secret;
