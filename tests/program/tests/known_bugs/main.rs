//! Regression tests for bugs that comparable programs had.
//!
//! Tests for further bugs are in the other files of this suite: refusals of `verify`, roots,
//! tokens, substituted accounts and the model.

mod authority;
mod keys;
mod registries;
mod scopes;
mod statements;
mod tokens;
