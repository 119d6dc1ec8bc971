//! Everything that `verify` refuses, one thing wrong at a time, each with its own error.
//!
//! Proofs come from a key whose trapdoor is known, so a valid proof can be had for any digest: what is refused here is
//! refused by the program's rules, not because a circuit happened not to allow it. One test in `binding` shows
//! the same with the real circuit.

mod auxiliary;
mod binding;
mod elements;
mod scene;
mod scopes;
