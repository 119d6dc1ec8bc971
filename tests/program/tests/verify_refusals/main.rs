//! Tests every refusal of `verify`. Each case has one wrong value and its own error.
//!
//! The proofs come from a key with a known trapdoor, so a test can create a valid proof for any
//! digest. The program's rules alone refuse these cases, not the circuit. One test in `binding`
//! uses the real circuit.

mod accounts;
mod auxiliary;
mod binding;
mod elements;
mod fixture;
mod scopes;
